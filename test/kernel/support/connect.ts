// SPDX-License-Identifier: Apache-2.0
// Tries to reach a port, and prints what came of it: `connected`, or the error that the kernel has for it.
//   connect.js tcp|udp ADDRESS PORT

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [proto = '', address = '', port = ''] = process.argv.slice(2);
const done = (result: string): void => {
  console.log(result);
  process.exit(0);
};
setTimeout(() => done('silence'), 4000);
if (proto === 'tcp') {
  connect({ host: address, port: Number(port) }, () => done('connected')).on('error', (error: NodeJS.ErrnoException) =>
    done(error.code ?? ''),
  );
} else {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''));
  socket.connect(Number(port), address, () => socket.send('?'));
}
