// SPDX-License-Identifier: Apache-2.0
// What is attacked and used: web pages, an echo, a datagram counter and a name server on one host, over IPv4 and IPv6.
//   node service.js FIGURES-SOCKET
import { createSocket } from 'node:dgram';
import { createServer as createHttp } from 'node:http';
import { createServer as createTcp } from 'node:net';
import type { Server } from 'node:net';
import { LARGE, ports } from './ports.js';
import { tellFigures } from './figures.js';

const [figures = ''] = process.argv.slice(2);
const seen = { tcp: {} as Record<string, number>, udp: {} as Record<string, number>, requests: 0 };
const plain = (address = ''): string => address.replace(/^::ffff:/, '');
const count = (counts: Record<string, number>, address: string | undefined, more: number): void => {
  counts[plain(address)] = (counts[plain(address)] ?? 0) + more;
};

const large = Buffer.alloc(LARGE, 'large transfer ');
const web = createHttp((request, response) => {
  seen.requests++;
  request.resume().once('end', () => response.end(request.url === '/large' ? large : 'hello\n'));
});

const echo = createTcp((socket) => {
  const { remoteAddress } = socket;
  socket.on('data', (data) => {
    count(seen.tcp, remoteAddress, data.length);
    socket.write(data);
  });
  socket.on('error', () => socket.destroy());
});

const sink = createSocket('udp6').on('message', (_data, { address }) => count(seen.udp, address, 1));

/** Answers every question with one address. */
const names = createSocket('udp6').on('message', (query, { address, port }) => {
  let end = 12;
  while (query[end] !== undefined && query[end] !== 0) end += (query[end] ?? 0) + 1;
  const question = query.subarray(12, end + 5);
  const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 80]);
  names.send(Buffer.concat([head, question, answer]), port, address);
});

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => server.listen({ port, host: '::' }, resolve));
await listen(web, ports.web);
await listen(echo, ports.echo);
await new Promise<void>((resolve) => sink.bind(ports.sink, '::', resolve));
await new Promise<void>((resolve) => names.bind(ports.names, '::', resolve));
await tellFigures(figures, () => seen);
console.log('ready');
