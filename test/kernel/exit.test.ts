// SPDX-License-Identifier: Apache-2.0
// The one exit: every terminal reason, packets and bytes counted exactly once, and mutated packets by the hundred thousand.

import t from 'tap';
import { Reason, ReasonNames } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, ip, TCP, tcp, udp } from './support/frames.js';
import { chain6, extension as x, Next, other, payloadOf } from './support/packets.js';
import { Rig } from './support/rig.js';
import { allow, block, cut, install, setFlags } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const a = { src: '192.0.2.1', dst: '10.0.0.1' };
const six = { src: '2001:db8::1', dst: '2001:db8::2' };

/** A bench on which every list and every action has something to do. */
function busy(t: Parameters<typeof Rig.open>[0]): Rig {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_CUTS');
  rig.kernel.control.update({ sourceRate: 100, ruleRate: 1000, blockedRate: 10 });
  const rules = [
    'pass tcp any any -> any 22 (msg:"p"; sid:1;)',
    'drop tcp any any -> any 23 (msg:"d"; sid:2;)',
    'reject tcp any any -> any 24 (msg:"r"; sid:3;)',
    'alert ip any any -> any any (msg:"a"; ttl:1; sid:4;)',
    'alert tcp any any -> any any (msg:"t"; detection_filter: track by_src, count 5, seconds 60, unique_on dst_port; sid:5;)',
    'alert udp any any -> any any (msg:"u"; threshold: type both, track by_both, count 5, seconds 60; sid:6;)',
    'drop pkthdr any any -> any any (msg:"h"; decode-event:ipv4.opt_duplicate; sid:7;)',
    'alert tcp any any -> any 25 (msg:"f"; sid:8;)',
  ];
  const filter = 'rate_filter gen_id 1, sig_id 8, track by_rule, count 1, seconds 60, new_action drop, timeout 60';
  install(rig, rules, 1, filter);
  // Of the next one it is that it is too many.
  rig.send(tcp({ ...a, dport: 25 }));
  block(rig, '192.0.2.66/32');
  block(rig, '192.0.2.67/32');
  allow(rig, '192.0.2.67/32', 'ALLOW_OPERATOR');
  cut(
    rig,
    [
      ['10.0.0.1', 80],
      ['192.0.2.1', 999],
    ],
    6,
  );
  return rig;
}

const reasons: Partial<Record<keyof typeof Reason, [frame: Uint8Array, verdict: number]>> = {
  CLEAN: [tcp(a), 2],
  ALLOWLIST: [tcp({ ...a, src: '192.0.2.67' }), 2],
  RULE_PASS: [tcp({ ...a, dport: 22 }), 2],
  NOT_IP: [other(0x0806), 2],
  MALFORMED: [tcp(a).slice(0, 50), 2],
  BLOCKLIST: [tcp({ ...a, src: '192.0.2.66' }), 1],
  RULE_DROP: [tcp({ ...a, dport: 23 }), 1],
  RULE_REJECT: [tcp({ ...a, dport: 24 }), 1],
  FLOW_CUT: [tcp({ ...a, sport: 999 }), 1],
  REJECT_LIMIT: [tcp({ ...a, dport: 24, flags: TCP.RST }), 1],
  RULE_RATE: [tcp({ ...a, dport: 25 }), 1],
};

t.test('every terminal reason', { skip }, async (t) => {
  const rig = busy(t);
  for (const [name, [frame, verdict]] of Object.entries(reasons)) {
    const before = rig.kernel.verdicts();
    const seen = rig.send(frame);
    t.same([seen.verdict, seen.reasons], [verdict, { [name]: 1 }], name);
    const reason = Reason[name as keyof typeof Reason];
    const bytes = (of: typeof before): number => of.find((count) => count.reason === reason)?.bytes ?? 0;
    t.equal(bytes(rig.kernel.verdicts()) - bytes(before), frame.length, `${name}: bytes`);
  }
  const terminal = Object.entries(ReasonNames).filter(([value]) => Number(value) < Reason.DECODE);
  const missing = terminal.map(([, name]) => name).filter((name) => !(name in reasons));
  const elsewhere = ['FLOW_DROP', 'HELD', 'FRAGMENT'];
  t.same(missing, ['INTERNAL', ...elsewhere], 'none is without a case but the one that must not happen');
});

t.test('without a rule set: counted as what must not happen, the lists still hold', { skip }, async (t) => {
  const rig = Rig.open(t);
  block(rig, '192.0.2.66/32');
  t.same(rig.send(tcp(a)).reasons, { INTERNAL: 1 });
  t.same(rig.send(tcp({ ...a, src: '192.0.2.66' })).reasons, { BLOCKLIST: 1 });
});

t.test('monitor mode drops nothing of all that', { skip }, async (t) => {
  const rig = busy(t);
  setFlags(rig, 'CONTROL_CUTS', 'CONTROL_MONITOR');
  let drops = 0;
  for (const [name, [frame, verdict]] of Object.entries(reasons)) {
    const seen = rig.send(frame);
    t.same([seen.verdict, seen.reasons], [2, { [name]: 1 }], name);
    if (verdict === 1) drops++;
  }
  const would = rig.kernel.verdicts().reduce((sum, count) => sum + count.would, 0);
  t.equal(would, drops, 'would have');
});

/** Repeatable noise (mulberry32). */
function noise(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let word = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return (word ^ (word >>> 14)) >>> 0;
  };
}

t.test('200,000 mutated packets: a verdict for each, each counted once', { skip, timeout: 300_000 }, async (t) => {
  const rig = busy(t);
  const whole = [
    tcp({ ...a, options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 1), tcpOptions: Uint8Array.of(2, 4, 5, 180, 4, 2, 1, 1) }),
    tcp({ ...a, flags: TCP.ACK, payload: 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', vlan: [1, 2] }),
    udp({ ...six, payload: 'hello' }),
    icmp(a),
    icmp(six),
    chain6(six, [x.hop(), x.dest(), x.routing(), x.auth(), x.fragment(0, true)], Next.TCP, payloadOf(tcp(six))),
    ip({ ...a, fragment: 0x2000 }, 6, payloadOf(tcp(a))),
    other(0x88a8),
  ];
  const before = rig.kernel.verdicts();
  const random = noise(20_240_601);
  const total = 200_000;
  const verdicts = new Map<number, number>();
  for (let n = 0; n < total; n++) {
    const base = whole[random() % whole.length] ?? whole[0]!;
    const length = random() % 4 === 0 ? 14 + (random() % (base.length - 14)) : base.length;
    const frame = base.slice(0, length);
    for (let flips = random() % 6; flips > 0; flips--) {
      const at = random() % frame.length;
      frame[at] = random() % 3 === 0 ? random() & 255 : (frame[at] ?? 0) ^ (1 << (random() & 7));
    }
    const { verdict } = rig.push(frame);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    if (n % 5000 === 0) rig.drain();
  }
  t.same([...verdicts.keys()].sort(), [1, 2], 'drop or pass, never aborted');
  const counted = rig.kernel.verdicts().map((one, i) => ({ ...one, packets: one.packets - (before[i]?.packets ?? 0) }));
  t.equal(
    counted.reduce((sum, { packets }) => sum + packets, 0),
    total,
  );
  t.equal(counted[Reason.INTERNAL]?.packets ?? 0, 0);
  const dropped = [
    Reason.BLOCKLIST,
    Reason.RULE_DROP,
    Reason.RULE_REJECT,
    Reason.FLOW_CUT,
    Reason.REJECT_LIMIT,
    Reason.RULE_RATE,
  ];
  const drops = counted.filter(({ reason }) => (dropped as number[]).includes(reason));
  t.equal(
    drops.reduce((sum, { packets }) => sum + packets, 0),
    verdicts.get(1),
  );
  const seen = rig.kernel.decodes().filter((count) => count > 0).length;
  t.ok(seen > 30, `${seen} decode reasons were seen`);
});
