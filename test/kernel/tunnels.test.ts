// SPDX-License-Identifier: Apache-2.0
// Packets in packets: the inner one is judged as the outer one is, by lists and rules, two tunnels deep.

import t from 'tap';
import { whyUnprivileged } from '../helpers/privileged.js';
import { ethernet, ip, tcp, udp } from './support/frames.js';
import { fragmented, fragments } from './support/fragments.js';
import { chain6, extension, patch, payloadOf } from './support/packets.js';
import { Rig } from './support/rig.js';
import { allow, block, install, setFlags, sidsOf } from './support/rules.js';
import { erspan2, geneve, gre, nsh, nshFrame, packetOf, teredo, typeOf, vxlan } from './support/tunnels.js';

const skip = whyUnprivileged() ?? false;
const [PASS, DROP] = [2, 1];

const outer4 = { src: '192.0.2.1', dst: '198.51.100.2' };
const outer6 = { src: '2001:db8:1::1', dst: '2001:db8:1::2' };
const inner4 = { src: '10.1.1.1', dst: '10.2.2.2' };
const inner6 = { src: '2001:db8:a::1', dst: '2001:db8:b::2' };

/** A carrier of a frame with an IP packet. */
type Carrier = (frame: Uint8Array) => Uint8Array;

const cases: Record<string, Carrier> = {
  'IP in IPv4': (frame) => ip(outer4, typeOf(frame) === 0x800 ? 4 : 41, packetOf(frame)),
  'IP in IPv6': (frame) => ip(outer6, typeOf(frame) === 0x800 ? 4 : 41, packetOf(frame)),
  'IP behind extension headers': (frame) =>
    chain6(outer6, [extension.hop(), extension.dest()], typeOf(frame) === 0x800 ? 4 : 41, packetOf(frame)),
  GRE: (frame) => gre(outer4, 0, typeOf(frame), [], packetOf(frame)),
  'GRE over IPv6': (frame) => gre(outer6, 0, typeOf(frame), [], packetOf(frame)),
  'GRE with checksum, key and sequence number': (frame) =>
    gre(outer4, 0xb000, typeOf(frame), Array<number>(12).fill(1), packetOf(frame)),
  'GRE with a source route': (frame) =>
    gre(outer4, 0x4000, typeOf(frame), [0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0], packetOf(frame)),
  'NVGRE: Ethernet in GRE': (frame) => gre(outer4, 0x2000, 0x6558, [0, 0, 1, 0], frame),
  'a VLAN tag in GRE': (frame) =>
    gre(outer4, 0, 0x8100, [0, 7, typeOf(frame) >> 8, typeOf(frame) & 255], packetOf(frame)),
  'PPTP: PPP in GRE': (frame) =>
    gre(outer4, 0x3081, 0x880b, Array<number>(12).fill(1), [
      ...[0xff, 3, 0, typeOf(frame) === 0x800 ? 0x21 : 0x57],
      ...packetOf(frame),
    ]),
  'PPTP with compressed fields': (frame) =>
    gre(outer4, 0x2001, 0x880b, [1, 1, 1, 1], [typeOf(frame) === 0x800 ? 0x21 : 0x57, ...packetOf(frame)]),
  'ERSPAN I': (frame) => gre(outer4, 0, 0x88be, [], frame),
  'ERSPAN II': (frame) => erspan2(outer4, 0, frame),
  'ERSPAN III': (frame) => gre(outer4, 0x1000, 0x22eb, [0, 0, 0, 1], [0x20, ...Array<number>(11).fill(0), ...frame]),
  'ERSPAN III with a subheader': (frame) =>
    gre(
      outer4,
      0x1000,
      0x22eb,
      [0, 0, 0, 1],
      [0x20, ...Array<number>(10).fill(0), 1, ...Array<number>(8).fill(0), ...frame],
    ),
  VXLAN: (frame) => vxlan(outer4, frame),
  'VXLAN over IPv6, the old port': (frame) => vxlan(outer6, frame, 8472),
  'VXLAN-GPE with Ethernet': (frame) => vxlan(outer4, frame, 4790, [0x0c, 0, 0, 3, 0, 0, 1, 0]),
  'VXLAN-GPE with IP': (frame) =>
    vxlan(outer4, packetOf(frame), 4790, [0x0c, 0, 0, typeOf(frame) === 0x800 ? 1 : 2, 0, 0, 1, 0]),
  'VXLAN-GPE with NSH': (frame) => vxlan(outer4, nsh(3, frame), 4790, [0x0c, 0, 0, 4, 0, 0, 1, 0]),
  'GENEVE with Ethernet': (frame) => geneve(outer4, 0x6558, frame),
  'GENEVE with IP': (frame) => geneve(outer6, typeOf(frame), packetOf(frame)),
  'NSH with IP': (frame) => nshFrame(typeOf(frame) === 0x800 ? 1 : 2, packetOf(frame)),
  'NSH with Ethernet': (frame) => nshFrame(3, frame),
};
const six: Record<string, Carrier> = {
  Teredo: (frame) => teredo(outer4, packetOf(frame)),
  'Teredo with an origin': (frame) => teredo(outer4, packetOf(frame), [0, 0, 1, 2, 3, 4, 5, 6]),
};

const rules = [
  'alert udp any any -> any 9 (sid:1;)',
  'drop udp any any -> any 66 (sid:2;)',
  'alert ip any any -> any any (ttl:77; sid:3;)',
  'alert tcp any any -> any 80 (flags:S; vlan.id:23,0; sid:4;)',
  'pass udp any any -> any [4789,6081] (sid:5;)',
  'alert udp any any -> any 10 (dsize:64; sid:6;)',
];

function open(t: Parameters<typeof Rig.open>[0]): { rig: Rig; sid: (position: number) => number | undefined } {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  return { rig, sid: sidsOf(install(rig, rules)) };
}

t.test('every tunnel: alert, drop, lists, one count', { skip }, async (t) => {
  const { rig, sid } = open(t);
  block(rig, '10.66.0.0/16');
  block(rig, '2001:db8:66::/48');
  const carried = Object.entries({ ...cases, ...six }).flatMap(([name, carrier]) => [
    ...(name in six ? [] : [[`${name}: IPv4`, carrier, inner4, '10.66.0.1'] as const]),
    [`${name}: IPv6`, carrier, inner6, '2001:db8:66::1'] as const,
  ]);
  for (const [name, carrier, inner, listed] of carried) {
    const alerted = rig.send(carrier(udp({ ...inner, dport: 9, payload: 'hello' })));
    t.equal(alerted.verdict, PASS, name);
    t.match(alerted.events, [{ ...inner, dport: 9, payloadLen: 5, layer: 1, decode0: 0 }], name);
    t.same(alerted.decodes, {}, name);
    t.equal(alerted.stats['TUNNELS'], 1, name);
    t.equal(
      Object.values(alerted.reasons).reduce((sum, n) => sum + n, 0),
      1,
      `${name}: counted once`,
    );
    const dropped = rig.send(carrier(udp({ ...inner, dport: 66 })));
    t.match(dropped, { verdict: DROP, reasons: { RULE_DROP: 1 } }, name);
    t.same(Object.keys(dropped.reasons), ['RULE_DROP'], name);
    t.match(rig.send(carrier(tcp({ ...inner, src: listed }))).reasons, { BLOCKLIST: 1 }, name);
    const both = rig.send(patch(carrier(udp({ ...inner, ttl: 77, dport: 9 })), {}));
    t.same(
      both.events.map(({ rule }) => sid(rule)),
      [1, 3],
      name,
    );
  }
});

t.test('two deep, and no deeper', { skip }, async (t) => {
  const { rig, sid } = open(t);
  const most = udp({ ...inner4, dport: 9 });
  const in6 = (frame: Uint8Array): Uint8Array =>
    ip({ ...outer6, ttl: 77 }, typeOf(frame) === 0x800 ? 4 : 41, packetOf(frame));
  for (const [name, carrier] of Object.entries(cases)) {
    const two = rig.send(carrier(in6(most)));
    t.same(
      two.events.map(({ rule, layer }) => [sid(rule), layer]),
      [
        [3, 1],
        [1, 2],
      ],
      `${name}: all three are judged`,
    );
    const three = rig.send(carrier(in6(vxlan(outer4, most))));
    t.same(
      three.events.map(({ rule }) => sid(rule)),
      [3],
      `${name}: the fourth is not`,
    );
    t.equal(three.stats['TUNNELS_DEEP'], 1, name);
    t.equal(three.stats['TUNNELS'], 2, name);
  }
});

t.test('what the outer packet decides, and what the inner one', { skip }, async (t) => {
  const { rig, sid } = open(t);
  const bad = udp({ ...inner4, dport: 66 });
  t.match(
    rig.send(vxlan(outer4, bad)),
    { verdict: DROP, reasons: { RULE_DROP: 1 } },
    'a pass of the outer packet is its own',
  );
  t.match(rig.send(vxlan(outer4, udp(inner4))), { verdict: PASS, reasons: { RULE_PASS: 1 } });
  block(rig, '203.0.113.5/32');
  t.match(rig.send(vxlan({ ...outer4, src: '203.0.113.5' }, udp({ ...inner4, dport: 9 }))), {
    verdict: DROP,
    events: [{ layer: 0 }],
  });
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  const spared = rig.send(ip(outer4, 4, packetOf(bad)));
  t.match(spared, { verdict: PASS, reasons: { ALLOWLIST: 1 } }, 'the tunnel of an allowed source is not dropped');
  t.equal(sid(spared.events[0]?.rule ?? -1), 2, 'and still reported');
});

t.test('tags, and fragments within and without', { skip }, async (t) => {
  const { rig, sid } = open(t);
  const tagged = tcp({ ...inner4, vlan: [23] });
  const sids = (frame: Uint8Array): (number | undefined)[] => rig.send(frame).events.map(({ rule }) => sid(rule));
  t.same(sids(vxlan(outer4, tagged)), [4], 'a tag of the inner frame');
  t.same(sids(erspan2(outer4, 23, tcp(inner4))), [4], 'the tag that ERSPAN tells of');
  t.match(rig.send(erspan2(outer4, 23, tcp({ ...inner4, vlan: [5] }))).events[0], { vlans: 2, vlan0: 23, vlan1: 5 });
  t.same(rig.send(erspan2(outer4, 23, tcp({ ...inner4, vlan: [5, 6] }))).decodes, { DECODE_ERSPAN_VLANS: 1 });
  t.same(
    sids(ip({ ...outer4, vlan: [23] }, 4, packetOf(tcp(inner4)))),
    [],
    'the tag of the outer frame is not the inner one’s',
  );
  const whole = fragmented(inner4, 17, udp({ ...inner4, dport: 66, payload: 'x'.repeat(40) }), 5);
  const inside = fragments(whole, [8, 24]).map((frame) => vxlan(outer4, frame));
  t.same(
    inside.map((frame) => rig.send(frame).verdict),
    [DROP, PASS, PASS],
    'its first fragment has the port',
  );
  const hidden = fragments(fragmented(inner4, 6, tcp({ ...inner4, dport: 80, vlan: [23], payload: 'x' }), 6), [16]);
  const seen = hidden.map((frame) => vxlan(outer4, patch(frame, {})));
  t.match(
    seen.map((frame) => rig.send(frame).stats),
    [{ TUNNELS: 1 }, { TUNNELS: 1, REASSEMBLED: 1 }],
  );
  const outside = fragments(fragmented(outer4, 17, vxlan(outer4, udp({ ...inner4, dport: 66 })), 7), [8, 16, 40]);
  t.same(
    outside.map((frame) => rig.send(frame).verdict),
    [PASS, PASS, PASS, DROP],
    'the outer packet comes in fragments',
  );
  t.match(rig.send(outside[3] ?? tagged), { verdict: DROP, reasons: { FRAGMENT: 1 } });
  const both = fragments(
    fragmented(inner6, 17, udp({ ...inner6, dport: 10, payload: 'y'.repeat(64) }), 8),
    [40],
  ).flatMap((frame, n) =>
    fragments(fragmented(outer4, 47, gre(outer4, 0, 0x86dd, [], packetOf(frame)), 20 + n), [24, 56]),
  );
  const last = both.map((frame) => rig.send(frame)).at(-1);
  t.match(
    last,
    { stats: { REASSEMBLED: 2 }, events: [{ layer: 1, payloadLen: 64, ...inner6 }] },
    'fragments in fragments',
  );
});

t.test('what is no tunnel is a packet as any other', { skip }, async (t) => {
  const { rig } = open(t);
  const frame = udp({ ...inner4, dport: 66 });
  const none: Record<string, Uint8Array> = {
    'VXLAN without its flag': vxlan(outer4, frame, 4789, [0, 0, 0, 0, 0, 0, 1, 0]),
    'VXLAN to another port': vxlan(outer4, frame, 4788),
    'GENEVE of another version': patch(geneve(outer4, 0x6558, frame), { 42: 0x42 }),
    'GRE with another protocol': gre(outer4, 0, 0x0026, [], packetOf(frame)),
    'GRE keep-alive': gre(outer4, 0, 0, [], []),
    'ARP in VXLAN': vxlan(outer4, ethernet(0x0806, new Uint8Array(28))),
    'Teredo with a byte too many': teredo(outer4, Uint8Array.of(...packetOf(udp({ ...inner6, dport: 66 })), 0)),
    'Teredo with IPv4 in it': teredo(outer4, packetOf(frame)),
    'Teredo without a hop limit': teredo(outer4, packetOf(udp({ ...inner6, ttl: 0, dport: 66 }))),
    'a later fragment of GRE': ip(
      { ...outer4, fragment: 3 },
      47,
      payloadOf(gre(outer4, 0, 0x800, [], packetOf(frame))),
    ),
  };
  for (const [name, sent] of Object.entries(none)) {
    const seen = rig.send(sent);
    t.equal(seen.verdict, PASS, name);
    t.same([seen.stats['TUNNELS'], seen.decodes], [undefined, {}], name);
  }
});

t.test('cut off at every byte: one verdict, one count', { skip }, async (t) => {
  const { rig } = open(t);
  const inner = tcp({ ...inner6, payload: 'x' });
  let sent = 0;
  for (const [name, carrier] of Object.entries({ ...cases, ...six })) {
    const frame = carrier(inner);
    for (let length = 14; length < frame.length; length++) {
      const seen = rig.send(frame.slice(0, length));
      const counted = Object.values(seen.reasons).reduce((sum, n) => sum + n, 0);
      if (counted !== 1 || seen.verdict !== PASS) t.fail(`${name} cut to ${length}: ${JSON.stringify(seen.reasons)}`);
      sent++;
    }
  }
  t.ok(sent > 2000, `${sent} frames`);
});
