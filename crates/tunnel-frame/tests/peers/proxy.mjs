// A tunnel proxy written from the document alone (meeting section 4), for testing an agent.
// usage: node proxy.mjs <local port on the device> [document|silent|error]
// Prints "control <port>", then "public <port>" once an agent has said hello.
import net from 'node:net';

const [localPort, mode = 'document'] = process.argv.slice(2);

function frame(type, id, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(9);
  header.write(type, 0, 'ascii');
  header.writeUInt32BE(id, 1);
  header.writeUInt32BE(payload.length, 5);
  return Buffer.concat([header, payload]);
}

function serve(agent, input) {
  const visitors = new Map();
  let next = 1;
  const publicSide = net.createServer({ allowHalfOpen: true }, (visitor) => {
    const id = next++;
    visitors.set(id, visitor);
    const port = Buffer.alloc(2);
    port.writeUInt16BE(Number(localPort));
    agent.write(frame('N', id, port));
    visitor.on('data', (data) => agent.write(frame('D', id, data)));
    visitor.on('close', () => visitors.delete(id) && agent.write(frame('C', id)));
    visitor.on('error', () => {});
  });
  publicSide.listen(0, '127.0.0.1', () => console.log('public ' + publicSide.address().port));
  const onData = (data) => {
    input = Buffer.concat([input, data]);
    while (input.length >= 9) {
      const length = input.readUInt32BE(5);
      if (input.length < 9 + length) return;
      const [type, id] = [String.fromCharCode(input[0]), input.readUInt32BE(1)];
      const payload = input.subarray(9, 9 + length);
      input = input.subarray(9 + length);
      const visitor = visitors.get(id);
      if (type === 'D') visitor?.write(payload);
      if (type === 'C' && visitors.delete(id)) visitor.end();
    }
  };
  agent.on('data', onData);
  onData(Buffer.alloc(0));
}

const control = net.createServer((agent) => {
  let input = Buffer.alloc(0);
  const onHello = (data) => {
    input = Buffer.concat([input, data]);
    const end = input.indexOf(10);
    if (end < 0) return;
    agent.off('data', onHello);
    const hello = JSON.parse(input.subarray(0, end).toString());
    if (mode === 'error') {
      agent.end(JSON.stringify({ error: 'auth_failed', reason: 'unknown device ' + hello.name }) + '\n');
      return;
    }
    if (mode === 'document') {
      agent.write(JSON.stringify({ status: 'authenticated', device_key: hello.name }) + '\n');
    }
    serve(agent, input.subarray(end + 1));
  };
  agent.on('data', onHello);
  agent.on('error', () => {});
  agent.on('close', () => process.exit(0));
});
control.listen(0, '127.0.0.1', () => console.log('control ' + control.address().port));
