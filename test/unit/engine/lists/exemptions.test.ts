// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import { formatPrefix } from '../../../../common/address.js';
import { defaultGateways4, defaultGateways6, readExemptions, resolvers } from '../../../../engine/lists/exemptions.js';

const route = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0
eth1\t00000000\tFE6433C6\t0003\t0\t0\t300\t00000000\t0\t0\t0
eth1\t00000000\t0102000A\t0003\t0\t0\t0\t00000080\t0\t0\t0
`;
const zero = '0'.repeat(32);
const route6 = `20010db8000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0
${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
`;

t.test('routes, resolvers and addresses', async (t) => {
  t.same(defaultGateways4(route), ['192.0.2.1', '198.51.100.254']);
  t.same(defaultGateways4(''), []);
  t.same(defaultGateways6(route6), ['fe80:0000:0000:0000:0000:0000:0000:0001']);
  t.same(
    resolvers(
      '# nameserver 1.1.1.1\nsearch x\nnameserver 192.0.2.53\n nameserver fe80::53%eth0 # here\nnameserver nonsense\n',
    ),
    ['192.0.2.53', 'fe80::53'],
  );
});

t.test('read from the files of a host', async (t) => {
  const root = t.testdir({
    proc: { self: { net: { route, ipv6_route: route6 } } },
    'resolv.conf': 'nameserver 192.0.2.53\n',
  });
  const found = readExemptions({
    proc: join(root, 'proc'),
    resolvers: [join(root, 'resolv.conf'), join(root, 'absent')],
    addresses: () => ['192.0.2.10', 'fe80::2%eth0'],
  });
  t.same(
    found.map(({ prefix, label }) => `${formatPrefix(prefix)} ${label}`),
    [
      '127.0.0.0/8 local address',
      '::1 local address',
      '192.0.2.1 default gateway',
      '198.51.100.254 default gateway',
      'fe80::1 default gateway',
      '192.0.2.10 local address',
      'fe80::2 local address',
      '192.0.2.53 resolver',
    ],
  );
  t.equal(
    readExemptions({ proc: join(root, 'none'), resolvers: [], addresses: () => [] }).length,
    2,
    'a host without any',
  );
  t.ok(readExemptions().length >= 2, 'this host');
});
