// SPDX-License-Identifier: Apache-2.0
// A syslog receiver over TCP that writes each message, framed by a newline, to a file.
//   node line-receiver.js PORT FILE
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [port = '', file = ''] = process.argv.slice(2);
createServer((socket) => {
  socket.on('error', () => undefined).on('data', (data) => appendFileSync(file, data));
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
