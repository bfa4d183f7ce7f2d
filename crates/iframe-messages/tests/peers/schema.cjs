// Holds the recorded messages against the JSON Schemas. The first argument is the crate's folder.
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv/dist/2020');

const root = process.argv[2];
const read = (name) => JSON.parse(fs.readFileSync(path.join(root, name), 'utf8'));
const compile = (name) => new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(read(name));
const host = compile('schema/host-message.json');
const iframe = compile('schema/iframe-message.json');

const wrong = [];
for (const [file, validate, other] of [
  ['tests/vectors/requests.json', host, iframe],
  ['tests/vectors/replies.json', iframe, host],
]) {
  for (const { name, wire } of read(file)) {
    if (!validate(wire)) wrong.push(`${file}: ${name}: ${JSON.stringify(validate.errors.slice(0, 3))}`);
    // Direction decides: only the four tags of both directions may pass the other schema, and then with other fields.
    const shared = ['VALIDATE_TOKEN', 'RENEW_TOKEN', 'GET_PAIRING_ID', 'GET_MY_PROCESSES'].includes(wire.type);
    if (!shared && other(wire)) wrong.push(`${file}: ${name}: valid in the other direction`);
  }
}
for (const { name, wire } of read('tests/vectors/ignored.json')) {
  if (host(wire) || iframe(wire)) wrong.push(`ignored: ${name}: valid`);
}
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}
console.log('all valid');
for (const { name, wire } of read('tests/vectors/refused.json')) {
  if (host(wire)) console.log(name);
}
