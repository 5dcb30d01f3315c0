// SPDX-License-Identifier: Apache-2.0
// A connected UDP socket that tells its port and then whatever error its kernel has for it.
//   udp-client.js ADDRESS PORT

import { createSocket } from 'node:dgram';

const [address = '', port = ''] = process.argv.slice(2);
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
socket.on('error', (error: NodeJS.ErrnoException) => {
  console.log(`refused ${error.code}`);
  socket.close();
});
socket.connect(Number(port), address, () => console.log(`port ${socket.address().port}`));
