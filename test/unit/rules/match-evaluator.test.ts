// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Action, Field } from '../../../common/abi.gen.js';
import { compileRules, createEvaluator, parseHttpRequest, type Evaluator } from '../../../rules/index.js';
import type { JudgedPacket } from '../../../rules/match/message.js';
import { Random } from './support/random.js';

const MAPPED = 0xffff00000000n;
const CLIENT = MAPPED | 0x0a000001n;
const SERVER = MAPPED | 0x0a000002n;
const packet: JudgedPacket = { src: CLIENT, dst: SERVER, sport: 40000, dport: 80, proto: 6 };

function load(...lines: string[]): Evaluator {
  const compiled = compileRules([{ file: 'test.rules', text: lines.join('\n') }], {
    addressVars: { HOME_NET: '10.0.0.0/24' },
    portVars: {},
    redact: [],
  });
  const [problem] = compiled.problems;
  if (problem) throw new Error(`${problem.line}: ${problem.cause}`);
  // As the daemon does: the program goes to another thread.
  return createEvaluator(structuredClone(compiled.engine));
}

/** Indexes of the rules that match. */
function hits(evaluator: Evaluator, section: string, o: Partial<JudgedPacket> = {}, time = 0): number[] {
  const request = parseHttpRequest(Uint8Array.from(Buffer.from(section, 'latin1')));
  if (request === undefined) throw new Error('no request');
  return evaluator.judge(request, { ...packet, ...o }, undefined, time).map((match) => match.rule);
}

const get = (agent: string, target = '/'): string =>
  `GET ${target} HTTP/1.1\r\nHost: h.example\r\nUser-Agent: ${agent}\r\n\r\n`;

let sid = 1;
const rule = (options: string, action = 'alert', head = 'http any any -> any any'): string =>
  `${action} ${head} (msg:"m"; ${options} sid:${sid++};)`;

t.test('content and its modifiers', async (t) => {
  const cases: [string, string, string][] = [
    ['content:"sqlmap";', 'sqlmap/1.7', 'SQLmap/1.7'],
    ['content:"sqlmap"; nocase;', 'SQLmap/1.7', 'sql map'],
    ['content:"curl"; startswith;', 'curl/8', 'a curl/8'],
    ['content:"bot"; endswith;', 'my bot', 'bot 1'],
    ['content:"ab"; offset:2;', 'xxab', 'abxx'],
    ['content:"ab"; depth:3;', 'xab', 'xxab'],
    ['content:"ab"; offset:1; depth:3;', 'xxab', 'xxxab'],
    ['content:"a"; bsize:1;', 'a', 'ab'],
    ['bsize:<3;', 'ab', 'abc'],
    ['bsize:0;', '', '-'],
    ['content:!"Mozilla";', 'curl', 'Mozilla/5.0'],
    ['content:"x"; content:!"y"; nocase;', 'xz', 'xY'],
    ['content:!"x"; startswith;', 'yx', 'xy'],
    ['content:!"x"; endswith;', 'xy', 'yx'],
    ['content:"|28 29|"; content:"z";', 'z()', '()'],
    ['content:"aab";', 'aaab', 'aaac'],
  ];
  for (const [options, yes, no] of cases) {
    const evaluator = load(rule(`http.user_agent; ${options}`));
    t.same(hits(evaluator, get(yes)), [0], `${options} meets "${yes}"`);
    t.same(hits(evaluator, get(no)), [], `${options} does not meet "${no}"`);
  }
});

t.test('buffers', async (t) => {
  const evaluator = load(
    rule('http.method; content:"POST";'),
    rule('http.uri; content:"/etc/passwd";'),
    rule('http.host; content:"evil.example"; bsize:12;'),
    rule('http.header; content:"X-Evil: 1|0d 0a|";'),
    rule('http.user_agent; content:"a"; http.uri; content:"b";'),
    rule('http.user_agent; content:!"a";'),
  );
  t.same(hits(evaluator, 'POST / HTTP/1.1\r\n\r\n'), [0], 'the method; a negation does not meet an absent buffer');
  t.same(hits(evaluator, 'GET /x/%2e%2e/etc/passwd HTTP/1.1\r\n\r\n'), [1], 'the normalised target');
  t.same(hits(evaluator, 'GET / HTTP/1.1\r\nHost: EVIL.example:80\r\n\r\n'), [2], 'the host');
  t.same(hits(evaluator, 'GET / HTTP/1.1\r\nA: b\r\nX-Evil:1\r\n\r\n'), [3], 'the header section');
  t.same(hits(evaluator, get('a', '/b')), [4], 'two buffers');
  t.same(hits(evaluator, get('z')), [5]);
});

t.test('an open buffer proves only what it shows', async (t) => {
  const evaluator = load(
    rule('http.user_agent; content:"sqlmap";'),
    rule('http.user_agent; content:!"Mozilla";'),
    rule('http.user_agent; content:"map"; endswith;'),
    rule('http.user_agent; bsize:6;'),
    rule('http.user_agent; bsize:>3;'),
    rule('http.user_agent; content:!"M"; depth:2;'),
    rule('http.header; content:!"Accept";'),
  );
  t.same(hits(evaluator, 'GET / HTTP/1.1\r\nUser-Agent: sqlmap'), [0, 4, 5], 'cut in the value');
  t.same(hits(evaluator, get('sqlmap')), [0, 1, 2, 3, 4, 5, 6], 'whole');
});

t.test('header conditions, addresses and ports', async (t) => {
  const content = 'http.user_agent; content:"x";';
  const evaluator = load(
    rule(content, 'alert', 'http 10.0.0.1 any -> any any'),
    rule(content, 'alert', 'http !10.0.0.1 any -> any any'),
    rule(content, 'alert', 'http any any -> any 8080'),
    rule(content, 'alert', 'http any 80 <> 10.0.0.1 any'),
    rule(`${content} ttl:<10;`),
    rule(`${content} flags:PA;`, 'alert', 'tcp any any -> any any'),
  );
  t.same(hits(evaluator, get('x')), [0, 3], 'no fields: their conditions do not hold');
  const fields = new Map<Field, number>([
    [Field.TTL, 5],
    [Field.TCP_FLAGS, 0x18],
  ]);
  const field = (name: Field): number | undefined => fields.get(name);
  t.same(hits(evaluator, get('x'), { field, dport: 8080 }), [0, 2, 4, 5]);
  t.same(hits(evaluator, get('x'), { src: SERVER }), [1]);
});

t.test('actions in their order; a pass ends them', async (t) => {
  const evaluator = load(
    rule('http.user_agent; content:"x";', 'alert'),
    rule('http.user_agent; content:"x"; noalert;', 'drop'),
    rule('http.user_agent; content:"xp";', 'pass'),
    rule('http.user_agent; content:"x"; priority:1;', 'alert'),
  );
  const request = parseHttpRequest(Buffer.from(get('x')));
  const passed = parseHttpRequest(Buffer.from(get('xp')));
  if (!request || !passed) throw new Error('no request');
  t.same(evaluator.judge(request, packet, undefined, 0), [
    { rule: 1, action: Action.DROP, alert: false, silenced: false, count: 0, last: false },
    { rule: 3, action: Action.ALERT, alert: true, silenced: false, count: 0, last: false },
    { rule: 0, action: Action.ALERT, alert: true, silenced: false, count: 0, last: false },
  ]);
  t.same(evaluator.judge(passed, packet, undefined, 0), [
    { rule: 2, action: Action.PASS, alert: false, silenced: false, count: 0, last: true },
  ]);
});

t.test('thresholds go on after a reload of the same rule', async (t) => {
  const line =
    'alert http any any -> any any (msg:"m"; http.user_agent; content:"x"; threshold:type limit, track by_src, count 2, seconds 60; sid:7;)';
  const first = load(line);
  const request = parseHttpRequest(Buffer.from(get('x')));
  if (!request) throw new Error('no request');
  const alerts = (evaluator: Evaluator, time: number): boolean[] =>
    evaluator.judge(request, packet, undefined, time * 1e9).map((match) => match.alert);
  t.same(alerts(first, 1), [true]);
  const again = compileRules([{ file: 'x', text: line }], { addressVars: {}, portVars: {}, redact: [] });
  const second = createEvaluator(again.engine, first);
  t.same(alerts(second, 2), [true]);
  t.same(alerts(second, 3), [false], 'matched in silence');
  const changed = line.replace('count 2', 'count 3');
  const third = createEvaluator(
    compileRules([{ file: 'x', text: changed }], { addressVars: {}, portVars: {}, redact: [] }).engine,
    second,
  );
  t.same(alerts(third, 4), [true], 'another threshold starts anew');
  t.equal(third.stats.windows, 1, 'and the old one is forgotten');
});

t.test('random rules: prefilter and verification agree with plain tests', async (t) => {
  const r = new Random(Date.now() & 0xffff);
  const letters = 'abAB/';
  const word = (max: number): string => Array.from({ length: 1 + r.int(max) }, () => r.pick([...letters])).join('');
  for (let round = 0; round < 100; round++) {
    const specs = Array.from({ length: 20 }, () => ({ text: word(4), nocase: r.chance(50), negated: r.chance(20) }));
    const evaluator = load(
      ...specs.map((s) =>
        rule(`http.user_agent; content:${s.negated ? '!' : ''}"${s.text}";${s.nocase ? ' nocase;' : ''}`),
      ),
    );
    for (let i = 0; i < 20; i++) {
      const agent = word(12);
      const expected = specs.flatMap((s, index) => {
        const there = s.nocase ? agent.toLowerCase().includes(s.text.toLowerCase()) : agent.includes(s.text);
        return there !== s.negated ? [index] : [];
      });
      const found = hits(evaluator, get(agent));
      if (found.join() !== expected.join()) {
        t.same(found, expected, agent, { specs });
        return;
      }
    }
  }
  t.pass('2000 requests, 20 rules each');
});
