// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { communityId, flowIds, flowIdsOf, protocolName, protocolNumber } from '../../../alerts/index.js';
import { parseAddress } from '../../../common/address.js';

// What the reference implementation gives for the captures of the specification (seed 0); ICMP as type and code.
const published: readonly (readonly [number, string, string, number | undefined, number | undefined, string])[] = [
  [58, 'fe80::200:86ff:fe05:80da', 'fe80::260:97ff:fe07:69ea', 135, 0, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
  [58, 'fe80::260:97ff:fe07:69ea', 'fe80::200:86ff:fe05:80da', 136, 0, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
  [58, 'fe80::260:97ff:fe07:69ea', 'fe80::200:86ff:fe05:80da', 135, 0, '1:zavyT/cezQr1fmImYCwYnMXbgck='],
  [58, 'fe80::200:86ff:fe05:80da', 'fe80::260:97ff:fe07:69ea', 136, 0, '1:zavyT/cezQr1fmImYCwYnMXbgck='],
  [58, '3ffe:501:1800:2345::2', '3ffe:507:0:1:200:86ff:fe05:80da', 3, 0, '1:2ObVBgIn28oZvibYZhZMBgh7WdQ='],
  [58, '3ffe:501:410:0:2c0:dfff:fe47:33e', '3ffe:507:0:1:200:86ff:fe05:80da', 1, 4, '1:hLZd0XGWojozrvxqE0dWB1iM6R0='],
  [58, '3ffe:507:0:1:200:86ff:fe05:80da', '3ffe:501:0:1001::2', 128, 0, '1:+TW+HtLHvV1xnGhV1lv7XoJrqQg='],
  [58, '3ffe:501:0:1001::2', '3ffe:507:0:1:200:86ff:fe05:80da', 129, 0, '1:+TW+HtLHvV1xnGhV1lv7XoJrqQg='],
  [58, 'fe80::200:86ff:fe05:80da', 'ff02::2', 133, 0, '1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0='],
  [58, 'fe80::260:97ff:fe07:69ea', 'ff02::1', 134, 0, '1:pkvHqCL88/tg1k4cPigmZXUtL00='],
  [1, '192.168.0.89', '192.168.0.1', 8, 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  [1, '192.168.0.1', '192.168.0.89', 0, 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  [1, '10.0.0.1', '10.0.0.2', 11, 0, '1:YHxtAirCG//0OzkcVAukqKQN9xM='],
  [6, '2001:470:e5bf:dead:4957:2174:e82c:4887', '2607:f8b0:400c:c03::1a', 63943, 25, '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4='],
  [6, '2607:f8b0:400c:c03::1a', '2001:470:e5bf:dead:4957:2174:e82c:4887', 25, 63943, '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4='],
  [132, '192.168.170.8', '192.168.170.56', 7, 7, '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs='],
  [132, '192.168.170.56', '192.168.170.8', 7, 7, '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs='],
  [6, '128.232.110.120', '66.35.250.204', 34855, 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [6, '66.35.250.204', '128.232.110.120', 80, 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [17, '192.168.1.52', '8.8.8.8', 54585, 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  [17, '8.8.8.8', '192.168.1.52', 53, 54585, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  [46, '10.1.12.1', '10.1.12.2', undefined, undefined, '1:KHlLkgoJW7ifUTyTSgyVfkFHzKw='],
  [46, '10.1.12.2', '10.1.12.1', undefined, undefined, '1:KHlLkgoJW7ifUTyTSgyVfkFHzKw='],
];

t.test('the published vectors', async (t) => {
  for (const [proto, src, dst, sport, dport, id] of published) {
    const tuple = { proto, src, dst, ...(sport !== undefined && { sport }), ...(dport !== undefined && { dport }) };
    t.equal(communityId(tuple), id, `${proto} ${src} ${dst} ${sport}`);
  }
});

t.test('a port that is missing leaves no id, but a flow', async (t) => {
  const fragment = { proto: 17, src: '192.0.2.1', dst: '192.0.2.2' };
  t.equal(communityId(fragment), undefined);
  t.ok(flowIds(fragment).flowId > 0);
  t.equal(communityId({ ...fragment, sport: 0, dport: 0 })?.slice(0, 2), '1:');
});

t.test('a flow id is below 2^51, the same both ways, and another in another VLAN', async (t) => {
  const seen = new Set<number>();
  for (let i = 0; i < 500; i++) {
    const there = { proto: 6, src: `10.0.${i >> 8}.${i & 255}`, dst: '10.9.9.9', sport: 1000 + i, dport: 443 };
    const back = { proto: 6, src: there.dst, dst: there.src, sport: there.dport, dport: there.sport };
    for (const vlan of [[], [1], [2], [1, 2], [2, 1]]) {
      const id = flowIds({ ...there, vlan }).flowId;
      if (!Number.isInteger(id) || id < 0 || id >= 2 ** 51) t.fail(`out of range: ${id}`);
      if (flowIds({ ...back, vlan }).flowId !== id) t.fail(`another id on the way back: ${JSON.stringify(back)}`);
      seen.add(id);
    }
  }
  t.equal(seen.size, 2500);
});

t.test('ids from bytes are those from texts', async (t) => {
  const pair = (a: string, b: string): Uint8Array => Uint8Array.from([...parseAddress(a), ...parseAddress(b)]);
  for (let i = 0; i < 300; i++) {
    const [src, dst] =
      i & 1 ? [`10.0.${i & 7}.${i >> 3}`, `10.0.${i & 3}.${i >> 4}`] : [`2001:db8::${i & 31}`, `2001:db8::${i & 15}`];
    const tuple = {
      src,
      dst,
      sport: (i * 977) & 0xffff,
      dport: (i * 31) & 0xffff,
      proto: i & 2 ? 6 : 17,
      vlan: i & 4 ? [i] : [],
    };
    const { sport, dport, proto, vlan } = tuple;
    t.strictSame(flowIdsOf(pair(src, dst), 0, 16, sport, dport, proto, vlan), flowIds(tuple));
  }
});

t.test('names of protocols lead back to their numbers', async (t) => {
  for (let number = 0; number <= 255; number++) t.equal(protocolNumber(protocolName(number)), number);
  t.equal(protocolName(58), 'IPv6-ICMP');
  t.equal(protocolName(132), 'SCTP');
  t.equal(protocolName(61), '61', 'EVE says "Any" to five of them');
  for (const bad of ['', '-', '256', 'tcp', '6x']) t.equal(protocolNumber(bad), undefined, bad);
});
