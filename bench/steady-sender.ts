// SPDX-License-Identifier: Apache-2.0
// Sends a datagram every few milliseconds, each of another flow, until its input ends, and says how many:
//   steady-sender.js TO FIRST-PORT PORTS

import { createSocket } from 'node:dgram';
import { atInputEnd } from './at-input-end.js';

const EVERY_MS = 5;
const [to = '', first = '9', ports = '1'] = process.argv.slice(2);
const socket = createSocket('udp4');
let [sent, pending, turn] = [0, 0, 0];
// Nobody listens there, or an answer says so: the sender does not mind.
socket.on('error', () => undefined);

const timer = setInterval(() => {
  pending++;
  socket.send('steady', Number(first) + (turn++ % Number(ports)), to, (error) => {
    pending--;
    if (!error) sent++;
  });
}, EVERY_MS);

atInputEnd(
  timer,
  () => pending,
  () => String(sent),
);
