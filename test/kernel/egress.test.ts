// SPDX-License-Identifier: Apache-2.0
// The program that judges what leaves: the same stages with the same results, lists by destination, and nothing twice.

import t from 'tap';
import { Direction, EventFlag, EventType, Hook, InterfaceLayout } from '../../common/abi.gen.js';
import { indexKey } from '../../engine/bpf/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, ip, TCP, tcp, udp } from './support/frames.js';
import { At, chain6, extension as x, Next, other, padded, patch } from './support/packets.js';
import { Random } from './support/random.js';
import { Rig, type Seen } from './support/rig.js';
import { allow, block, cut, install, setFlags } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const [DROP, PASS] = [1, 2];
const here = { src: '10.0.0.1', dst: '192.0.2.1' };
const six = { src: '2001:db8::1', dst: '2001:db8:f::2' };
const LOOPBACK = 1;

let opened: Rig | undefined;
t.teardown(() => opened?.close());

/** The bench of all tests here, with other rules: to verify both programs takes its time. */
function bench(rules: readonly string[] = []): Rig {
  const rig = (opened ??= Rig.open({ teardown: () => undefined }, { egress: true }));
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_CUTS');
  install(rig, rules);
  return rig;
}

/** What a frame comes to, without what differs between the hooks by nature. */
function outcome({ verdict, reasons, decodes, stats, events, http }: Seen): unknown {
  const plain = events.map(({ packet, hook, ifindex, saddr, daddr, ethSrc, ethDst, flowId, flow, flags, ...rest }) => {
    void [packet, hook, ifindex, saddr, daddr, ethSrc, ethDst, flowId, flow];
    return { ...rest, flags: flags & ~EventFlag.EVENT_NEED_REJECT };
  });
  // Fragments of the tests before are in the pool of one of the two.
  const { FRAGMENTS_LOST: _lost, ...others } = stats;
  return { verdict, reasons, decodes, others, plain, sections: http.map(({ section }) => section) };
}

t.test('lists look at the destination', { skip }, async (t) => {
  const [four, v6] = [
    { ...here, dst: '198.51.100.9' },
    { ...six, dst: '2001:db8:e::2' },
  ];
  const rig = bench();
  block(rig, '198.51.100.9/32', { origin: 3 });
  block(rig, '2001:db8:e::/48');
  block(rig, '198.51.100.4/32', { alert: true });
  block(rig, '203.0.113.0/24');
  allow(rig, '203.0.113.7/32', 'ALLOW_OPERATOR');
  const dropped = rig.sendOut(tcp(four));
  t.same([dropped.verdict, dropped.reasons], [DROP, { BLOCKLIST: 1 }]);
  t.match(dropped.events, [{ type: EventType.EVENT_BLOCKED, hook: Hook.TC, origin: 3, src: four.src, dst: four.dst }]);
  t.same(rig.sendOut(udp(v6)).reasons, { BLOCKLIST: 1 });
  t.same(rig.sendOut(tcp({ ...four, vlan: [5, 6] })).reasons, { BLOCKLIST: 1 });
  const back = { src: four.dst, dst: four.src };
  t.same(rig.sendOut(tcp(back)).reasons, { CLEAN: 1 }, 'the source of what leaves is not judged');
  t.same(rig.send(tcp(back)).reasons, { BLOCKLIST: 1 }, 'where it comes in it is');
  t.same(rig.send(tcp(four)).reasons, { CLEAN: 1 });
  t.match(rig.sendOut(tcp({ ...four, dst: '198.51.100.4' })), {
    verdict: PASS,
    events: [{ type: EventType.EVENT_LISTED, hook: Hook.TC }],
  });
  t.same(rig.sendOut(tcp({ ...four, dst: '203.0.113.8' })).reasons, { BLOCKLIST: 1 });
  t.same(rig.sendOut(tcp({ ...four, dst: '203.0.113.7' })).reasons, { ALLOWLIST: 1 }, 'an allowlisted peer');
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_MONITOR');
  const would = rig.sendOut(tcp(four));
  t.match(would, { verdict: PASS, reasons: { BLOCKLIST: 1 } });
  t.equal(Number(would.events[0]?.flags) & EventFlag.EVENT_WOULD, EventFlag.EVENT_WOULD);
  setFlags(rig);
  rig.kernel.control.update({ blockedRate: 1, ruleRate: 10 });
  t.equal(rig.sendOut(tcp(four)).events.length, 1);
  const flood = rig.sendOut(tcp(four));
  t.match(flood, { verdict: DROP, reasons: { BLOCKLIST: 1 }, stats: { BLOCK_EVENTS_SUPPRESSED: 1 } }, 'the short way');
  t.equal(flood.events.length, 0);
});

t.test('rules drop; a reject is answered by the engine; the frame stays as it was', { skip }, async (t) => {
  const rig = bench([
    'drop tcp any any -> any 23 (msg:"d"; sid:1;)',
    'reject tcp any any -> any 24 (msg:"r"; sid:2;)',
    'pass tcp any any -> any 25 (msg:"p"; sid:3;)',
  ]);
  rig.kernel.control.update({ rejectRate: 100 });
  t.match(rig.sendOut(tcp({ ...here, dport: 23 })), {
    verdict: DROP,
    reasons: { RULE_DROP: 1 },
    events: [{ hook: Hook.TC }],
  });
  t.same(rig.sendOut(tcp({ ...here, dport: 25 })).reasons, { RULE_PASS: 1 });
  const frame = tcp({ ...here, dport: 24 });
  // In replay nothing is answered.
  const live = Rig.open(t, { replay: false, egress: true });
  install(live, ['reject tcp any any -> any 24 (msg:"r"; sid:2;)']);
  live.kernel.control.update({ rejectRate: 100, sourceRate: 100, ruleRate: 100 });
  const rejected = live.sendOut(frame);
  t.match(rejected, { verdict: DROP, reasons: { RULE_REJECT: 1 } });
  t.equal(Number(rejected.events[0]?.flags) & EventFlag.EVENT_NEED_REJECT, EventFlag.EVENT_NEED_REJECT);
  t.same(rejected.frame, frame);
});

t.test('what was judged where it came in is left alone, unless it is of another flow by now', { skip }, async (t) => {
  const rig = bench(['alert ip any any -> any any (msg:"a"; ttl:>0; sid:1;)']);
  const ingress = LOOPBACK;
  const ends = { ...here, sport: 5353, dport: 53 };
  t.same(rig.sendOut(udp({ ...ends, sport: 1 }), { ingress }).reasons, { CLEAN: 1 }, 'it came in where nobody judges');
  rig.kernel.map('ids_interfaces').put(indexKey(LOOPBACK), new Uint8Array(InterfaceLayout.SIZE));
  const once = { reasons: {}, stats: { JUDGED_BEFORE: 1 } };
  const reset = tcp({ ...here, flags: TCP.RST });
  const both = [
    udp(ends),
    udp({ ...six, sport: 1, dport: 53 }),
    tcp(here),
    icmp(here),
    reset,
    udp({ ...ends, vlan: [5] }),
  ];
  for (const frame of [
    ...both,
    ip({ ...here, fragment: 100 }, 17, new Uint8Array(8)),
    tcp({ ...here, vlan: [5, 6] }),
  ]) {
    t.equal(rig.send(frame).events.length, 1);
    const { verdict, reasons, stats, events } = rig.sendOut(frame, { ingress });
    t.match({ verdict, reasons, stats, events }, { ...once, verdict: PASS, events: [] });
  }
  // Another source address: what the address of this host hides.
  const hidden = { ...ends, src: '203.0.113.1' };
  for (let n = 0; n < 2; n++) t.same(rig.sendOut(udp(hidden), { ingress }).reasons, { CLEAN: 1 });
  const answer = udp({ src: ends.dst, dst: hidden.src, sport: 53, dport: 5353 });
  t.equal(rig.send(answer).events[0]?.direction, Direction.TO_CLIENT, 'whose answers belong to it then');
  t.same(rig.sendOut(udp({ ...ends, vlan: [7] }), { ingress }).reasons, { CLEAN: 1 }, 'another VLAN');
  t.same(rig.sendOut(udp(ends)).reasons, { CLEAN: 1 }, 'our own');
});

t.test('segments beyond 64 KiB name no length', { skip }, async (t) => {
  const rig = bench();
  const four = patch(tcp({ ...here, payload: new Uint8Array(3000) }), { [At.ip + 2]: [0, 0] });
  const v6 = patch(tcp({ ...six, payload: new Uint8Array(3000) }), { [At.ip + 4]: [0, 0] });
  for (const frame of [four, v6]) {
    t.same(rig.sendOut(frame, { segment: 1400 }).reasons, { CLEAN: 1 });
    t.same(rig.sendOut(frame).reasons, { MALFORMED: 1 }, 'of one packet that is a lie');
    t.same(rig.send(frame).reasons, { MALFORMED: 1 });
  }
});

t.test('both hooks come to the same, whatever the frame', { skip }, async (t) => {
  const rules = [
    'drop tcp any any -> any 23 (msg:"d"; sid:2;)',
    'reject udp any any -> any 24 (msg:"r"; sid:3;)',
    'alert ip any any -> any any (msg:"a"; ttl:1; sid:4;)',
    'alert http any any -> any any (msg:"h"; http.method; content:"GET"; sid:5;)',
    'drop pkthdr any any -> any any (msg:"h"; decode-event:ipv4.opt_duplicate; sid:7;)',
  ];
  const [arriving, leaving] = [Rig.open(t), bench(rules)];
  setFlags(arriving, 'CONTROL_UNLIMITED', 'CONTROL_CUTS');
  install(arriving, rules);
  for (const rig of [arriving, leaving])
    cut(
      rig,
      [
        [here.src, 80],
        [here.dst, 999],
      ],
      6,
    );
  const frames = [
    ...[tcp(here), tcp({ ...here, dport: 23 }), udp({ ...here, dport: 24 }), icmp(here), udp(six), icmp(six)],
    ...[tcp({ ...here, sport: 80, dport: 999 }), tcp({ ...here, ttl: 1 }), tcp({ ...here, vlan: [5, 6] })],
    ...[tcp({ ...here, payload: 'GET / HTTP/1.1\r\nCookie: a=secret\r\n\r\n', flags: TCP.ACK }), other(0x0806)],
    ...[ip({ ...here, fragment: 100 }, 17, new Uint8Array(8)), padded(tcp(here), 60), ip(here, 6, new Uint8Array(3))],
    chain6(six, [x.hop(), x.dest()], Next.UDP, new Uint8Array(16)),
    tcp({ ...here, tcpOptions: new Uint8Array([2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 0, 0]), flags: TCP.SYN }),
  ];
  const random = new Random(7);
  for (let n = 0; n < 3000; n++) {
    const frame = (frames[n % frames.length] ?? tcp(here)).slice();
    if (n >= frames.length) {
      for (let change = random.below(3); change >= 0; change--) frame[random.below(frame.length)] = random.below(256);
    }
    // The kernel takes no frame here that is shorter than the IP header that its type announces.
    const end = n % 5 === 4 ? Math.max(At.ip6Payload, random.below(frame.length + 1)) : frame.length;
    const sent = frame.slice(0, end);
    const [came, left] = [outcome(arriving.send(sent)), outcome(leaving.sendOut(sent))];
    if (JSON.stringify(came) !== JSON.stringify(left)) {
      t.same(left, came, `frame ${n}: ${Buffer.from(sent).toString('hex')}`);
      return;
    }
  }
  t.pass('3,000 frames');
});
