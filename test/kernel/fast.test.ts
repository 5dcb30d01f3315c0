// SPDX-License-Identifier: Apache-2.0
// The fast way of known flows: who goes it, that it counts and keeps the flow as the long way does, and that what changes
// meanwhile (lists, rules, cuts, the flow itself) is in force with the next packet.

import t from 'tap';
import { FlowState, L7Setting } from '../../common/abi.gen.js';
import { FlowMemory } from '../../engine/bpf/index.js';
import type { Flow } from '../../engine/flows/flow.js';
import { FlowTable } from '../../engine/flows/flow-table.js';
import { FlowOrders } from '../../engine/flows/orders.js';
import { flowSizes } from '../../engine/flows/sizes.js';
import { parsePrefix } from '../../common/address.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { TCP } from './support/frames.js';
import { At, padded, patch } from './support/packets.js';
import { structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Random } from './support/random.js';
import { Rig } from './support/rig.js';
import { allow, block, blocklistOf, cut, install, setFlags } from './support/rules.js';
import { Talk } from './support/talk.js';

const skip = whyUnprivileged() ?? false;
const { ACK, PSH } = TCP;
/** NOP, NOP, time stamp. */
const stamp = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1);

const rig = skip === false ? Rig.open(t, { egress: true, sizes: flowSizes(1024) }) : undefined;
const views = rig && FlowMemory.open(rig.kernel.flowHandle());
const table = views && new FlowTable(views);
t.teardown(() => views?.close());

/** The rig with other rules, all of its flows forgotten. */
function bench(rules: readonly string[] = []): Rig {
  if (!rig) throw new Error('needs root');
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_CUTS');
  install(rig, rules);
  return rig;
}

const flowsNow = (): Flow[] => [...(table?.flows() ?? [])];

let port = 40000;

/** A flow of its own whose both directions have gone the long way once; its next data packet goes the fast one. */
function known(rig: Rig, part: ConstructorParameters<typeof Talk>[0] = {}): Talk {
  const talk = new Talk({ cport: ++port, ...part });
  const greeting = [
    talk.syn(),
    talk.answer(),
    talk.up(),
    talk.up({ payload: 'x' }),
    talk.down(),
    talk.down({ payload: 'x' }),
  ];
  for (const frame of [...greeting, talk.up()]) rig.send(frame);
  return talk;
}

/** Sends a frame; gives its verdict, its reason, and whether it went the fast way. */
function way(rig: Rig, frame: Uint8Array, out = false): string {
  const { verdict, reasons, stats } = out ? rig.sendOut(frame) : rig.send(frame);
  const [reason = 'nothing'] = Object.keys(reasons);
  const times = Object.values(reasons).join();
  const name = ['aborted', 'drop', 'pass', 'tx'][verdict] ?? String(verdict);
  return `${stats.FAST === 1 ? 'fast' : 'long'} ${name} ${reason}${times === '1' ? '' : ` ${times}`}`;
}

const FAST = 'fast pass CLEAN';
const LONG = 'long pass CLEAN';

/** What each frame of a known flow comes to; `~` in front: the one behind it is the next of the flow all the same. */
const ways: Record<string, (talk: Talk) => Uint8Array> = {
  [`${FAST}: data of the client`]: (talk) => talk.up({ payload: 'x'.repeat(1400) }),
  [`${FAST}: data of the server`]: (talk) => talk.down({ payload: 'x' }),
  [`${FAST}: an acknowledgement`]: (talk) => talk.up(),
  [`${FAST}: with PSH`]: (talk) => talk.up({ payload: 'x', flags: ACK | PSH }),
  [`${FAST}: with time stamps`]: (talk) => talk.up({ payload: 'x', tcpOptions: stamp }),
  [`${FAST}: time stamps alone`]: (talk) => talk.up({ tcpOptions: stamp }),
  [`${FAST}: padded`]: (talk) => padded(talk.up({ payload: 'x' }), 60),
  [`${FAST}: several buffers`]: (talk) => talk.up({ payload: 'x'.repeat(12_000) }),
  [`${FAST}: may be fragmented`]: (talk) => patch(talk.up({ payload: 'x' }), { [At.ip + 6]: [0, 0] }),
  [`${LONG}: a FIN`]: (talk) => talk.fin('up'),
  [`${LONG}: congestion`]: (talk) => talk.up({ payload: 'x', flags: ACK | TCP.ECE }),
  [`${LONG}: urgent`]: (talk) => talk.up({ payload: 'x', flags: ACK | TCP.URG }),
  [`${LONG}: no ACK`]: (talk) => talk.up({ payload: 'x', flags: PSH }),
  [`${LONG}: reserved bits`]: (talk) => patch(talk.up({ payload: 'x' }), { [At.ip4Payload + 12]: 0x51 }),
  [`${LONG}: other options`]: (talk) => talk.up({ payload: 'x', tcpOptions: Uint8Array.of(1, 1, 1, 1) }),
  [`${LONG}: sent again`]: (talk) => talk.up({ payload: 'x', seq: talk.next[0] - 1 }),
  [`${LONG}: out of order`]: (talk) => talk.up({ payload: 'x', seq: talk.next[0] + 1 }),
  [`${LONG}: acknowledges what was acknowledged before`]: (talk) => talk.up({ payload: 'x', ack: talk.next[1] - 1 }),
  [`${LONG}: acknowledges what was never sent`]: (talk) => talk.up({ payload: 'x', ack: talk.next[1] + 1 }),
  [`${LONG}: reset`]: (talk) => talk.rst('up', { flags: TCP.RST | ACK }),
  [`${LONG}: reserved bit of IP`]: (talk) => patch(talk.up({ payload: 'x' }), { [At.ip + 6]: 0x80 }),
  'long pass MALFORMED: cut off': (talk) => talk.up({ payload: 'xyz' }).slice(0, -1),
  'long pass MALFORMED: header beyond the packet': (talk) => patch(talk.up(), { [At.ip4Payload + 12]: 0x80 }),
};

t.test('plain data of a known flow goes the fast way, and nothing else', { skip }, async (t) => {
  const rig = bench(['alert tcp any any -> any any (msg:"s"; flags:S; sid:1;)', 'drop tcp any any -> any 23 (sid:2;)']);
  for (const [name, make] of Object.entries(ways)) {
    const [expected = ''] = name.split(':');
    const talk = known(rig);
    t.equal(way(rig, make(talk)), expected, name);
  }
  const frames = {
    six: { client: '2001:db8::1', server: '2001:db8::2' },
    ends: { client: '10.0.0.1', server: '192.0.2.1' },
  };
  for (const [name, ends] of Object.entries(frames)) {
    const talk = known(rig, ends);
    t.same([way(rig, talk.up({ payload: 'x' })), way(rig, talk.down({ payload: 'x' }))], [FAST, FAST], name);
  }
  const talk = new Talk({ cport: ++port });
  const tagged = { vlan: [5] };
  for (const frame of [talk.syn(tagged), talk.answer(tagged), talk.up(tagged), talk.down(tagged), talk.up(tagged)])
    rig.send(frame);
  t.equal(way(rig, talk.up({ ...tagged, payload: 'x' })), FAST, 'a VLAN is part of the flow');
  t.equal(way(rig, talk.up({ payload: 'x' })), LONG, 'without it there is none');
  t.equal(way(rig, known(rig, { sport: 23 }).up({ payload: 'x' })), 'long drop RULE_DROP');
});

t.test('each hook has looked at its own lists', { skip }, async (t) => {
  const rig = bench();
  const talk = known(rig);
  block(rig, '10.0.0.1/32');
  t.equal(way(rig, talk.up({ payload: 'x' })), LONG, 'its source is not listed');
  t.equal(way(rig, talk.up({ payload: 'x' })), FAST);
  t.equal(way(rig, talk.up({ payload: 'x' }), true), 'long drop BLOCKLIST', 'leaving: its destination is');
  t.equal(way(rig, talk.down({ payload: 'x' }), true), LONG);
  t.equal(way(rig, talk.down({ payload: 'x' }), true), FAST);
  t.equal(way(rig, talk.down({ payload: 'x' })), 'long drop BLOCKLIST');
  blocklistOf(rig.kernel).delete(parsePrefix('10.0.0.1/32'));
});

t.test('what is changed is in force with the next packet', { skip }, async (t) => {
  const rig = bench();
  let talk = known(rig);
  const next = (): string => way(rig, talk.up({ payload: 'x' }));
  const turn = (): void => rig.kernel.control.turnFlows();
  t.equal(next(), FAST);
  block(rig, '192.0.2.0/24');
  t.same([next(), next()], ['long drop BLOCKLIST', 'long drop BLOCKLIST']);
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_CUTS', 'CONTROL_MONITOR');
  t.same([next(), next()], ['long pass BLOCKLIST', 'long pass BLOCKLIST'], 'monitor mode goes on counting');
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_CUTS');
  blocklistOf(rig.kernel).delete(parsePrefix('192.0.2.0/24'));
  t.same([next(), next()], [LONG, FAST]);
  block(rig, '192.0.2.1/32', { expires: Math.floor(rig.now / 1e9) + 5, alert: true });
  t.same([next(), next()], [LONG, LONG], 'listed, and only reported');
  rig.advance(10);
  t.same([next(), next()], [LONG, LONG], 'an expired entry is counted');
  blocklistOf(rig.kernel).delete(parsePrefix('192.0.2.1/32'));
  rig.send(talk.down());
  t.same([next(), next()], [LONG, FAST]);

  install(rig, ['drop tcp any any -> 10.0.0.1 80 (sid:2;)'], 2);
  t.same([next(), next()], ['long drop RULE_DROP', 'long drop RULE_DROP']);
  install(rig, ['drop tcp any any -> 10.0.0.1 81 (sid:2;)'], 3);
  t.same([next(), next()], [LONG, FAST]);
  const orders = views && new FlowOrders(views);
  const flow = flowsNow().find(({ clientPort }) => clientPort === port);
  t.ok(flow && orders?.pass(flow.index, flow.id, 3));
  turn();
  t.same([next(), next()], ['long pass RULE_PASS', 'long pass RULE_PASS'], 'the engine has let it through');
  t.ok(flow && orders?.drop(flow.index, flow.id, 3, false));
  turn();
  t.same([next(), next()], ['long drop FLOW_CUT', 'long drop FLOW_CUT'], 'or dropped it');
  talk = known(rig);
  cut(
    rig,
    [
      ['10.0.0.1', 80],
      ['192.0.2.1', port],
    ],
    6,
  );
  turn();
  t.same([next(), next()], ['long drop FLOW_CUT', 'long drop FLOW_CUT']);
  t.equal(way(rig, talk.down({ payload: 'x' })), 'long drop FLOW_CUT');
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  t.equal(next(), 'long pass ALLOWLIST');
  rig.kernel.allowlist.delete(parsePrefix('192.0.2.1/32'));
});

t.test('a rule that data can meet sees all of it', { skip }, async (t) => {
  const rules = {
    'ttl:64;': 1,
    'dsize:1;': 1,
    'seq:1;': 0,
    'window:64240;': 1,
    'flow:established;': 1,
    'flow:to_client;': 0,
    'flags:PA;': 1,
    'flags:A+;': 1,
    'tos:!4;': 1,
    'id:1;': 1,
  };
  for (const [conditions, matches] of Object.entries(rules)) {
    const rig = bench([`alert tcp any any -> 10.0.0.0/8 [1:100] (${conditions} sid:1;)`]);
    const talk = known(rig);
    for (let n = 0; n < 3; n++) t.equal(rig.send(talk.up({ payload: 'x' })).events.length, matches, conditions);
  }
  const others = [
    'flags:S;',
    'flags:F+;',
    'fragbits:M;',
    'ipopts:lsrr;',
    'itype:8;',
    'flow:not_established;',
    'tcp.mss:1;',
  ];
  const rig = bench(others.map((conditions, i) => `alert ip any any -> any any (${conditions} sid:${i + 1};)`));
  t.equal(way(rig, known(rig).up({ payload: 'x' })), FAST, 'those that it cannot meet are not in its way');
});

t.test('layer 7 sees what is new to it, and nothing is looked at twice', { skip }, async (t) => {
  const rig = bench(['alert http any any -> any any (msg:"h"; http.method; content:"GET"; sid:1;)']);
  rig.kernel.writeStructure(structure());
  const talk = known(rig);
  t.equal(way(rig, talk.up({ payload: 'x' })), LONG, 'a rule on requests and nothing else: every segment is looked at');
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_ALL_HEADS | L7Setting.L7_ALL_RESPONSES);
  rig.kernel.control.turnFlows();
  const web = new Talk({ cport: ++port });
  for (const frame of web.handshake()) rig.send(frame);
  const [head, answer] = ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n'];
  for (let turn = 0; turn < 3; turn++) {
    const asked = rig.send(web.up({ payload: head }));
    t.same([asked.http.length, asked.stats.FAST], [1, undefined], 'a request');
    const answered = rig.send(web.down({ payload: `${answer}${'x'.repeat(500)}` }));
    t.same([answered.http.length, answered.stats.FAST], [1, undefined], 'a response');
    if (turn > 0)
      t.same(
        [0, 1].map(() => way(rig, web.down({ payload: 'x'.repeat(1200) }))),
        [FAST, FAST],
        'its body',
      );
    else for (let n = 0; n < 2; n++) rig.send(web.down({ payload: 'x'.repeat(1200) }));
    // Times of round trips are taken on the long way.
    rig.send(web.up());
    t.equal(
      way(rig, web.down({ payload: 'x'.repeat(100) + answer.slice(0, 4) })),
      LONG,
      'its end and the next response',
    );
    rig.send(web.down({ payload: `${answer.slice(4)}${'x'.repeat(3000)}` }));
  }
  const other = new Talk({ cport: ++port });
  for (const frame of [
    ...other.handshake(),
    other.up({ payload: 'SSH-2.0-x\r\n' }),
    other.down({ payload: 'SSH-2.0-y\r\n' }),
  ])
    rig.send(frame);
  t.same(
    [0, 1].map(() => way(rig, other.up({ payload: 'x' }))),
    [LONG, FAST],
    'another protocol',
  );
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_ALL_HEADS);
  for (const frame of [web.up({ payload: head }), web.down({ payload: answer }), web.up()]) rig.send(frame);
  t.equal(way(rig, web.down({ payload: `${'x'.repeat(3000)}${answer}` })), FAST, 'responses that nobody asks for');
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_RESPONSES);
  t.equal(way(rig, web.down({ payload: answer })), LONG, 'and somebody does');
  setLayer7(rig, 0);
});

t.test('a flow that is dropped, over or idle', { skip }, async (t) => {
  const rig = bench([
    'drop tcp any any -> any 80 (dsize:13; sid:1;)',
    'drop:flow tcp any any -> any 81 (flags:F+; sid:2;)',
  ]);
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_FLOW_DROPS');
  const dropped = known(rig, { sport: 81 });
  t.equal(way(rig, dropped.up({ payload: 'x' })), FAST);
  t.equal(way(rig, dropped.fin('up')), 'long drop RULE_DROP');
  t.equal(way(rig, dropped.up({ payload: 'x' })), 'long drop FLOW_DROP');
  t.equal(way(rig, dropped.down({ payload: 'x' })), 'long drop FLOW_DROP');
  bench();
  const over = known(rig);
  rig.send(over.rst('down', { flags: TCP.RST | ACK }));
  t.equal(way(rig, over.up()), LONG);
  const idle = known(rig);
  rig.advance(601);
  t.same(
    [way(rig, idle.up({ payload: 'x' })), way(rig, idle.up({ payload: 'x' }))],
    [LONG, LONG],
    'begins anew, unproven',
  );
});

t.test('the fast way leaves the flow as the long way does', { skip }, async (t) => {
  const rig = bench();
  const random = new Random(11);
  const plain = (flow: Flow): unknown => {
    const { id, index, clientPort, rttUs, ...rest } = flow;
    void [id, index, clientPort, rttUs];
    return rest;
  };
  let fast = 0;
  for (let round = 0; round < 20; round++) {
    const [one, other] = [known(rig), known(rig)];
    for (let n = 0; n < 40; n++) {
      if (random.below(4) === 0) rig.advance(0.001);
      const side = random.below(2) === 0 ? 'up' : 'down';
      const payload = 'x'.repeat(random.below(3) * 500);
      const odd = random.below(12);
      const part = (talk: Talk): Parameters<Talk['up']>[0] => ({
        payload,
        flags: odd === 0 ? ACK | TCP.ECE : ACK,
        ...(odd === 1 ? { seq: (talk.next[side === 'up' ? 0 : 1] - 1) >>> 0 } : {}),
      });
      if (way(rig, one[side](part(one))) === FAST) fast++;
      rig.kernel.control.turnFlows();
      if (way(rig, other[side](part(other))) === FAST) t.fail('nothing is cached under this generation');
      // What the one has cached holds again only after the long way.
      rig.send(one.up());
      rig.send(one.down());
      rig.send(other.up());
      rig.send(other.down());
    }
    const [a, b] = [port - 1, port].map((wanted) => flowsNow().find(({ clientPort }) => clientPort === wanted));
    t.equal(a?.state, FlowState.FLOW_ESTABLISHED);
    t.same(a && plain(a), b && plain(b));
  }
  t.ok(fast > 200, `${fast} packets went the fast way`);
});
