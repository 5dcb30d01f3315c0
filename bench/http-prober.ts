// SPDX-License-Identifier: Apache-2.0
// Sends requests that a rule names, one after the other, and notes for each how long it took until its record was in the
// file:  http-prober.js ADDRESS EVE-FILE COUNT   prints milliseconds as JSON

import { readSync, openSync, fstatSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

const [address = '', file = '', count = '0'] = process.argv.slice(2);
const DEADLINE_MS = 2000;
const buffer = Buffer.alloc(1 << 16);

const socket = connect(80, address);
await once(socket, 'connect');
socket.setNoDelay(true);
socket.resume();
const fd = openSync(file, 'r');
const found: number[] = [];
for (let n = 0; n < Number(count); n++) {
  let at = fstatSync(fd).size;
  const begin = process.hrtime.bigint();
  socket.write(`GET /probe${n} HTTP/1.1\r\nHost: bench\r\nUser-Agent: BenchScanner/1.0\r\n\r\n`);
  for (;;) {
    const elapsed = Number(process.hrtime.bigint() - begin) / 1e6;
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read > 0 && buffer.toString('latin1', 0, read).includes('"event_type":"alert"')) {
      found.push(elapsed);
      break;
    }
    if (read > 0) at += read;
    if (elapsed > DEADLINE_MS) {
      found.push(Infinity);
      break;
    }
    await turn();
  }
  await sleep(10);
}
socket.destroy();
console.log(JSON.stringify(found));
