// SPDX-License-Identifier: Apache-2.0
// A small DNS server over UDP and TCP, run on a host of a test: `node dns-server.js ADDRESS… -- PORT…`. What it answers
// follows from the name: `nothing.` gives NXDOMAIN, `big.` an answer that UDP has no room for, else by type.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { parseDns } from '../../../engine/layer7/dns.js';
import { dnsMessage, dnsName, question, record } from '../../helpers/dns-bytes.js';
import { counted, u16 } from '../../helpers/tls-bytes.js';

const NAME = dnsName(12);
const UDP_ROOM = 1232;

const data: Readonly<Record<number, Uint8Array>> = {
  1: Buffer.of(192, 0, 2, 7),
  28: Buffer.from('20010db8000000000000000000000007', 'hex'),
  5: dnsName('alias.example'),
  12: dnsName('host.example'),
  15: Buffer.concat([u16(10), dnsName('mail.example')]),
  16: counted(1, Buffer.from('hello world')),
  33: Buffer.concat([u16(1, 2, 5060), dnsName('sip.example')]),
  6: Buffer.concat([dnsName('ns.example'), dnsName('root.example'), u16(0, 1, 0, 2, 0, 3, 0, 4, 0, 5)]),
};

/** The answer to a query; undefined if it is none. */
function answer(query: Uint8Array, udp: boolean): Buffer | undefined {
  const { message } = parseDns(query);
  const [asked] = message?.questions ?? [];
  if (!message || !asked) return undefined;
  const name = asked.name.text;
  const questions = [question(dnsName(name), asked.type)];
  const rdata = data[asked.type];
  const answers = rdata && !name.startsWith('nothing.') ? [record(NAME, asked.type, rdata)] : [];
  if (name.startsWith('big.'))
    for (let n = 0; n < 100; n++) answers.push(record(NAME, 16, counted(1, Buffer.from(`text ${n}`.padEnd(60)))));
  const flags = 0x8180 | (name.startsWith('nothing.') ? 3 : 0);
  const whole = dnsMessage({ id: message.id, flags, questions, answers });
  if (!udp || whole.length <= UDP_ROOM) return whole;
  return dnsMessage({ id: message.id, flags: flags | 0x200, questions });
}

function serveUdp(address: string, port: number): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (query, from) => {
    const reply = answer(query, true);
    if (reply) socket.send(reply, from.port, from.address);
  });
  return new Promise((resolve) => socket.bind(port, address, resolve));
}

function serveTcp(address: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    let waiting = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
        const end = 2 + waiting.readUInt16BE(0);
        const reply = answer(waiting.subarray(2, end), false);
        waiting = waiting.subarray(end);
        if (reply) socket.write(counted(2, reply));
      }
    });
  });
  return new Promise((resolve) => server.listen(port, address, resolve));
}

const words = process.argv.slice(2);
const split = words.indexOf('--');
const ends = words
  .slice(0, split)
  .flatMap((address) => words.slice(split + 1).map((port) => [address, +port] as const));
await Promise.all(ends.flatMap(([address, port]) => [serveUdp(address, port), serveTcp(address, port)]));
process.stdout.write('ready\n');
