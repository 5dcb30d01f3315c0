// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { parseAddress } from '../../../../common/address.js';
import { EstablishedFlows } from '../../../../engine/response/established.js';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const tcp = `${head}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0A0200C0:0016 096433C6:CB84 01 00000000:00000000 02:000A 00000000     0        0 2 4 0 20 4 29 10 -1
   2: 0A0200C0:0016 0A6433C6:CB85 03 00000000:00000000 02:000A 00000000     0        0 3 4 0 20 4 29 10 -1
12345: 0A0200C0:0016 0B6433C6:CB86 08 00000000:00000000 02:000A 00000000     0        0 4 4 0 20 4 29 10 -1
`;
const tcp6 = `${head}   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: B80D0120000000000000000001000000:0016 B80D0120000000000000000009000000:C000 01 00000000:00000000
   2: 0000000000000000FFFF00000A0200C0:0016 0000000000000000FFFF00000C6433C6:C001 01 00000000:00000000
   3: cut off`;

t.test('remote addresses of connections, from fixed texts', async (t) => {
  const proc = t.testdir({ self: { net: { tcp, tcp6 } } });
  const clock = { now: 0 };
  const flows = new EstablishedFlows({ proc, maxAge: 1000, now: () => clock.now });
  const cases: Record<string, boolean> = {
    '198.51.100.9': true, // established
    '198.51.100.10': false, // SYN_RECV: nothing is proven yet
    '198.51.100.11': true, // CLOSE_WAIT
    '198.51.100.12': true, // IPv4 on a dual-stack socket
    '2001:db8::9': true,
    '2001:db8::1': false, // the local end
    '192.0.2.10': false,
    '0.0.0.0': false,
    '::': false,
  };
  for (const [address, expected] of Object.entries(cases)) t.equal(flows.has(parseAddress(address)), expected, address);
  writeFileSync(join(proc, 'self/net/tcp'), head);
  t.equal(flows.has(parseAddress('198.51.100.9')), true, 'a reading is kept for a second');
  clock.now += 1000;
  t.equal(flows.has(parseAddress('198.51.100.9')), false);
  t.equal(new EstablishedFlows({ proc: join(proc, 'absent') }).has(parseAddress('198.51.100.9')), false);
});

t.test('a real connection is seen', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  t.equal(new EstablishedFlows().has(parseAddress('127.0.0.1')), true);
  t.equal(new EstablishedFlows().has(parseAddress('127.9.9.9')), false);
  client.destroy();
  server.close();
});
