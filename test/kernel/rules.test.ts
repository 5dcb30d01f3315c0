// SPDX-License-Identifier: Apache-2.0
// Header rules, compiled and judged on the packet: which match, in which order they act, and what is counted.

import t from 'tap';
import { EventFlag } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, ip, TCP, tcp, udp } from './support/frames.js';
import { At, chain6, extension as x, Next, other, patch, payloadOf } from './support/packets.js';
import { Rig } from './support/rig.js';
import { install, setFlags, sidsOf } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const [DROP, PASS] = [1, 2];
const out = { src: '192.0.2.1', dst: '10.0.0.2' };
const back = { src: '10.0.0.2', dst: '192.0.2.1' };
const six = { src: '2001:db9::1', dst: '2001:db8::2' };

const tagged = (...vlan: number[]): Uint8Array => tcp({ ...out, vlan });

function open(t: Parameters<typeof Rig.open>[0]): Rig {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  return rig;
}

/** [header and options, frames that match, frames that do not] */
const table: [rule: string, yes: Uint8Array[], no: Uint8Array[]][] = [
  ['tcp any any -> any any', [tcp(out), tcp(six)], [udp(out), icmp(out), other(0x0806)]],
  ['ip any any -> any any', [tcp(out), udp(six), ip(out, 132, new Uint8Array(9))], [other(0x0806)]],
  ['udp any any -> any 53', [udp(out), udp(six)], [udp({ ...out, dport: 54 }), tcp({ ...out, dport: 53 })]],
  ['icmp any any -> any any', [icmp(out), icmp(six)], [tcp(out)]],
  ['tcp 192.0.2.0/24 any -> $HOME_NET any', [tcp(out)], [tcp(back), tcp(six), tcp({ ...out, src: '192.0.3.1' })]],
  // As in Suricata: what is not some IPv4 network is still IPv4.
  ['tcp !192.0.2.0/24 any -> any any', [tcp(back)], [tcp(out), tcp(six)]],
  ['tcp $EXTERNAL_NET any -> $HOME_NET any', [tcp(out), tcp(six)], [tcp(back), tcp({ ...out, src: '10.1.1.1' })]],
  ['tcp [192.0.2.0/24,!192.0.2.1] any -> any any', [tcp({ ...out, src: '192.0.2.2' })], [tcp(out)]],
  [
    'tcp any 1024: -> any [80,443,8000:8100]',
    [tcp(out), tcp({ ...out, dport: 8050 })],
    [tcp({ ...out, dport: 81 }), tcp({ ...out, sport: 1023 })],
  ],
  ['tcp any any -> any !80', [tcp({ ...out, dport: 81 })], [tcp(out)]],
  ['tcp 192.0.2.1 any <> 10.0.0.2 80', [tcp(out), tcp({ ...back, sport: 80, dport: 9 })], [tcp({ ...back, dport: 9 })]],
  ['tcp any any -> any any (flags:S)', [tcp(out)], [tcp({ ...out, flags: TCP.SYN | TCP.ACK })]],
  [
    'tcp any any -> any any (flags:S+)',
    [tcp(out), tcp({ ...out, flags: TCP.SYN | TCP.ACK })],
    [tcp({ ...out, flags: TCP.ACK })],
  ],
  ['tcp any any -> any any (flags:0)', [tcp({ ...out, flags: 0 })], [tcp(out)]],
  [
    'tcp any any -> any any (flags:S,CE)',
    [tcp({ ...out, flags: TCP.SYN | TCP.ECE | TCP.CWR })],
    [tcp({ ...out, flags: TCP.SYN | TCP.PSH })],
  ],
  [
    'tcp any any -> any any (flags:*FU)',
    [tcp({ ...out, flags: TCP.FIN }), tcp({ ...out, flags: TCP.URG | TCP.ACK })],
    [tcp(out)],
  ],
  ['ip any any -> any any (ttl:<5)', [tcp({ ...out, ttl: 4 }), udp({ ...six, ttl: 1 })], [tcp({ ...out, ttl: 5 })]],
  ['ip any any -> any any (ttl:5-7)', [tcp({ ...out, ttl: 6 })], [tcp({ ...out, ttl: 8 })]],
  ['ip any any -> any any (id:31337)', [tcp({ ...out, id: 31337 })], [tcp(out), tcp(six)]],
  ['ip any any -> any any (tos:!0)', [tcp({ ...out, tos: 4 })], [tcp(out)]],
  ['ip any any -> any any (fragbits:M)', [ip({ ...out, fragment: 0x2001 }, 17, new Uint8Array(8))], [tcp(out)]],
  ['ip any any -> any any (fragoffset:>0)', [ip({ ...out, fragment: 3 }, 17, new Uint8Array(8))], [tcp(out)]],
  [
    'ip any any -> any any (ipopts:lsrr)',
    [tcp({ ...out, options: Uint8Array.of(131, 7, 4, 0, 0, 0, 0, 0) })],
    [tcp({ ...out, options: Uint8Array.of(137, 7, 4, 0, 0, 0, 0, 0) }), tcp(out)],
  ],
  [
    'ip any any -> any any (ipopts:qs)',
    [tcp({ ...out, options: Uint8Array.of(25, 8, 0, 0, 0, 0, 0, 0) })],
    [tcp({ ...out, options: Uint8Array.of(25, 4, 0, 0, 0, 0, 0, 0) }), tcp(out)],
  ],
  [
    'ip any any -> any any (ip_proto:132)',
    [ip(out, 132, new Uint8Array(4)), ip(six, 132, new Uint8Array(4))],
    [tcp(out)],
  ],
  [
    'ip any any -> any any (sameip)',
    [tcp({ src: '10.0.0.2', dst: '10.0.0.2' }), tcp({ src: '::1', dst: '::1' })],
    [tcp(out), tcp(six)],
  ],
  [
    'icmp any any -> any any (itype:8; icode:0)',
    [icmp(out)],
    [icmp({ ...out, type: 0 }), icmp({ ...out, type: 8, code: 1 })],
  ],
  ['icmp any any -> any any (itype:>127)', [icmp(six)], [icmp(out)]],
  ['tcp any any -> any any (dsize:0)', [tcp(out)], [tcp({ ...out, payload: 'x' })]],
  [
    'udp any any -> any any (dsize:>100)',
    [udp({ ...out, payload: 'x'.repeat(101) })],
    [udp({ ...out, payload: 'x'.repeat(100) })],
  ],
  ['tcp any any -> any any (seq:7; ack:0)', [tcp({ ...out, seq: 7 })], [tcp(out), tcp({ ...out, seq: 7, ack: 1 })]],
  ['tcp any any -> any any (window:!64240)', [tcp({ ...out, window: 1 })], [tcp(out)]],
  ['tcp any any -> any any (vlan.id:5)', [tagged(5), tagged(5, 6), tagged(6, 5)], [tcp(out), tagged(6), tagged(6, 7)]],
  ['tcp any any -> any any (vlan.id:!5)', [tagged(6), tagged(5, 6)], [tcp(out), tagged(5), tagged(5, 5)]],
  ['tcp any any -> any any (vlan.id:>5,all)', [tagged(6), tagged(6, 7)], [tcp(out), tagged(5, 6), tagged(6, 5)]],
  ['tcp any any -> any any (vlan.id:5,-1)', [tagged(5), tagged(6, 5)], [tcp(out), tagged(5, 6), tagged(6)]],
  ['tcp any any -> any any (vlan.id:5,-2)', [tagged(5, 6)], [tagged(5), tagged(6, 5)]],
  ['tcp any any -> any any (vlan.id:5,1; ttl:64)', [tagged(6, 5)], [tagged(5), tagged(5, 6)]],
  ['tcp any any -> any any (vlan.layers:2)', [tagged(5, 6)], [tagged(5), tcp(out)]],
  [
    'icmp any any -> any any (icmp_id:9; icmp_seq:7)',
    [icmp({ ...out, icmpId: 9, seq: 7 }), icmp({ ...six, icmpId: 9, seq: 7 })],
    [icmp({ ...out, icmpId: 7, seq: 9 }), icmp({ ...out, type: 3, icmpId: 9, seq: 7 })],
  ],
  [
    'ipv6 any any -> any any (icmpv6.mtu:<1280)',
    [icmp({ ...six, type: 2, icmpId: 0, seq: 1279 })],
    [icmp({ ...six, type: 2, icmpId: 0, seq: 1280 }), icmp({ ...six, type: 2, icmpId: 1, seq: 0 }), icmp(six)],
  ],
  [
    'tcp any any -> any any (tcp.mss:<536; tcp.wscale:>10)',
    [tcp({ ...out, tcpOptions: Uint8Array.of(2, 4, 2, 0, 3, 3, 11, 1) })],
    [tcp({ ...out, tcpOptions: Uint8Array.of(2, 4, 2, 0, 3, 3, 10, 1) }), tcp(out)],
  ],
  ['pkthdr any any -> any any (decode-event:tcp.pkt_too_small)', [ip(out, 6, new Uint8Array(5))], [tcp(out)]],
  ['pkthdr any any -> any any (decode-event:ipv4.trunc_pkt)', [patch(tcp(out), { [At.ip + 2]: [9, 9] })], [tcp(out)]],
  [
    'pkthdr any any -> any any (decode-event:vlan.too_many_layers)',
    [tcp({ ...out, vlan: [1, 2, 3] })],
    [tcp({ ...out, vlan: [1, 2] })],
  ],
  [
    'pkthdr any any -> any any (decode-event:ipv6.rh_type_0)',
    [chain6(six, [x.routing(0)], Next.TCP, payloadOf(tcp(six)))],
    [tcp(six)],
  ],
];

t.test('what matches', { skip }, async (t) => {
  const rig = open(t);
  for (const [text, yes, no] of table) {
    const [, head = '', options = ''] = /^([^(]*)(?:\((.*)\))?$/.exec(text) ?? [];
    install(rig, `drop ${head.trim()} (msg:"m"; ${options ? `${options.replace(/;?$/, ';')} ` : ''}sid:1;)`);
    for (const [i, frame] of yes.entries()) t.equal(rig.send(frame).verdict, DROP, `${text} matches #${i}`);
    for (const [i, frame] of no.entries()) t.equal(rig.send(frame).verdict, PASS, `${text} does not match #${i}`);
  }
});

t.test('pass, drop, reject, alert, in this order and not in that of the file', { skip }, async (t) => {
  const rig = open(t);
  const compiled = install(rig, [
    'alert tcp any any -> any any (msg:"a"; sid:1;)',
    'drop tcp any any -> any 80 (msg:"d"; sid:2;)',
    'drop tcp any any -> any any (msg:"d2"; window:64240; sid:3;)',
    'pass tcp any any -> any 22 (msg:"p"; sid:4;)',
    'reject tcp any any -> any 81 (msg:"r"; sid:5;)',
  ]);
  const sid = sidsOf(compiled);
  const summary = (frame: Uint8Array): unknown => {
    const seen = rig.send(frame);
    const final = seen.events.filter(({ flags }) => flags & EventFlag.EVENT_MATCHED_FINAL).map(({ rule }) => sid(rule));
    return [seen.verdict, Object.keys(seen.reasons), seen.events.map(({ rule }) => sid(rule)), final];
  };
  t.same(summary(tcp(out)), [DROP, ['RULE_DROP'], [2, 3, 1], [2]], 'all that match alert, the first drop decides');
  t.same(summary(tcp({ ...out, dport: 22 })), [PASS, ['RULE_PASS'], [], []], 'a pass ends it, before the drops');
  t.same(summary(tcp({ ...out, dport: 9, window: 1 })), [PASS, ['CLEAN'], [1], []], 'an alert only raises');
  t.same(summary(tcp({ ...out, dport: 81, window: 1 })), [DROP, ['RULE_REJECT'], [5, 1], [5]], 'a reject drops');
  t.same(summary(udp(out)), [PASS, ['CLEAN'], [], []]);
});

t.test(
  'a pass of addresses and ports is about the flow, one that asks for more about its packet',
  { skip },
  async (t) => {
    const rig = open(t);
    const back = { src: out.dst, dst: out.src, dport: 40_000 };
    const verdicts = (pass: string, port: number): number[] => {
      install(rig, [
        `pass tcp any any -> any ${port} (msg:"p"; ${pass}sid:1;)`,
        'drop tcp any any -> any any (sid:2;)',
      ]);
      const there = { ...out, sport: 40_000, dport: port };
      return [there, { ...back, sport: port }, there].map((fields) => rig.send(tcp(fields)).verdict);
    };
    t.same(verdicts('', 22), [PASS, PASS, PASS], 'the answers too');
    t.same(verdicts('ttl:>0; ', 23), [PASS, DROP, PASS]);
    install(rig, ['pass tcp any any -> any 24 (sid:1;)', 'drop tcp any any -> any any (sid:2;)']);
    t.equal(rig.send(tcp({ ...back, sport: 24 })).verdict, DROP, 'an answer to nothing is none');
  },
);

t.test('counters by rule', { skip }, async (t) => {
  const rig = open(t);
  const compiled = install(rig, [
    'drop tcp any any -> any 80 (msg:"d"; sid:2;)',
    'alert tcp any any -> any any (msg:"quiet"; ttl:>0; noalert; sid:3;)',
  ]);
  for (let i = 0; i < 3; i++) rig.send(tcp(out));
  rig.send(tcp({ ...out, dport: 81 }));
  const counts = rig.kernel.ruleCounts();
  const of = (sid: number) => counts[compiled.rules.find((rule) => rule.sid === sid)?.positions[0] ?? -1];
  t.match(of(2), { matched: 3, events: 3, suppressed: 0, lost: 0, silenced: 0 });
  t.match(of(3), { matched: 4, events: 0 });
});

t.test('at most 15 alerts a packet, the others are counted', { skip }, async (t) => {
  const rig = open(t);
  const rules = Array.from({ length: 20 }, (_, i) => `alert tcp any any -> any any (msg:"${i}"; sid:${i + 1};)`);
  install(rig, rules);
  const seen = rig.send(tcp(out));
  t.equal(seen.events.length, 15);
  t.same(seen.stats, { EVENTS: 15, MATCHES_DISCARDED: 5 });
  t.ok(
    rig.kernel
      .ruleCounts()
      .slice(0, 20)
      .every(({ matched }) => matched === 1),
  );
});

t.test('a bidirectional rule raises one alert where both halves match', { skip }, async (t) => {
  const rig = open(t);
  install(rig, 'alert tcp any any <> any any (msg:"both"; sid:1;)');
  t.equal(rig.send(tcp(out)).events.length, 1);
  install(rig, 'alert tcp 192.0.2.1 any <> [10.0.0.2,192.0.2.1] any (msg:"both"; sid:1;)');
  t.equal(rig.send(tcp(back)).events.length, 1);
  t.equal(rig.send(tcp({ src: '192.0.2.1', dst: '192.0.2.1' })).events.length, 1);
});

t.test('a reload swaps all rules at once and events name its generation', { skip }, async (t) => {
  const rig = open(t);
  install(rig, 'drop tcp any any -> any 80 (msg:"old"; sid:1;)', 1);
  t.match(rig.send(tcp(out)), { verdict: DROP, events: [{ generation: 1 }] });
  install(rig, 'alert tcp any any -> any any (msg:"new"; sid:2;)', 2);
  t.match(rig.send(tcp(out)), { verdict: PASS, events: [{ generation: 2 }] });
  install(rig, [], 3);
  t.match(rig.send(tcp(out)), { verdict: PASS, events: [] });
});

t.test('2,000 rules: the right one is found', { skip }, async (t) => {
  const rig = open(t);
  const rules = Array.from({ length: 2000 }, (_, i) =>
    i % 2
      ? `drop tcp any any -> any ${1000 + i} (msg:"port"; sid:${i + 1};)`
      : `drop udp 172.16.${i >> 8}.${i & 255} any -> any any (msg:"source"; sid:${i + 1};)`,
  );
  const compiled = install(rig, rules);
  const sid = sidsOf(compiled);
  for (const i of [0, 1, 2, 63, 64, 65, 998, 1001, 1998, 1999]) {
    const frame = i % 2 ? tcp({ ...out, dport: 1000 + i }) : udp({ ...out, src: `172.16.${i >> 8}.${i & 255}` });
    const seen = rig.send(frame);
    t.same(
      seen.events.map(({ rule }) => sid(rule)),
      [i + 1],
    );
    t.equal(seen.verdict, DROP);
  }
  t.equal(rig.send(tcp({ ...out, dport: 1000 })).verdict, PASS);
});

t.test(
  'monitor mode: everything is computed, counted and raised as would, and nothing is dropped',
  { skip },
  async (t) => {
    const rig = open(t);
    setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_MONITOR');
    install(rig, ['drop tcp any any -> any 80 (msg:"d"; sid:1;)', 'reject tcp any any -> any 81 (msg:"r"; sid:2;)']);
    for (const [dport, reason] of [
      [80, 'RULE_DROP'],
      [81, 'RULE_REJECT'],
    ] as const) {
      const frame = tcp({ ...out, dport });
      const seen = rig.send(frame);
      t.equal(seen.verdict, PASS);
      t.same(seen.frame, frame, 'the frame is as it came');
      t.ok(seen.reasons[reason], reason);
      t.ok((seen.events[0]?.flags ?? 0) & EventFlag.EVENT_WOULD);
      t.not(seen.events[0]?.verdict, 0, 'the event says what was decided');
    }
    t.equal(
      rig.kernel.verdicts().reduce((sum, { would }) => sum + would, 0),
      2,
    );
  },
);
