// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { App, Direction, Field, FlowBit } from '../../../common/abi.gen.js';
import { FlowState, Kind, parseHttpRequest, type JudgedPacket } from '../../../rules/index.js';
import { bytes, hits, load, message, packet, rule } from './support/messages.js';

t.test('each kind of message is judged by the rules that need no more than its buffers', async (t) => {
  const evaluator = load(
    rule(1, 'http.uri; content:"a";'),
    rule(2, 'http.uri; content:"a"; http.request_body; content:"b";'),
    rule(3, 'http.header; content:"h";'),
    rule(4, 'http.header; content:"h"; http.response_body; content:"b";'),
    rule(5, 'file.data; content:"b";'),
    rule(6, 'tls.sni; content:"s";'),
    rule(7, 'tls.cert_subject; content:"s"; tls.cert_issuer; content:"i";'),
    rule(8, 'dns.query; content:"q";', 'dns any any -> any any'),
    rule(9, 'content:"p";'),
    rule(10, 'content:"p";', 'udp any any -> any any'),
    rule(11, 'flowbits:set,seen;', 'tls any any -> any any'),
  );
  const heads = { 'http.uri': ['a'], 'http.header': ['h'] };
  t.same(hits(evaluator, message(Kind.HTTP_REQUEST, heads)), [0, 2]);
  t.same(hits(evaluator, message(Kind.HTTP_REQUEST_BODY, { ...heads, 'http.request_body': ['b'] })), [1]);
  t.same(hits(evaluator, message(Kind.HTTP_RESPONSE, { 'http.header': ['h'] })), [2]);
  const body = { 'http.header': ['h'], 'http.response_body': ['b'], 'file.data': ['x', 'b'] };
  t.same(hits(evaluator, message(Kind.HTTP_RESPONSE_BODY, body)), [3, 4]);
  t.same(hits(evaluator, message(Kind.TLS_HELLO, { 'tls.sni': ['s'] })), [10, 5]);
  t.same(hits(evaluator, message(Kind.TLS_CERTS, { 'tls.cert_subject': ['s'], 'tls.cert_issuer': ['i'] })), [6]);
  for (const proto of [6, 17]) {
    t.same(hits(evaluator, message(Kind.DNS_QUERY, { 'dns.query': ['x', 'q'] }), undefined, packet({ proto })), [7]);
  }
  t.same(hits(evaluator, message(Kind.STREAM, { payload: ['p'] })), [8]);
  t.same(hits(evaluator, message(Kind.PACKET, { payload: ['p'] }), undefined, packet({ proto: 17 })), [9]);
  t.same(hits(evaluator, message(Kind.DNS_ANSWER, {})), []);
});

t.test('one instance has to meet all of a group; a keyword that stands again begins another', async (t) => {
  const dns = 'dns any any -> any any';
  const evaluator = load(
    rule(1, 'dns.query; content:"a"; content:"b";', dns),
    rule(2, 'dns.query; content:"a"; dns.query; content:"b";', dns),
    rule(3, 'dns.query; content:!"a";', dns),
    rule(4, 'dns.query; content:"a"; bsize:1;', dns),
  );
  const query = (...names: string[]): number[] => hits(evaluator, message(Kind.DNS_QUERY, { 'dns.query': names }));
  t.same(query('ab'), [0, 1]);
  t.same(query('a', 'b'), [1, 2, 3]);
  t.same(query(), [], 'no name, nothing to exclude');
});

t.test('dotprefix', async (t) => {
  const evaluator = load(
    rule(1, 'tls.sni; dotprefix; content:".evil.example"; endswith;'),
    rule(2, 'tls.sni; dotprefix; content:"."; startswith; bsize:13;'),
    rule(3, 'tls.sni; dotprefix; content:"x"; offset:1; depth:1;'),
    rule(4, 'tls.sni; content:"x"; dotprefix; content:".x"; startswith;'),
    rule(5, 'tls.sni; dotprefix; content:!".EVIL"; nocase;'),
  );
  const sni = (name: string): number[] => hits(evaluator, message(Kind.TLS_HELLO, { 'tls.sni': [name] }));
  t.same(sni('evil.example'), [0, 1]);
  t.same(sni('a.evil.example'), [0]);
  t.same(sni('notevil.example'), [4]);
  t.same(sni('xevil.example'), [2, 3, 4]);
});

t.test('a buffer that goes on proves only what it shows', async (t) => {
  const evaluator = load(
    rule(1, 'http.request_body; content:"a";'),
    rule(2, 'http.request_body; content:!"z";'),
    rule(3, 'http.request_body; content:!"z"; depth:2;'),
    rule(4, 'http.request_body; content:"b"; endswith;'),
  );
  const body = { 'http.request_body': ['ab'] };
  t.same(hits(evaluator, message(Kind.HTTP_REQUEST_BODY, body, ['http.request_body'])), [0, 2]);
  t.same(hits(evaluator, message(Kind.HTTP_REQUEST_BODY, body)), [0, 1, 2, 3]);
});

t.test('a rule matches a message once, however often its body is judged', async (t) => {
  const evaluator = load(
    rule(1, 'http.request_body; content:"a";'),
    rule(2, 'http.request_body; content:"b"; threshold:type threshold, track by_src, count 2, seconds 9;'),
  );
  const flow = new FlowState();
  const judge = (number: number, body: string, direction: Direction = Direction.TO_SERVER): number[] => {
    const judged = message(Kind.HTTP_REQUEST_BODY, { 'http.request_body': [body] });
    judged.number = number;
    return hits(evaluator, judged, flow, packet({ direction }));
  };
  t.same([judge(1, 'a'), judge(1, 'ab'), judge(1, 'ab')], [[0], [], []]);
  t.same([judge(2, 'b'), judge(2, 'ba')], [[1], [0]], 'the second match meets the threshold');
});

t.test('flow bits', async (t) => {
  const http = 'http any any -> any any';
  const evaluator = load(
    rule(1, 'http.uri; content:"ask"; flowbits:isset,a|b;', http),
    rule(2, 'http.uri; content:"ask"; flowbits:isnotset,a|b;', http),
    rule(3, 'http.uri; content:"set"; flowbits:set,a;', http),
    rule(4, 'http.uri; content:"both"; flowbits:set,b; flowbits:noalert;', http),
    rule(5, 'http.uri; content:"clear"; flowbits:unset,a; flowbits:toggle,b;', http),
    rule(6, 'http.uri; content:"ask"; flowbits:isset,a; priority:1;', http),
  );
  const flow = new FlowState();
  const uri = (text: string, of: FlowState | undefined = flow): number[] =>
    hits(evaluator, message(Kind.HTTP_REQUEST, { 'http.uri': [text] }), of);
  t.same(uri('ask'), [1], 'none is set');
  t.same(hits(evaluator, message(Kind.HTTP_REQUEST, { 'http.uri': ['ask'] })), [], 'without a flow neither holds');
  t.same(uri('set ask'), [2, 5, 0, 1], 'who sets comes before who asks, then the priority');
  t.same(uri('both ask'), [3, 5, 0], 'both are set');
  t.equal(flow.bits?.size, 2);
  t.same(uri('clear'), [4]);
  t.equal(flow.bits?.size, 0);
  t.same(uri('ask'), [1]);
  t.same(uri('ask', new FlowState()), [1], 'another flow has bits of its own');
});

t.test('a pass lets the rest of the flow pass; of single packets, that packet', async (t) => {
  const evaluator = load(
    rule(1, 'http.uri; content:"good";', 'http any any -> any any', 'pass'),
    rule(2, 'http.uri; content:"o";', 'http any any -> any any', 'drop'),
    rule(3, 'content:"good";', 'udp any any -> any any', 'pass'),
    rule(4, 'content:"o";', 'udp any any -> any any'),
  );
  const flow = new FlowState();
  const uri = (text: string): number[] => hits(evaluator, message(Kind.HTTP_REQUEST, { 'http.uri': [text] }), flow);
  t.same([uri('o'), uri('good'), uri('o')], [[1], [0], []]);
  const udp = (text: string): number[] =>
    hits(evaluator, message(Kind.PACKET, { payload: [text] }), new FlowState(), packet({ proto: 17 }));
  t.same([udp('good'), udp('o')], [[2], [3]]);
});

t.test('what the packet and its flow have to be', async (t) => {
  const evaluator = load(
    rule(1, 'content:"p";', 'http any any -> any any'),
    rule(2, 'content:"p"; flow:to_client;'),
    rule(3, 'content:"p"; dsize:1;'),
    rule(4, 'content:"p"; ip_proto:6;', 'ip any any -> any any'),
    rule(5, 'content:"p"; flow:established,no_stream;'),
  );
  const flow = FlowBit.FLOWBIT_TRACKED | FlowBit.FLOWBIT_ESTABLISHED | FlowBit.FLOWBIT_TO_CLIENT;
  const field = (name: Field): number | undefined =>
    name === Field.FLOW ? flow : name === Field.DSIZE ? 1 : name === Field.IP_PROTO ? 6 : undefined;
  const judge = (o: Partial<JudgedPacket>): number[] =>
    hits(evaluator, message(Kind.STREAM, { payload: ['p'] }), new FlowState(), packet(o));
  t.same(judge({ field }), [0, 1, 2, 3, 4], 'the protocol may be unknown to who asks');
  t.same(judge({ field, app: App.TLS }), [1, 2, 3, 4]);
  t.same(judge({ app: App.HTTP }), [0, 3, 4]);
});

t.test('rules that the kernel decided are not asked again', async (t) => {
  const evaluator = load(
    rule(1, 'http.uri; content:"a";', 'http any any -> any any', 'drop'),
    rule(2, 'http.uri; content:"a";', 'http any any -> any any', 'alert'),
  );
  const request = parseHttpRequest(bytes('GET /a HTTP/1.1\r\n\r\n'));
  if (!request) throw new Error('no request');
  t.same(hits(evaluator, request), [0, 1]);
  request.decided = [0, 1];
  t.same(hits(evaluator, request), [1], 'a rule of the engine alone is asked');
});

t.test('a stream: a rule matches what it was not found in before', async (t) => {
  const evaluator = load(
    rule(1, 'content:"ab";'),
    rule(2, 'content:"a"; content:"z";'),
    rule(3, 'content:"a"; startswith;'),
    rule(4, 'content:"x"; depth:1;', 'tcp-stream any any -> any any'),
    rule(5, 'content:"x"; depth:1;', 'tcp-pkt any any -> any any'),
    rule(6, 'content:!"a";'),
  );
  const run = (...chunks: string[]): number[][] => {
    const flow = new FlowState();
    let whole = '';
    return chunks.map((chunk) => {
      const judged = message(Kind.STREAM, { payload: [whole + chunk] });
      judged.fresh = whole.length;
      whole += chunk;
      return hits(evaluator, judged, flow);
    });
  };
  t.same(run('a', 'b', 'c', 'ab', 'b'), [[2], [0], [], [0, 2], []]);
  t.same(run('z', 'a', 'a', 'az', 'z'), [[5], [1, 2], [2], [1, 2], []]);
  t.same(run('x', 'x', 'yx'), [[3, 4, 5], [4, 5], [5]]);
});
