// SPDX-License-Identifier: Apache-2.0
// What a rejected packet is answered with, byte by byte, and who is never answered.

import t from 'tap';
import { ControlFlag, EventFlag, EventType, InterfaceFlag, InterfaceLayout } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { ethernet, icmp, ip, TCP, tcp, udp, type TcpPart } from './support/frames.js';
import { install } from './support/http-rig.js';
import { fragmented, fragments, permutations } from './support/fragments.js';
import { resetFor, unreachableFor } from './support/replies.js';
import { Rig, type Seen } from './support/rig.js';
import { Talk } from './support/talk.js';

const when = { skip: whyUnprivileged() ?? false };
const [DROP, PASS, TX] = [1, 2, 3];
const LO = 1; // the interface of BPF_PROG_TEST_RUN
const peers = [
  { src: '192.0.2.1', dst: '198.51.100.2' },
  { src: '2001:db8::1', dst: '2001:db8:1::2' },
];
const tags = [[], [5], [5, 6]];

let port = 40_000;

const everything = ['tcp', 'udp', 'icmp', 'ip']
  .map((proto, i) => `reject ${proto} any any -> any any (msg:"${proto}"; sid:${i + 1};)`)
  .join('\n');

function setTx(rig: Rig, works: boolean): void {
  const value = new Uint8Array(InterfaceLayout.SIZE);
  value[InterfaceLayout.flags] = works ? InterfaceFlag.INTERFACE_TX : 0;
  rig.kernel.map('ids_interfaces').put(Uint8Array.of(LO, 0, 0, 0), value);
}

/** One for all tests but that of replay: to load the programs takes longer than they do. */
const live = when.skip === false ? Rig.open(t, { replay: false }) : undefined;

function openRig(rules = everything, rig = live): Rig {
  if (!rig) throw new Error('the rig is not open');
  rig.kernel.control.update({ flags: 0, rejectRate: 100_000, sourceRate: 100_000, ruleRate: 100_000 });
  install(rig, rules);
  setTx(rig, true);
  rig.settle();
  return rig;
}

t.test('TCP segments are answered with the RST of RFC 9293', when, async (t) => {
  const rig = openRig();
  const variants: Record<string, { part: Partial<TcpPart>; length: number }> = {
    SYN: { part: { flags: TCP.SYN }, length: 1 },
    'SYN with data': { part: { flags: TCP.SYN, payload: 'abc' }, length: 4 },
    'SYN with options': { part: { flags: TCP.SYN, tcpOptions: Uint8Array.of(2, 4, 5, 180, 1, 1, 4, 2) }, length: 1 },
    'SYN and FIN': { part: { flags: TCP.SYN | TCP.FIN }, length: 2 },
    'no flag': { part: { flags: 0 }, length: 0 },
    Xmas: { part: { flags: TCP.FIN | TCP.PSH | TCP.URG, payload: 'x' }, length: 2 },
    'SYN at the end of the number space': { part: { flags: TCP.SYN, seq: 0xffffffff }, length: 1 },
    ACK: { part: { flags: TCP.ACK }, length: 0 },
    'SYN and ACK': { part: { flags: TCP.SYN | TCP.ACK }, length: 1 },
    'FIN and ACK': { part: { flags: TCP.FIN | TCP.ACK, payload: 'bye' }, length: 4 },
    data: { part: { flags: TCP.PSH | TCP.ACK, payload: 'x'.repeat(1400) }, length: 1400 },
    'data in several buffers': { part: { flags: TCP.PSH, payload: 'x'.repeat(9000) }, length: 9000 },
  };
  for (const peer of peers) {
    for (const vlan of tags) {
      for (const [name, { part, length }] of Object.entries(variants)) {
        const numbers = { sport: 1025, dport: 80, flags: 0, seq: 0x89abcdef, ack: 0xfedcba98, ...part };
        const frame = tcp({ ...peer, vlan, ...numbers });
        const seen = rig.send(frame);
        t.equal(seen.verdict, TX, name);
        t.same(
          hex(seen.frame),
          hex(resetFor(frame, { ...numbers, length })),
          `${name}, ${peer.src}, ${vlan.length} tags`,
        );
        t.same(seen.reasons, { RULE_REJECT: 1 });
        t.equal(seen.stats['REJECTS_SENT'], 1);
        t.equal((seen.events[0]?.flags ?? 0) & EventFlag.EVENT_NEED_REJECT, 0);
        t.match(seen.events[0], { src: peer.src, dst: peer.dst, verdict: 2, seq: numbers.seq });
      }
    }
  }
});

t.test('anything else is answered with an ICMP error', when, async (t) => {
  const rig = openRig();
  const long = Uint8Array.from({ length: 1300 }, (_, i) => i);
  for (const [n, peer] of peers.entries()) {
    const [port, prohibited] = n === 0 ? [3, 13] : [4, 1];
    for (const vlan of tags) {
      for (const length of [0, 1, 2, 3, 4, 79, 80, 81, 99, 100, 101, 1300]) {
        const payload = long.subarray(0, length);
        const cases: [string, Uint8Array, number][] = [
          ['UDP', udp({ ...peer, vlan, payload }), port],
          ['echo', icmp({ ...peer, vlan, payload }), prohibited],
          ['GRE', ip({ ...peer, vlan }, 47, Uint8Array.from([0, 0, 8, 0, ...payload])), prohibited],
        ];
        for (const [name, frame, code] of cases) {
          const seen = rig.send(frame);
          t.equal(seen.verdict, TX, name);
          t.same(hex(seen.frame), hex(unreachableFor(frame, code)), `${name} of ${length} bytes, ${vlan.length} tags`);
        }
      }
    }
  }
  const options = udp({ ...peers[0]!, options: new Uint8Array(40).fill(1), payload: long });
  t.same(hex(rig.send(options).frame), hex(unreachableFor(options, 3)), 'IPv4 options are quoted');
  const first = udp({ ...peers[0]!, fragment: 0x2000, payload: long });
  t.same(hex(rig.send(first).frame), hex(unreachableFor(first, 3)), 'a first fragment is answered');
  const padded = Buffer.concat([udp({ ...peers[0]!, payload: 'x' }), Buffer.alloc(17, 0xee)]);
  t.same(hex(rig.send(padded).frame), hex(unreachableFor(padded, 3)), 'padding is not quoted');
});

t.test('what must not be answered is dropped in silence', when, async (t) => {
  const rig = openRig();
  const [four, six] = peers as [(typeof peers)[0], (typeof peers)[0]];
  const mac = (frame: Uint8Array, at: number, byte: number): Uint8Array => (frame.set([byte], at), frame);
  const silent: Record<string, Uint8Array> = {
    RST: tcp({ ...four, flags: TCP.RST }),
    'RST and ACK': tcp({ ...six, flags: TCP.RST | TCP.ACK }),
    'broadcast MAC': ethernetTo('ffffffffffff', tcp(four)),
    'multicast MAC': ethernetTo('01005e000001', tcp(four)),
    'from a multicast MAC': mac(tcp(four), 6, 1),
    'a later fragment': ip({ ...four, fragment: 100 }, 6, new Uint8Array(40)),
    'a later UDP fragment': ip({ ...four, fragment: 0x2000 | 100 }, 17, new Uint8Array(40)),
    'a truncated TCP header': ip(four, 6, new Uint8Array(12)),
    'a TCP header of 16 bytes': mac(tcp(four), 14 + 20 + 12, 0x40),
    'a UDP header cut short': ip(four, 17, new Uint8Array(4)),
    'ICMP in IPv6': ip(six, 1, Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1)),
    'ICMPv6 in IPv4': ip(four, 58, Uint8Array.of(128, 0, 0, 0, 0, 1, 0, 1)),
  };
  for (const type of [3, 4, 5, 11, 12, 40, 255])
    silent[`ICMP type ${type}`] = icmp({ ...four, type, payload: 'xxxxxxxx' });
  for (const type of [1, 2, 3, 4, 100, 127, 137])
    silent[`ICMPv6 type ${type}`] = icmp({ ...six, type, payload: 'xxxxxxxx' });
  for (const address of ['0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '239.1.2.3', '240.0.0.1', '255.255.255.255']) {
    silent[`from ${address}`] = tcp({ ...four, src: address });
    silent[`to ${address}`] = udp({ ...four, dst: address });
  }
  for (const address of ['::', '::1', 'ff02::1', 'ff0e::1234']) {
    silent[`from ${address}`] = udp({ ...six, src: address });
    silent[`to ${address}`] = tcp({ ...six, dst: address });
  }
  for (const [name, frame] of Object.entries(silent)) {
    const seen = rig.send(frame);
    t.equal(seen.verdict, DROP, name);
    t.same(seen.reasons, { REJECT_LIMIT: 1 }, name);
    t.same([seen.stats['REJECTS_LIMITED'], seen.stats['REJECTS_SENT']], [1, undefined], name);
    t.ok(
      seen.events.every(({ flags }) => (flags & EventFlag.EVENT_NEED_REJECT) === 0),
      `${name}: nor by the engine`,
    );
  }
  t.equal(rig.send(ethernet(0x0806, new Uint8Array(28))).verdict, PASS, 'ARP is no business of an IP rule');
});

t.test('answers keep to the rate over all rules', when, async (t) => {
  const rig = openRig();
  rig.kernel.control.update({ rejectRate: 20 });
  const packets = (): Record<number, number> =>
    Object.fromEntries(rig.kernel.verdicts().map(({ reason, packets }) => [reason, packets]));
  const before = packets();
  const verdicts: number[] = [];
  const started = process.hrtime.bigint();
  for (let i = 0; i < 300; i++) verdicts.push(rig.push(i % 2 ? tcp(peers[0]!) : udp(peers[1]!)).verdict);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const sent = verdicts.filter((verdict) => verdict === TX).length;
  t.ok(sent >= 20 && sent <= 21 + 20 * seconds, `${sent} answers in ${seconds} s and one second's worth at once`);
  t.same(verdicts.slice(0, 20), new Array(20).fill(TX));
  const after = packets();
  const counted = [7, 9].map((reason) => (after[reason] ?? 0) - (before[reason] ?? 0));
  t.same(counted, [sent, 300 - sent], 'every packet has its reason');
  rig.kernel.control.update({ rejectRate: 0 });
  t.equal(rig.send(tcp(peers[0]!)).verdict, DROP, 'rate 0 is none');
});

t.test('where transmit does not work, the engine is told to answer', when, async (t) => {
  const rig = openRig();
  for (const prepare of [
    () => setTx(rig, false),
    () => rig.kernel.map('ids_interfaces').delete(Uint8Array.of(LO, 0, 0, 0)),
  ]) {
    prepare();
    const frame = tcp({ ...peers[0]!, payload: 'abc' });
    const seen = rig.send(frame);
    t.equal(seen.verdict, DROP);
    t.same(seen.reasons, { RULE_REJECT: 1 });
    t.ok((seen.events[0]?.flags ?? 0) & EventFlag.EVENT_NEED_REJECT);
    t.equal(seen.stats['REJECTS_SENT'], undefined);
    t.same(hex(seen.frame), hex(frame), 'the frame is as it was');
  }
});

t.test('sides: the sender by transmit, the receiver by the engine', when, async (t) => {
  const need = EventFlag.EVENT_NEED_REJECT;
  for (const [action, verdict, flag] of [
    ['rejectsrc', TX, 0],
    ['rejectdst', DROP, need],
    ['rejectboth', TX, need],
  ] as const) {
    const rig = openRig(`${action} tcp any any -> any any (msg:"x"; sid:1;)`);
    const seen = rig.send(tcp(peers[0]!));
    t.equal(seen.verdict, verdict, action);
    t.equal((seen.events[0]?.flags ?? 0) & need, flag, action);
  }
});

t.test('the engine hears of a packet to answer even if nothing is raised about it', when, async (t) => {
  const limit = 'threshold: type limit, track by_src, count 1, seconds 60;';
  for (const [option, types] of [
    // The record of the packet itself, which is no alert.
    ['noalert;', [EventType.EVENT_ALERT, EventType.EVENT_ALERT]],
    [limit, [EventType.EVENT_ALERT, EventType.EVENT_REJECT]],
  ] as const) {
    const rig = openRig(`reject tcp any any -> any any (msg:"x"; ${option} sid:1;)`);
    setTx(rig, false);
    const events = types.flatMap(() => rig.send(tcp(peers[0]!)).events);
    t.same(
      events.map(({ type, rule }) => [type, rule]),
      types.map((type) => [type, 0]),
      option,
    );
    setTx(rig, true);
    const answered = rig.send(tcp(peers[0]!)).events.filter(({ type }) => type === EventType.EVENT_REJECT);
    t.same(answered, [], 'where the program answers by itself it does not');
  }
});

t.test('a datagram that was put together is answered as its host would', when, async (t) => {
  const rig = openRig('reject ip any any -> any any (msg:"long"; dsize:>500; sid:1;)');
  const payload = 'x'.repeat(600);
  let id = 100;
  for (const [peer, make, proto, code] of [
    [peers[0]!, udp, 17, 3],
    [peers[0]!, icmp, 1, 13],
    [peers[1]!, udp, 17, 4],
    [peers[1]!, icmp, 58, 1],
  ] as const) {
    for (const order of permutations([0, 1, 2])) {
      const whole = make({ ...peer, id: ++id, payload });
      const pieces = fragments(fragmented(peer, proto, whole, id), [24, 400]);
      const seen = order.map((n) => rig.send(pieces[n]!));
      t.same(
        seen.map(({ verdict }) => verdict),
        [PASS, PASS, TX],
      );
      const name = `${peer.src}, protocol ${proto}, in order ${order.join()}`;
      t.same(hex(seen[2]!.frame), hex(unreachableFor(whole, code)), name);
      t.same(seen[2]!.reasons, { RULE_REJECT: 1 });
    }
  }
});

t.test('both ends of an established connection are told', when, async (t) => {
  const need = EventFlag.EVENT_NEED_REJECT;
  const told = ({ verdict, reasons, events }: Seen): string =>
    [verdict === TX ? 'answered' : 'not', ...Object.keys(reasons), ...events.map(({ flags }) => flags & need)].join(
      ' ',
    );
  for (const [action, both] of [
    ['reject', need],
    ['rejectsrc', 0],
    ['rejectboth', need],
  ] as const) {
    const rig = openRig(`${action}:flow tcp any any -> any 80 (msg:"x"; dsize:4; sid:1;)`);
    rig.kernel.control.update({ flags: ControlFlag.CONTROL_FLOW_DROPS });
    const talk = new Talk({ cport: ++port });
    for (const frame of talk.handshake()) t.equal(rig.send(frame).verdict, PASS);
    const data = talk.up({ payload: 'evil' });
    t.equal(
      told(rig.send(data)),
      `answered RULE_REJECT ${both}`,
      `${action}: the sender at once, the receiver by the engine`,
    );
    const again = rig.send(data);
    t.equal(told(again), 'answered FLOW_DROP', 'who sends it again');
    t.same(
      hex(again.frame),
      hex(resetFor(data, { sport: port, dport: 80, flags: TCP.ACK, seq: 0, ack: 9001, length: 4 })),
    );
    t.equal(told(rig.send(talk.down({ payload: 'x' }))), 'answered FLOW_DROP', 'and who goes on on the other side');
    t.equal(told(rig.send(talk.rst('up'))), 'not FLOW_DROP', 'but no RST');
    rig.kernel.control.update({ flags: 0 });
    const early = rig.send(new Talk({ cport: ++port }).up({ payload: 'evil' }));
    t.equal(told(early), `answered RULE_REJECT ${action === 'rejectboth' ? need : 0}`, 'without a handshake');
  }
});

t.test('nothing is sent in monitor mode or in replay', when, async (t) => {
  const monitor = openRig();
  monitor.kernel.control.update({ flags: ControlFlag.CONTROL_MONITOR });
  const frame = tcp(peers[0]!);
  let seen = monitor.send(frame);
  t.same([seen.verdict, hex(seen.frame), seen.reasons], [PASS, hex(frame), { RULE_REJECT: 1 }]);
  t.equal((seen.events[0]?.flags ?? 0) & EventFlag.EVENT_NEED_REJECT, 0);
  t.ok((seen.events[0]?.flags ?? 0) & EventFlag.EVENT_WOULD);
  t.equal(seen.stats['REJECTS_SENT'], undefined);

  const replay = openRig(everything, Rig.open(t));
  replay.kernel.control.update({ rejectRate: 0 });
  seen = replay.send(frame);
  t.same([seen.verdict, hex(seen.frame), seen.reasons], [DROP, hex(frame), { RULE_REJECT: 1 }]);
  t.match(seen.events[0], { verdict: 2 });
  t.equal(seen.stats['REJECTS_SENT'], undefined);
});

function hex(frame: Uint8Array): string {
  return Buffer.from(frame).toString('hex');
}

function ethernetTo(mac: string, frame: Uint8Array): Uint8Array {
  frame.set(Buffer.from(mac, 'hex'), 0);
  return frame;
}
