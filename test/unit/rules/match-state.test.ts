// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { App, Direction, Field, FlowBit } from '../../../common/abi.gen.js';
import { FlowState, Kind, type JudgedPacket } from '../../../rules/index.js';
import { AddressBits } from '../../../rules/match/address-bits.js';
import { load, message, packet, rule } from './support/messages.js';

const udp = 'udp any any -> any any';
const SECOND = 1e9;

/** Judges single packets: what they hold, when, of which flow, in which direction. */
function judge(evaluator: ReturnType<typeof load>) {
  return (payload: string, at = 0, flow = new FlowState(), o: Partial<JudgedPacket> = {}): number[] =>
    evaluator
      .judge(message(Kind.PACKET, { payload: [payload] }), packet({ proto: 17, ...o }), flow, at * SECOND)
      .map((match) => match.rule);
}

t.test('bits of addresses and pairs outlive flows, until they expire', async (t) => {
  const of = judge(
    load(
      rule(1, 'content:"s"; xbits:set,x,track ip_src,expire 10;', udp),
      rule(2, 'content:"s"; xbits:set,p,track ip_pair;', udp),
      rule(3, 'content:"a"; hostbits:isset,x; priority:1;', udp),
      rule(4, 'content:"a"; xbits:isset,x,track ip_dst;', udp),
      rule(5, 'content:"a"; xbits:isset,p,track ip_pair;', udp),
      rule(6, 'content:"a"; hostbits:isnotset,x,both;', udp),
      rule(7, 'content:"u"; hostbits:unset,x; xbits:toggle,p,track ip_pair;', udp),
    ),
  );
  const [src, dst] = [1n, 2n];
  t.same(of('a'), [5], 'nothing is set');
  t.same(of('sa'), [0, 2, 1, 4], 'who sets comes before who asks, those of addresses before those of pairs');
  t.same(of('a', 10.9, undefined, { src, dst }), [5], 'other addresses');
  const back = packet();
  t.same(of('a', 9, undefined, { src: back.dst, dst: back.src }), [3, 4], 'the way back, in another flow');
  t.same(of('a', 10.9), [2, 4], 'as long as its last second');
  t.same(of('a', 11), [5, 4]);
  t.same([of('a', 30), of('a', 31)], [[5, 4], [5]], 'thirty seconds unless told otherwise');
  t.same([of('u', 40), of('a', 40)], [[6], [5, 4]], 'toggled on');
});

t.test('the table of bits is bounded: the bit set most gives up its oldest', async (t) => {
  const bits = new AddressBits(3);
  bits.set('a', 1n, 10, 0);
  bits.set('b', 1n, 10, 0);
  bits.set('b', 2n, 10, 0);
  bits.set('b', 1n, 10, SECOND);
  t.same(bits.stats, { held: 3, evicted: 0 });
  bits.set('a', 2n, 10, SECOND);
  t.same([bits.has('b', 2n, 0), bits.has('b', 1n, 0), bits.has('a', 1n, 0)], [false, true, true]);
  bits.set('b', 3n, 10, 20 * SECOND);
  t.same(bits.stats, { held: 3, evicted: 1 }, 'what has expired is no loss');
  bits.retain(new Set(['b']));
  t.same(bits.stats.held, 2);
});

t.test('numbers of a flow', async (t) => {
  const of = judge(
    load(
      rule(1, 'content:"+"; flowint:n,+,2; flowint:n,>,3;', udp),
      rule(2, 'content:"i"; flowint:n,notset; flowint:n,=,1; noalert;', udp),
      rule(3, 'content:"c"; flowint:n,+,2; flowint:m,+,4;', udp),
      rule(4, 'content:"-"; flowint:n,-,1; flowint:none,-,1;', udp),
      rule(5, 'content:"q"; flowint:n,==,m;', udp),
      rule(6, 'content:"q"; flowint:n,!=,m;', udp),
      rule(7, 'content:"q"; flowint:m,isset; flowint:m,>=,4; flowint:m,<=,4; flowint:m,<,5;', udp),
    ),
  );
  const flow = new FlowState();
  t.same([of('q', 0, flow), of('+', 0, flow)], [[], []], 'what is not set meets nothing');
  t.same([of('i', 0, flow), of('i', 0, flow)], [[1], []]);
  t.same(of('q', 0, flow), [5], 'what it is compared with is 0 while it is not set');
  t.same([of('c', 0, flow), of('q', 0, flow)], [[2], [5, 6]]);
  t.same([of('+', 0, flow), of('c', 0, flow), of('+', 0, flow)], [[], [2], [0]], 'the rule asks before it changes');
  t.equal(flow.ints?.get('n'), 7);
  t.same(of('-', 0, flow), [3]);
  t.same(
    [...(flow.ints ?? [])],
    [
      ['n', 6],
      ['m', 8],
    ],
  );
  t.same(of('q', 0, new FlowState()), [], 'another flow has numbers of its own');
});

t.test('rules on headers that ask for bits are judged on what carries payload', async (t) => {
  const of = judge(
    load(
      rule(1, 'dsize:3; flowbits:set,a; noalert;', udp),
      rule(2, 'dsize:>0; flowbits:isset,a|b;', 'udp any any -> any 80'),
      rule(3, 'flowbits:isset,a;', 'ip any any -> any any'),
    ),
  );
  const flow = new FlowState();
  const size = (bytes: number): Partial<JudgedPacket> => ({ field: () => bytes });
  t.same(of('xx', 0, flow, size(2)), []);
  t.same(of('xxx', 0, flow, size(3)), [0, 1, 2]);
  t.same(of('xx', 0, flow, size(2)), [1], 'a rule of addresses alone matches each direction once');
  t.same(of('xx', 0, flow, { ...size(2), direction: Direction.TO_CLIENT }), [1, 2]);
});

t.test('what a flow was recognised as, and how much it has carried', async (t) => {
  const evaluator = load(
    rule(1, 'content:"x"; app-layer-protocol:!http;'),
    rule(2, 'content:"x"; app-layer-protocol:http2;'),
    rule(3, 'app-layer-protocol:!tls; flow:established;'),
    rule(4, 'app-layer-protocol:tls;', 'tcp any any -> any !443'),
    rule(5, 'content:"x"; stream_size:client,>,4; stream_size:server,=,1;'),
    rule(6, 'content:"x"; stream_size:either,>=,5; stream_size:both,<,6;'),
  );
  const of = (o: Partial<JudgedPacket>, flow = new FlowState()): number[] => {
    const stream = message(Kind.STREAM, { payload: ['x'] });
    return evaluator.judge(stream, packet(o), flow, 0).map((match) => match.rule);
  };
  t.same(of({}), [], 'not recognised yet');
  t.same(of({ app: App.HTTP }), [2]);
  t.same(of({ app: App.HTTP2 }), [1, 2], 'HTTP of any version');
  t.same(of({ app: App.TLS }), [0]);
  t.same(of({ app: App.OTHER }), [0, 2]);
  t.same(of({ app: App.IGNORED }), []);
  const flow = new FlowState();
  const next = (fresh: string): number[] => {
    const grown = message(Kind.PACKET, { payload: [fresh] });
    return evaluator.judge(grown, packet({ app: App.OTHER }), flow, 0).map((match) => match.rule);
  };
  t.same([next('y'), next('y')], [[2], []], 'asked for nothing else, it matches a direction once');
  const hello = message(Kind.TLS_HELLO, {});
  t.same(evaluator.judge(hello, packet({ app: App.TLS, dport: 8443 }), flow, 0).length, 1, 'on the messages of it');
  const pieces = load(rule(1, 'flow:established; flowint:n,+,1;'));
  const piece = (seq: number): number => {
    const part = packet({ field: (field) => (field === Field.FLOW ? FlowBit.FLOWBIT_ESTABLISHED : seq) });
    return pieces.judge(message(Kind.STREAM, { payload: ['x'] }), part, flow, 5).length;
  };
  t.same([piece(1), piece(1), piece(2)], [1, 0, 1], 'a packet whose payload comes in pieces is one packet');
  const sent = (client: number, server: number): number[] =>
    of({ streamBytes: (direction) => (direction === Direction.TO_SERVER ? client : server) });
  t.same([sent(5, 1), sent(4, 1), sent(5, 5), sent(6, 1)], [[4, 5], [], [5], [4]]);
});

t.test('bypass: once it matched, nothing more is asked of the flow', async (t) => {
  const evaluator = load(
    rule(1, 'content:"v"; bypass;', udp),
    rule(2, 'content:"x"; priority:4;', udp),
    rule(3, 'bypass; http.host; content:"video"; noalert;', 'http any any -> any any'),
    rule(4, 'http.uri; content:"/x";', 'http any any -> any any'),
  );
  const of = judge(evaluator);
  const flow = new FlowState();
  t.same(of('x', 0, flow), [1]);
  t.same(of('vx', 0, new FlowState(), { apart: true }), [0], 'the rule ends the list');
  t.same(of('vx', 0, flow), [0]);
  t.same(of('x', 0, flow), [], 'bypassed');
  t.same(of('x'), [1], 'another flow');
  const forged = new FlowState();
  of('v', 0, forged, { apart: true });
  t.same(of('x', 0, forged), [1], 'nobody bypasses the flow of others');
  const http = new FlowState();
  const ask = (host: string): number[] =>
    evaluator
      .judge(message(Kind.HTTP_REQUEST, { 'http.host': [host], 'http.uri': ['/x'] }), packet(), http, 0)
      .map((match) => match.rule);
  t.same([ask('a.example'), ask('video.example'), ask('a.example')], [[3], [2], []]);
});
