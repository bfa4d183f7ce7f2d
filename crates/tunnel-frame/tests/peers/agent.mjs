// A tunnel agent written from the document alone (meeting section 4), for testing a proxy.
// usage: node agent.mjs <proxy port> <token> <device_key>
import net from 'node:net';

const [port, token, name] = process.argv.slice(2);
const locals = new Map();
let input = Buffer.alloc(0);
let authenticated = false;

function frame(type, id, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(9);
  header.write(type, 0, 'ascii');
  header.writeUInt32BE(id, 1);
  header.writeUInt32BE(payload.length, 5);
  return Buffer.concat([header, payload]);
}

const proxy = net.connect(Number(port), '127.0.0.1', () => {
  proxy.write(JSON.stringify({ token, name }) + '\n');
});

function close(id) {
  proxy.write(frame('C', id));
  const local = locals.get(id);
  locals.delete(id);
  if (local) local.end();
}

function onFrame(type, id, payload) {
  if (type === 'N') {
    const local = net.connect(payload.readUInt16BE(0), '127.0.0.1');
    locals.set(id, local);
    local.on('data', (data) => proxy.write(frame('D', id, data)));
    local.on('end', () => locals.has(id) && close(id));
    local.on('error', () => locals.has(id) && close(id));
  } else if (type === 'D') {
    locals.get(id)?.write(payload);
  } else if (type === 'C') {
    close(id); // "on close (local or C received): send C and clean up"
  }
}

proxy.on('data', (data) => {
  input = Buffer.concat([input, data]);
  if (!authenticated) {
    const end = input.indexOf(10);
    if (end < 0) return;
    const answer = JSON.parse(input.subarray(0, end).toString());
    input = input.subarray(end + 1);
    if (answer.status !== 'authenticated' || answer.device_key !== name) {
      console.log('refused ' + answer.error + ' ' + answer.reason);
      process.exit(3);
    }
    authenticated = true;
    console.log('authenticated');
  }
  while (input.length >= 9) {
    const length = input.readUInt32BE(5);
    if (input.length < 9 + length) return;
    onFrame(String.fromCharCode(input[0]), input.readUInt32BE(1), input.subarray(9, 9 + length));
    input = input.subarray(9 + length);
  }
});
proxy.on('close', () => process.exit(0));
proxy.on('error', () => process.exit(1));
