// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { toEthernet } from '../../../../engine/replay/link-types.js';

const ip4 = '4500001400000000400000000a0000010a000002';
const ip6 = `6000000000003b40${'00'.repeat(32)}`;
const header4 = `${'00'.repeat(12)}0800`;
const header6 = `${'00'.repeat(12)}86dd`;

t.test('IP of every known link type arrives behind an Ethernet header', async (t) => {
  const cases: readonly [string, number, string, string][] = [
    ['BSD loopback', 0, `02000000${ip4}`, header4 + ip4],
    ['OpenBSD loopback, IPv6', 108, `00000018${ip6}`, header6 + ip6],
    ['raw', 12, ip4, header4 + ip4],
    ['raw 101, IPv6', 101, ip6, header6 + ip6],
    ['IPv4', 228, ip4, header4 + ip4],
    ['IPv6', 229, ip6, header6 + ip6],
    ['Linux cooked', 113, `${'00'.repeat(14)}0800${ip4}`, header4 + ip4],
    ['Linux cooked 2', 276, `86dd${'00'.repeat(18)}${ip6}`, header6 + ip6],
    ['Cisco HDLC', 104, `0f000800${ip4}`, header4 + ip4],
    ['PPP', 9, `0021${ip4}`, header4 + ip4],
    ['PPP with address and control', 9, `ff030057${ip6}`, header6 + ip6],
    ['PPP, compressed protocol', 50, `ff0321${ip4}`, header4 + ip4],
    ['PPPoE session', 51, `110000010016${'0021'}${ip4}`, header4 + ip4],
  ];
  for (const [name, link, data, frame] of cases) {
    t.equal(Buffer.from(toEthernet(link, Buffer.from(data, 'hex')) ?? []).toString('hex'), frame, name);
  }
});

t.test('Ethernet stays as it is, what is no network packet is left out', async (t) => {
  const frame = Buffer.from('ffffffffffff0000000000000806', 'hex');
  t.equal(toEthernet(1, frame), frame);
  for (const [link, data] of [
    [9, 'c02101'],
    [101, '00'],
    [228, ''],
    [113, '0000'],
    [147, ip4],
    [104, '0f000001aa'],
  ] as const) {
    t.equal(toEthernet(link, Buffer.from(data, 'hex')), undefined, `link type ${link}: ${data}`);
  }
});
