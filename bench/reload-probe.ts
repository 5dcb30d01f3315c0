// SPDX-License-Identifier: Apache-2.0
// The two ends of the benchmark of reloads. Each datagram is a flow of its own: it has a destination that no other one has.
//   send FIRST-TWO-OCTETS PORT PORT   a pair of datagrams a millisecond, numbered, with their send times: an even number
//                                     goes to the first port, an odd one to the second, until the input ends
//   receive FILE PORT PORT            notes the numbers and send times of those that arrive

import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';

const EVERY_MS = 1;
const ADDRESSES = 65_536;

const [role, argument = '', ...rest] = process.argv.slice(2);
const ports = rest.map(Number);

function send(network: string): void {
  const socket = createSocket('udp4').on('error', () => undefined);
  let number = 0;
  setInterval(() => {
    for (const port of ports) {
      const probe = Buffer.alloc(16);
      probe.writeBigUInt64LE(BigInt(number), 0);
      probe.writeBigUInt64LE(process.hrtime.bigint(), 8);
      const address = Math.floor(number++ / ports.length) % ADDRESSES;
      socket.send(probe, port, `${network}.${address >> 8}.${address & 255}`);
    }
  }, EVERY_MS);
  console.log('ready');
  process.stdin.resume().once('end', () => process.exit(0));
}

function receive(file: string): void {
  const arrived: [number: number, sent: string][] = [];
  let bound = 0;
  for (const port of ports) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.on('message', (probe) => arrived.push([Number(probe.readBigUInt64LE(0)), String(probe.readBigUInt64LE(8))]));
    socket.bind(port, () => {
      if (++bound === ports.length) console.log('ready');
    });
  }
  process.stdin.resume().once('end', () => {
    writeFileSync(file, JSON.stringify(arrived));
    process.exit(0);
  });
}

if (role === 'send') send(argument);
else receive(argument);
