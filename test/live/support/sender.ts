// SPDX-License-Identifier: Apache-2.0
// A sender that goes on until it is stopped: datagrams, or one TCP connection that talks to an echo.
//   node sender.js udp|tcp FIGURES-SOCKET FROM TO PORT
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { tellFigures } from './figures.js';

const [kind = 'udp', figures = '', from = '', to = '', port = '9'] = process.argv.slice(2);
const EVERY_MS = 2;
const BURST = 4;
const told = { sent: 0, received: 0 };
let timer: NodeJS.Timeout | undefined;
let pending = 0;

function datagrams(): Promise<void> {
  const socket = createSocket(isIPv6(to) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    socket.bind(0, from, () =>
      socket.connect(Number(port), to, () => {
        // Nobody listens there, or an answer says so: the sender does not mind.
        socket.on('error', () => undefined);
        const sent = (error: Error | null): void => {
          pending--;
          if (!error) told.sent++;
        };
        timer = setInterval(() => {
          pending += BURST;
          for (let n = 0; n < BURST; n++) socket.send('x', sent);
        }, EVERY_MS);
        resolve();
      }),
    );
  });
}

function conversation(): Promise<void> {
  const socket = connect({ host: to, port: Number(port), localAddress: from, noDelay: true });
  socket.on('data', (data) => (told.received += data.length));
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      timer = setInterval(() => {
        // While nothing is acknowledged nothing more is put on the pile.
        if (socket.writableLength === 0 && socket.write('x')) told.sent++;
      }, EVERY_MS);
      resolve();
    });
  });
}

await (kind === 'udp' ? datagrams() : conversation());
// The last figures are those of a sender that is done.
process.once('SIGTERM', () => {
  clearInterval(timer);
  setInterval(() => {
    if (pending > 0) return;
    console.log(`sent ${told.sent}`);
    process.exit(0);
  }, 1);
});
await tellFigures(figures, () => told);
console.log('ready');
