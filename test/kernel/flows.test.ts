// SPDX-License-Identifier: Apache-2.0
// The flow table: what a handshake must be, what ends a flow, whose place is taken, and what rules see of it.

import t from 'tap';
import { FlowEnd, FlowFlag, FlowState, Stat } from '../../common/abi.gen.js';
import { FlowMemory } from '../../engine/bpf/index.js';
import type { Flow } from '../../engine/flows/flow.js';
import { FlowTable } from '../../engine/flows/flow-table.js';
import { FlowOrders } from '../../engine/flows/orders.js';
import { flowSizes } from '../../engine/flows/sizes.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, TCP, tcp, udp } from './support/frames.js';
import { Rig } from './support/rig.js';
import { allow, block, install, setFlags } from './support/rules.js';
import { Talk } from './support/talk.js';

const skip = whyUnprivileged() ?? false;
const { ACK, FIN, RST, SYN } = TCP;
const stateNames = ['free', 'new', 'answered', 'established', 'closing', 'closed'];
const endNames = ['none', 'fin', 'rst', 'timeout', 'evicted', 'reused'];

/** A rig whose rules tell what flow field packets had, and the table behind it. */
class Bench {
  readonly rig: Rig;
  readonly table: FlowTable;
  readonly orders: FlowOrders;
  readonly #sids: (position: number) => number | undefined;

  constructor(owner: Parameters<typeof Rig.open>[0], rules: readonly string[] = [], flows = 1024) {
    const memory: { close?: () => void } = {};
    owner.teardown(() => memory.close?.());
    this.rig = Rig.open(owner, { sizes: flowSizes(flows) });
    const views = FlowMemory.open(this.rig.kernel.flowHandle());
    memory.close = () => views.close();
    this.table = new FlowTable(views);
    this.orders = new FlowOrders(views);
    setFlags(this.rig, 'CONTROL_UNLIMITED');
    const compiled = install(this.rig, ['alert ip any any -> any any (flow:established; sid:1;)', ...told, ...rules]);
    const sids = new Map(compiled.rules.flatMap(({ positions, sid }) => positions.map((at) => [at, sid] as const)));
    this.#sids = (position) => sids.get(position);
  }

  /** Sends a frame; gives what the rules saw: `E` established, `U` up, `D` down, `N` not established. */
  seen(frame: Uint8Array): string {
    const sids = this.rig.send(frame).events.map(({ rule }) => this.#sids(rule));
    return [
      [1, 'E'],
      [2, 'N'],
      [3, 'U'],
      [4, 'D'],
    ]
      .filter(([sid]) => sids.includes(sid as number))
      .map(([, letter]) => letter)
      .join('');
  }

  flows(): Flow[] {
    return [...this.table.flows()];
  }

  /** `state/end` of the only flow. */
  state(): string {
    const [flow, more] = this.flows();
    if (!flow || more) return `${this.flows().length} flows`;
    return `${stateNames[flow.state]}/${endNames[flow.end]}`;
  }

  stat(name: keyof typeof Stat): number {
    return this.rig.kernel.stats()[Stat[name]] ?? 0;
  }
}

const told = [
  'alert ip any any -> any any (flow:not_established; sid:2;)',
  'alert ip any any -> any any (flow:to_server; sid:3;)',
  'alert ip any any -> any any (flow:to_client; sid:4;)',
];

/** Frames with what rules see of each, then the state that the flow is in. */
const cases: Record<string, (talk: Talk) => readonly (readonly [Uint8Array, string] | string)[]> = {
  'a handshake, data and two FINs': (talk) => [
    [talk.syn(), 'NU'],
    'new/none',
    [talk.answer(), 'ND'],
    'answered/none',
    [talk.up(), 'NU'],
    'established/none',
    [talk.up({ payload: 'GET' }), 'EU'],
    [talk.down({ payload: 'OK' }), 'ED'],
    [talk.fin('up'), 'EU'],
    'closing/none',
    [talk.down({ payload: 'more' }), 'ED'],
    [talk.fin('down'), 'ED'],
    'closed/fin',
    [talk.up(), 'EU'],
    'closed/fin',
  ],
  'a SYN-ACK that acknowledges something else': (talk) => [
    [talk.syn(), 'NU'],
    [talk.answer({ ack: 4711, seq: 9000 }), 'ND'],
    'new/none',
    [talk.answer(), 'ND'],
    'answered/none',
  ],
  'an ACK that acknowledges something else': (talk) => [
    ...[talk.syn(), talk.answer()].map((frame, i) => [frame, ['NU', 'ND'][i] ?? ''] as const),
    [talk.up({ ack: 4711, seq: 1001 }), 'NU'],
    'answered/none',
    [talk.up({ seq: 500 }), 'NU'],
    'answered/none',
    [talk.up(), 'NU'],
    'established/none',
  ],
  'data whose ACK before it was lost, and Fast Open': (talk) => {
    const [syn, answer] = [talk.syn({ payload: 'early' }), talk.answer()];
    return [[syn, 'NU'], [answer, 'ND'], 'answered/none', [talk.up({ payload: 'data' }), 'NU'], 'established/none'];
  },
  'an ACK out of nothing proves nothing, nor do two sides of them': (talk) => [
    [talk.up({ payload: 'x' }), 'NU'],
    [talk.down({ payload: 'x' }), 'ND'],
    [talk.up({ payload: 'x' }), 'NU'],
    'new/none',
    [talk.syn(), 'NU'],
    [talk.answer(), 'ND'],
    [talk.up(), 'NU'],
    'established/none',
  ],
  'a RST counts between what was acknowledged and what was sent': (talk) => {
    const open = talk.handshake();
    const data = talk.up({ payload: 'abcdefgh' });
    const [up, down] = talk.next;
    return [
      ...open.map((frame, i) => [frame, ['NU', 'ND', 'NU'][i] ?? ''] as const),
      [data, 'EU'],
      [talk.rst('up', { seq: up + 1 }), 'EU'],
      [talk.rst('up', { seq: up - 9 }), 'EU'],
      [talk.rst('down', { seq: down + 1 }), 'ED'],
      [talk.rst('down', { seq: down ^ 0x80000000 }), 'ED'],
      'established/none',
      [talk.rst('up', { seq: up - 4 }), 'EU'],
      'closed/rst',
    ];
  },
  'a RST that its receiver does not care for ends nothing': (talk) => [
    ...talk.handshake().map((frame, i) => [frame, ['NU', 'ND', 'NU'][i] ?? ''] as const),
    [talk.rst('up', { seq: talk.next[0] }), 'EU'],
    'closed/rst',
    [talk.down({ payload: 'still here' }), 'ED'],
    'established/none',
  ],
  'a refused SYN': (talk) => [
    [talk.syn(), 'NU'],
    [talk.rst('down', { flags: RST | ACK, seq: 0, ack: 4711 }), 'ND'],
    'new/none',
    [talk.rst('down', { flags: RST | ACK, seq: 0 }), 'ND'],
    'closed/rst',
  ],
  'a SYN in the middle changes nothing, one behind the end begins anew': (talk) => [
    ...talk.handshake().map((frame, i) => [frame, ['NU', 'ND', 'NU'][i] ?? ''] as const),
    [talk.syn({ seq: 77 }), 'EU'],
    'established/none',
    [talk.fin('up'), 'EU'],
    [talk.fin('down'), 'ED'],
    'closed/fin',
    [talk.syn({ seq: 77 }), 'NU'],
    'new/none',
  ],
  'a FIN far away from what is expected': (talk) => [
    ...talk.handshake().map((frame, i) => [frame, ['NU', 'ND', 'NU'][i] ?? ''] as const),
    [talk.up({ flags: FIN | ACK, seq: 0x7fff0000 }), 'EU'],
    'established/none',
  ],
};

t.test('states of TCP', { skip }, async (t) => {
  const bench = new Bench(t);
  let port = 1000;
  for (const [name, steps] of Object.entries(cases))
    for (const ends of [
      {},
      { client: '10.0.0.1', server: '192.0.2.1' },
      { client: '2001:db8::9', server: '2001:db8::2' },
    ]) {
      const own = { ...ends, cport: ++port, sport: 80 };
      const flow = (): string => {
        const found = bench
          .flows()
          .filter(({ clientPort, serverPort }) => [clientPort, serverPort].includes(own.cport));
        return found.map(({ state, end }) => `${stateNames[state]}/${endNames[end]}`).join();
      };
      const got: string[] = [];
      const want: string[] = [];
      for (const step of steps(new Talk(own))) {
        got.push(typeof step === 'string' ? flow() : bench.seen(step[0]));
        want.push(typeof step === 'string' ? step : step[1]);
      }
      t.same(got, want, `${name}, client ${own.client ?? '192.0.2.1'}`);
    }
});

t.test('UDP and ICMP are established when both sides have sent', { skip }, async (t) => {
  const bench = new Bench(t);
  const [a, b] = ['192.0.2.1', '10.0.0.1'];
  const up = udp({ src: a, dst: b, sport: 5000, dport: 53 });
  t.same(
    [up, up].map((frame) => bench.seen(frame)),
    ['NU', 'NU'],
  );
  t.equal(bench.seen(udp({ src: b, dst: a, sport: 53, dport: 5000 })), 'ED');
  t.equal(bench.seen(up), 'EU');
  t.equal(bench.seen(icmp({ src: '2001:db8::1', dst: '2001:db8::2' })), 'NU');
  t.equal(bench.seen(icmp({ src: '2001:db8::2', dst: '2001:db8::1', type: 129 })), 'ED');
  // Another VLAN is another flow, and so is another protocol of the same numbers.
  t.equal(bench.seen(udp({ src: b, dst: a, sport: 53, dport: 5000, vlan: [7] })), 'NU');
  t.equal(bench.seen(tcp({ src: b, dst: a, sport: 53, dport: 5000, flags: SYN })), 'NU');
});

t.test('what is counted and measured', { skip }, async (t) => {
  const bench = new Bench(t);
  const { rig } = bench;
  const talk = new Talk();
  const send = (frame: Uint8Array, ms = 0): number => {
    rig.advance(ms / 1000);
    rig.send(frame);
    return frame.length;
  };
  let up = send(talk.syn());
  up += send(talk.syn({ seq: 1000 }), 1000);
  let down = send(talk.answer(), 30);
  up += send(talk.up(), 12);
  up += send(talk.up({ payload: 'request' }), 5);
  down += send(talk.down(), 8);
  down += send(talk.down({ payload: 'reply' }), 20);
  const again = talk.next[1] - 5;
  down += send(talk.down({ payload: 'reply', seq: again }), 5);
  up += send(talk.up(), 1);
  const [flow] = bench.flows();
  t.match(flow, {
    client: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1),
    ...{ clientPort: 40_000, serverPort: 80, proto: 6, serverUs: 30_000, clientUs: 12_000, rttUs: 8000, proven: true },
    toServer: { packets: 5, bytes: up, retransmitted: 1, tcpFlags: SYN | ACK | TCP.PSH },
    toClient: { packets: 4, bytes: down, retransmitted: 1, tcpFlags: SYN | ACK | TCP.PSH },
  });
  t.equal((flow?.last ?? 0) - (flow?.start ?? 0), 1_081_000_000);
  t.same([bench.stat('HANDSHAKES'), bench.stat('RETRANSMISSIONS'), bench.stat('FLOWS')], [1, 2, 1]);
});

t.test('idle flows are over, each at its own time', { skip }, async (t) => {
  const bench = new Bench(t);
  const { rig } = bench;
  rig.kernel.control.update({ timeouts: [10, 40, 20, 5, 30, 6, 35, 30] });
  const talk = new Talk();
  const ids = (): number[] => bench.flows().map(({ id }) => id);
  for (const frame of talk.handshake()) rig.send(frame);
  const [first] = ids();
  rig.advance(39);
  t.equal(bench.seen(talk.up({ payload: 'x' })), 'EU');
  rig.advance(41);
  t.equal(bench.seen(talk.up({ payload: 'x' })), 'NU', 'established: over');
  t.not(ids()[0], first);
  t.equal(ids().length, 1, 'in the same place');
  rig.advance(11);
  t.equal(bench.seen(talk.down({ payload: 'x' })), 'NU', 'half-open: over, another side begins');
  const dgram = { src: '192.0.2.1', dst: '10.0.0.1', sport: 1, dport: 2 };
  const back = { src: '10.0.0.1', dst: '192.0.2.1', sport: 2, dport: 1 };
  rig.send(udp(dgram));
  rig.advance(6);
  t.equal(bench.seen(udp(back)), 'NU', 'UDP of one side');
  t.equal(bench.seen(udp(dgram)), 'ED');
  rig.advance(29);
  t.equal(bench.seen(udp(dgram)), 'ED');
  rig.advance(31);
  t.equal(bench.seen(udp(dgram)), 'NU');
});

t.test('a SYN flood leaves nothing lasting', { skip, timeout: 120_000 }, async (t) => {
  const bench = new Bench(t, [], 1024);
  const { rig } = bench;
  install(rig, ['alert ip any any -> any any (flow:established; sid:1;)'], 2);
  const talk = new Talk();
  for (const frame of talk.handshake()) rig.push(frame);
  const [kept] = bench.flows();
  const frame = tcp({ src: '198.51.100.1', dst: '10.0.0.1', sport: 1, dport: 80, flags: SYN });
  const view = new DataView(frame.buffer);
  // 200,000 sources; every tenth is answered, which a forged one never acknowledges rightly.
  for (let n = 0; n < 200_000; n++) {
    view.setUint32(26, 0x0b000000 + n * 41);
    rig.push(frame);
    if (n % 10 === 0) {
      rig.push(
        tcp({
          src: '10.0.0.1',
          dst: `11.${(n * 41) >> 16}.${((n * 41) >> 8) & 255}.${(n * 41) & 255}`,
          sport: 80,
          dport: 1,
          flags: SYN | ACK,
          seq: n,
          ack: 1001,
        }),
      );
      view.setUint8(47, ACK);
      rig.push(frame);
      view.setUint8(47, SYN);
    }
  }
  const flows = bench.flows();
  t.same(
    flows.filter(({ state }) => state >= FlowState.FLOW_ESTABLISHED).map(({ id }) => id),
    [kept?.id],
    'the established flow is the only one',
  );
  t.equal(bench.stat('FLOWS_FULL'), 0);
  t.ok(bench.stat('FLOWS_EVICTED') > 190_000);
  t.equal(rig.send(talk.up({ payload: 'x' })).events.length, 1, 'and goes on');
  rig.advance(61);
  for (let n = 0; n < 64; n++) {
    view.setUint32(26, 0x0c000000 + n * 977);
    rig.push(frame);
  }
  t.equal(bench.stat('FLOWS_FULL'), 0);
});

t.test('a table full of established flows takes no more, and says so', { skip }, async (t) => {
  const bench = new Bench(t, [], 128);
  for (let port = 1; port <= 400; port++)
    for (const frame of new Talk({ cport: port }).handshake()) bench.rig.push(frame);
  const established = bench.flows().filter(({ state }) => state === FlowState.FLOW_ESTABLISHED).length;
  t.equal(established, 128);
  const full = bench.stat('FLOWS_FULL');
  t.ok(full > 0);
  bench.rig.drain();
  t.equal(
    bench.seen(new Talk({ cport: 999 }).up()),
    'N',
    'a packet without an entry is not established, and has no direction',
  );
  bench.rig.advance(601);
  t.equal(bench.seen(new Talk({ cport: 999 }).syn()), 'NU');
});

t.test('mid-stream pick-up is a setting', { skip }, async (t) => {
  const bench = new Bench(t);
  setFlags(bench.rig, 'CONTROL_UNLIMITED', 'CONTROL_MIDSTREAM');
  const talk = new Talk();
  t.same([bench.seen(talk.up({ payload: 'x' })), bench.seen(talk.down({ payload: 'y' }))], ['EU', 'ED']);
  t.match(bench.flows(), [{ state: FlowState.FLOW_ESTABLISHED }]);
  t.ok((bench.flows()[0]?.flags ?? 0) & FlowFlag.FLOW_MIDSTREAM);
  const other = new Talk({ cport: 2 });
  other.syn();
  t.same(
    [bench.seen(other.answer()), bench.seen(other.up()), bench.seen(other.up({ payload: 'x' }))],
    ['ND', 'NU', 'EU'],
  );
  t.equal(bench.stat('FLOWS_MIDSTREAM'), 2);
});

t.test('the rest of a flow goes with a packet that a rule drops', { skip }, async (t) => {
  const bench = new Bench(t, ['drop:flow tcp any any -> any any (dsize:6; sid:9;)']);
  const run = (frames: readonly Uint8Array[]): string[] =>
    frames.map((frame) => Object.keys(bench.rig.send(frame).reasons).join());
  const talk = new Talk();
  const flags = ['CONTROL_UNLIMITED', 'CONTROL_FLOW_DROPS'] as const;
  setFlags(bench.rig, ...flags);
  t.same(run(talk.handshake()), ['CLEAN', 'CLEAN', 'CLEAN']);
  t.same(run([talk.up({ payload: 'attack' }), talk.up({ payload: 'x' }), talk.down()]), [
    'RULE_DROP',
    'FLOW_DROP',
    'FLOW_DROP',
  ]);
  t.same(run([talk.rst('up'), talk.syn(), talk.fin('down')]), ['FLOW_DROP', 'FLOW_DROP', 'FLOW_DROP']);
  t.match(bench.flows(), [{ sid: 9, state: FlowState.FLOW_ESTABLISHED }], 'nothing that is dropped ends it');
  bench.rig.advance(601);
  t.same(run([talk.syn()]), ['CLEAN']);
  const monitored = new Talk({ cport: 2 });
  setFlags(bench.rig, ...flags, 'CONTROL_MONITOR');
  for (const frame of [...monitored.handshake(), monitored.up({ payload: 'attack' })]) bench.rig.push(frame);
  t.same(run([talk.up()]), ['CLEAN,RULE_DROP'], 'what was pushed');
  const { verdict, reasons } = bench.rig.send(monitored.up({ payload: 'x' }));
  t.same([verdict, reasons], [2, { FLOW_DROP: 1 }], 'monitor mode counts and passes');
});

t.test(
  'a drop is about its packet, unless the rule looks at addresses or what the flow is, or says so',
  { skip },
  async (t) => {
    const cases: Record<string, [rule: string, rest: string]> = {
      packet: ['drop tcp any any -> any any (dsize:6; sid:9;)', 'CLEAN'],
      flow: ['drop:flow tcp any any -> any any (dsize:6; sid:9;)', 'FLOW_DROP'],
      'addresses alone': ['drop tcp !203.0.113.1 any -> any any (sid:9;)', 'FLOW_DROP'],
      'addresses, packets alone': ['drop:packet tcp !203.0.113.1 any -> any any (sid:9;)', 'RULE_DROP'],
    };
    for (const [name, [rule, rest]] of Object.entries(cases)) {
      const bench = new Bench(t, []);
      const run = (frame: Uint8Array): string => Object.keys(bench.rig.send(frame).reasons).join();
      setFlags(bench.rig, 'CONTROL_UNLIMITED', 'CONTROL_FLOW_DROPS');
      const talk = new Talk();
      for (const frame of talk.handshake()) run(frame);
      install(bench.rig, [rule], 2);
      t.same([run(talk.up({ payload: 'attack' })), run(talk.up({ payload: 'x' }))], ['RULE_DROP', rest], name);
      bench.rig.close();
    }
  },
);

t.test('orders of the engine are about one flow', { skip }, async (t) => {
  const bench = new Bench(t);
  const { rig, orders } = bench;
  const run = (frame: Uint8Array): string => Object.keys(rig.send(frame).reasons).join();
  const talk = new Talk();
  for (const frame of talk.handshake()) run(frame);
  const { id = 0, index = 0 } = bench.flows()[0] ?? {};
  t.notOk(orders.drop(index, id + 1, 7, false), 'of a flow that is gone none is taken');
  t.equal(run(talk.up({ payload: 'x' })), 'CLEAN');
  t.ok(orders.pass(index, id, 7));
  t.equal(run(talk.up({ payload: 'x' })), 'RULE_PASS');
  t.ok(orders.drop(index, id, 7, false));
  t.same([run(talk.up({ payload: 'x' })), run(talk.rst('down'))], ['FLOW_CUT', 'FLOW_CUT']);
  t.match(bench.flows(), [{ sid: 7, state: FlowState.FLOW_ESTABLISHED }]);
  rig.advance(601);
  t.equal(run(talk.syn()), 'CLEAN', 'and not of the next one in its place');
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  const next = bench.flows()[0];
  t.ok(orders.drop(next?.index ?? 0, next?.id ?? 0, 7, true));
  t.same([run(talk.syn()), run(talk.answer())], ['ALLOWLIST', 'FLOW_CUT'], 'the operator is spared');
});

t.test('what flows have cached is void after every change that acts', { skip }, async (t) => {
  const { rig } = new Bench(t);
  const turned = (work: () => void): boolean => {
    const { flowGeneration: before } = rig.kernel.control.read();
    work();
    return rig.kernel.control.read().flowGeneration !== before;
  };
  t.ok(turned(() => block(rig, '192.0.2.9/32')));
  t.notOk(
    turned(() => block(rig, '192.0.2.9/32')),
    'nothing new',
  );
  t.ok(turned(() => install(rig, 'alert ip any any -> any any (ttl:1; sid:1;)', 2)));
  t.ok(turned(() => setFlags(rig, 'CONTROL_MONITOR')));
});

t.test('a flow whose place goes to another one is told, once', { skip }, async (t) => {
  const bench = new Bench(t, [], 128);
  const { rig } = bench;
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_LOG_FLOWS');
  const talk = new Talk({ cport: 7 });
  for (const frame of [...talk.handshake(), talk.fin('up'), talk.fin('down'), talk.syn()]) rig.push(frame);
  const told = (): string[] => rig.drain().flows.map(({ clientPort, end }) => `${clientPort} ${endNames[end]}`);
  t.same(told(), ['7 fin'], 'its end as it was, when the same ports are used again');
  for (const frame of [talk.answer(), talk.up()]) rig.push(frame);
  rig.advance(601);
  rig.push(talk.syn());
  t.same(told(), ['7 timeout']);
  const seen = new Map<number, number>();
  const ends = new Set<number>();
  for (let port = 1000; port < 2000; port++) {
    rig.push(new Talk({ cport: port }).syn());
    for (const { clientPort, end } of rig.drain().flows) {
      ends.add(end);
      seen.set(clientPort, (seen.get(clientPort) ?? 0) + 1);
    }
  }
  t.equal(seen.size + bench.flows().length, 1001);
  t.same([[...new Set(seen.values())], [...ends]], [[1], [FlowEnd.EVICTED]]);
});
