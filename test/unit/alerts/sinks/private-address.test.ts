// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { isPrivateAddress, lookupPublic } from '../../../../alerts/sinks/private-address.js';

const refused = [
  ...['127.0.0.1', '127.255.0.3', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
  ...['100.64.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '198.18.0.1', '192.0.0.8'],
  ...['::', '::1', '[::1]', 'fe80::1', 'fe80::1%eth0', 'fd00::1', 'ff02::1', '::ffff:10.0.0.1', '::ffff:7f00:1'],
  ...['::127.0.0.1', '64:ff9b::10.1.2.3', '64:ff9b::a01:203', '2002:7f00:1::', '2002:c0a8:101::5', '64:ff9b:1::1'],
];
const taken = [
  ...['192.0.2.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '11.0.0.1', '128.0.0.1'],
  ...['2001:db8::1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'],
  ...['receiver.example', 'localhost', ''],
];

t.test('addresses that are not public', async (t) => {
  for (const address of refused) t.ok(isPrivateAddress(address), address);
  for (const address of taken) t.notOk(isPrivateAddress(address), address);
});

t.test('a name that leads to loopback gives no address', async (t) => {
  for (const all of [true, false]) {
    const [error, address] = await new Promise<[Error | null, unknown]>((resolve) => {
      lookupPublic('localhost', { all }, (...given) => resolve([given[0], given[1]]));
    });
    t.match(error?.message, /^localhost leads to (127\.0\.0\.1|::1), and that is no public address/);
    t.same(address, []);
  }
});
