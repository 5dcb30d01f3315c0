// SPDX-License-Identifier: Apache-2.0
// dataset and datarep: what they ask, what they change, and what is kept when rules are replaced.

import { createHash } from 'node:crypto';
import t from 'tap';
import { compileRules, createEvaluator, Kind, type Evaluator, type RuleSource } from '../../../rules/index.js';
import { lookups } from '../../../rules/datasets/tests.js';
import { message, options, packet, rule } from './support/messages.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hash = (kind: string, text: string): string => createHash(kind).update(text).digest('hex');
const dns = 'dns any any -> any any';

function compile(lines: readonly string[], data: NonNullable<RuleSource['data']> = {}) {
  return compileRules([{ file: 'test.rules', text: lines.join('\n'), data }], options);
}

function load(lines: readonly string[], data?: NonNullable<RuleSource['data']>, before?: Evaluator): Evaluator {
  const { engine, problems } = compile(lines, data);
  if (problems[0]) throw new Error(problems[0].cause);
  return createEvaluator(structuredClone(engine), before);
}

const ask = (evaluator: Evaluator, ...names: string[]): number[] =>
  evaluator
    .judge(message(Kind.DNS_QUERY, { 'dns.query': names }), packet({ proto: 17, dport: 53 }), undefined, 0)
    .map((match) => match.rule);

t.test('values of files, of every type', async (t) => {
  const evaluator = load(
    [
      rule(1, 'dns.query; dataset:isset,names,type string,load names.lst;', dns),
      rule(2, 'dns.query; dataset:isnotset,names;', dns),
      rule(3, 'dns.query; to_md5; dataset:isset,md5s,type md5,load md5.lst,memcap 10mb,hashsize 1024;', dns),
      rule(4, 'dns.query; to_sha256; dataset:isset,shas, type sha256, load sha.lst;', dns),
      rule(5, 'dns.query; datarep:rep,>,200,load rep.lst,type string;', dns),
      rule(6, 'dns.query; datarep:rep,<,200;', dns),
      rule(7, 'dns.query; datarep:rep,==,200;', dns),
    ],
    {
      'names.lst': { text: `${base64('bad.example')}\r\n\n${base64('worse.example')}` },
      'md5.lst': { text: hash('md5', 'md5.example') },
      'sha.lst': { text: hash('sha256', 'sha.example').toUpperCase() },
      'rep.lst': {
        text: `${base64('high.example')},201\n${base64('even.example')}, 200\n${base64('low.example')},0\n`,
      },
    },
  );
  t.same(ask(evaluator, 'bad.example'), [0]);
  t.same(ask(evaluator, 'bad.example.'), [1], 'the whole buffer counts');
  t.same(ask(evaluator, 'md5.example'), [1, 2]);
  t.same(ask(evaluator, 'sha.example'), [1, 3]);
  t.same(ask(evaluator, 'high.example'), [1, 4]);
  t.same(ask(evaluator, 'low.example'), [1, 5]);
  t.same(ask(evaluator, 'even.example'), [1, 6]);
  t.same(ask(evaluator, 'good.example', 'worse.example'), [0, 1], 'one of several');
  t.same(evaluator.datasets.stats, { held: 7, refused: 0 });
});

t.test('set is for what is new, unset for what was there; the whole rule has to match', async (t) => {
  const evaluator = load([
    rule(1, 'dns.query; dataset:set,seen,type string; content:"a";', dns),
    rule(2, 'dns.query; dataset:isset,seen; content:"q";', dns),
    rule(3, 'dns.query; content:"u"; dataset:unset,other,type string;', dns),
    rule(4, 'dns.query; content:"s"; dataset:set,other; noalert;', dns),
  ]);
  t.same(ask(evaluator, 'aq'), [0, 1], 'new, and there for the next rule');
  t.same(ask(evaluator, 'aq'), [1], 'no longer new');
  t.same(ask(evaluator, 'bq'), [], 'nothing was set by a rule that did not match');
  t.same(ask(evaluator, 'bq', 'aaq'), [0, 1], 'of several, the one that met the rule');
  t.same(ask(evaluator, 'bq'), []);
  t.same([ask(evaluator, 'us'), ask(evaluator, 'us'), ask(evaluator, 'us')], [[3], [2, 3], [2, 3]]);
});

t.test('room is bounded', async (t) => {
  const evaluator = load([rule(1, 'dns.query; dataset:set,few,type string,memcap 150;', dns)]);
  for (const name of ['one', 'two', 'three', 'four']) ask(evaluator, name);
  t.same(evaluator.datasets.stats, { held: 2, refused: 2 });
  t.same(ask(evaluator, 'one'), []);
});

t.test('addresses: those of files are part of the rule, those that change are looked up', async (t) => {
  const lines = [
    'alert tcp any any -> any any (ip.src; dataset:isset,bad,type ip,load bad.lst; sid:1;)',
    'alert ip any any -> any any (ip.dst; datarep:score,>,5,type ip,load score.lst; sid:2;)',
    'alert tcp any any -> any any (ip.src; dataset:isnotset,bad; sid:3;)',
    'alert dns any any -> any any (ip.src; dataset:set,clients,type ip,state clients.lst; sid:4;)',
    'alert dns any any -> any any (ip.dst; dataset:isset,clients; sid:5;)',
  ];
  const data = {
    'bad.lst': { text: '192.0.2.1\n::ffff:192.0.2.2\n2001:db8::1\n' },
    'score.lst': { text: '192.0.2.1,9\n192.0.2.2,5\n' },
  };
  const { rules, problems, engine } = compile(lines, data);
  t.same(problems, []);
  t.same(
    rules.map(({ placement }) => placement),
    ['address', 'inline', 'inline', 'engine', 'engine'],
  );
  t.same(
    engine.datasets.map(({ name }) => name),
    ['clients'],
  );
  const evaluator = load(lines, data);
  lookups.changed = [];
  const query = message(Kind.DNS_QUERY, { 'dns.query': ['x'] });
  const judge = (o: object): number[] =>
    evaluator.judge(query, packet({ proto: 17, dport: 53, ...o }), undefined, 0).map((match) => match.rule);
  const [a, b] = [0xffff_c000_0201n, 0xffff_c000_0202n];
  t.same(judge({ src: a, dst: b }), [3]);
  t.same(judge({ src: a, dst: b }), []);
  t.same(judge({ src: b, dst: a }), [3, 4]);
  t.match(lookups.changed, [
    { file: 'clients.lst', add: true },
    { file: 'clients.lst', add: true },
  ]);
});

t.test('what is kept when rules are replaced', async (t) => {
  const lines = [
    rule(1, 'dns.query; dataset:set,seen,type string,state seen.lst;', dns),
    rule(2, 'dns.query; dataset:isset,names,type string,load names.lst;', dns),
  ];
  const before = load(lines, { 'names.lst': { text: base64('old.example') } });
  t.same(ask(before, 'old.example'), [0, 1]);
  const after = load(lines, { 'names.lst': { text: base64('new.example') } }, before);
  t.same(ask(after, 'old.example'), [], 'seen, and its file does not say it any more');
  t.same(ask(after, 'new.example'), [0, 1]);
});

t.test('what is wrong', async (t) => {
  const file = { 'a.lst': { text: 'YQ==\n%%\n' }, 'gone.lst': { problem: 'ENOENT: no such file' } };
  for (const [text, cause] of [
    ['dataset:isset,a,type string;', /needs a buffer/],
    ['dns.query; dataset:put,a,type string;', /"put" is not a command/],
    ['dns.query; dataset:isset,a;', /type of the set "a" is not known/],
    ['dns.query; dataset:isset,a,type text;', /"text" is not a type/],
    ['dns.query; dataset:isset,a,type string,load /etc/passwd;', /"\/etc\/passwd" is not a file beside the rules/],
    ['dns.query; dataset:isset,a,type string,load ../a.lst;', /is not a file beside/],
    ['dns.query; dataset:isset,a,type string,state b/../../a;', /is not a file beside/],
    ['dns.query; dataset:isset,a,type string,load gone.lst;', /cannot load gone.lst: ENOENT/],
    ['dns.query; dataset:isset,a,type string,load a.lst,state s.lst;', /state goes neither/],
    ['dns.query; dataset:isset,a,type string,load a.lst,memcap 10;', /memcap allows 10/],
    ['dns.query; dataset:isset,a,type string,size 3;', /"size 3" is not an option/],
    ['dns.query; dataset:isset,a,type string,memcap much;', /"much" is not a size/],
    ['dns.query; dataset:isset,a,type string; dataset:isset,a,type md5;', /declared with type string/],
    ['dns.query; dataset:isset,a,type string; datarep:a,>,1;', /by dataset and by datarep/],
    ['dns.query; dataset:set,a,type string,state s; dataset:set,b,type string,state s;', /"a" is kept in s/],
    ['dns.query; datarep:a,~,1,type string;', /"~" is not an operator/],
    ['dns.query; datarep:a,>,65536,type string;', /65535/],
    ['ip.src; dataset:isset,a,type string;', /holds no addresses/],
  ] as const) {
    const errors = compile([rule(1, text, dns)], file).problems.filter(({ severity }) => severity === 'error');
    t.match(errors, [{ cause }], text);
    t.equal(errors.length, 1, text);
  }
  const { problems } = compile([rule(1, 'dns.query; dataset:isset,a,type string,load a.lst;', dns)], file);
  t.match(problems, [{ severity: 'warning', file: 'a.lst', line: 2, cause: /not a value of type string/ }]);
  const masked = compileRules(
    [{ file: 'm.rules', text: rule(1, 'http.cookie; dataset:isset,a,type string;', 'http any any -> any any') }],
    { ...options, redact: ['Cookie'] },
  );
  t.match(masked.problems, [{ severity: 'unsupported', cause: /redacted/ }]);
});

t.test('files of JSON, and what alerts show of them', async (t) => {
  const threats = {
    time: 'x',
    response: { threats: [{ host: 'bad.example', from: { land: 'x' } }, { host: 'worse.example' }, { other: 1 }] },
  };
  const data = {
    'a.json': { text: JSON.stringify(threats) },
    'b.ndjson': { text: '{"ip":"192.0.2.7","why":"scan"}\n\nnot json\n{"ip":"x"}\n' },
  };
  const json = 'type string,load a.json,format json,value_key host,array_key response.threats';
  const lines = [
    rule(1, `dns.query; dataset:isset,a,${json},context_key threat,remove_key;`, dns),
    rule(2, 'dns.query; dataset:isnotset,a;', dns),
    rule(
      3,
      'dns.query; content:"b"; ip.src; dataset:isset,b,type ip,load b.ndjson,format ndjson,value_key ip,context_key source;',
      dns,
    ),
  ];
  const { engine, problems } = compile(lines, data);
  t.match(problems, [
    { severity: 'warning', cause: /^entry 3: no value of type string under "host"/ },
    { severity: 'warning', file: 'b.ndjson', line: 3 },
    { severity: 'warning', file: 'b.ndjson', line: 4 },
  ]);
  const evaluator = createEvaluator(structuredClone(engine));
  const asked = (name: string, src: bigint): unknown[] =>
    evaluator
      .judge(message(Kind.DNS_QUERY, { 'dns.query': [name] }), packet({ proto: 17, dport: 53, src }), undefined, 0)
      .map((match) => [match.rule, match.context]);
  const seven = 0xffff_c000_0207n;
  t.same(asked('bad.example', 1n), [[0, { threat: { from: { land: 'x' } } }]]);
  t.same(asked('worse.example', 1n), [[0, { threat: {} }]]);
  t.same(asked('bx', 1n), [[1, undefined]]);
  t.same(asked('bx', seven), [
    [1, undefined],
    [2, { source: { ip: '192.0.2.7', why: 'scan' } }],
  ]);
  const said = (text: string, file: string): string =>
    compile([rule(1, `dns.query; dataset:${text};`, dns)], { 'a.json': { text: file } })
      .problems.map(({ severity, cause }) => `${severity}: ${cause}`)
      .join();
  const load = 'type string,load a.json,format json';
  t.match(said(`isset,a,${load}`, '[]'), /^error: a file of JSON needs value_key/);
  t.match(said(`isset,a,${load},value_key h`, '{'), /^error: cannot load a.json: it is no JSON/);
  t.match(said(`isset,a,${load},value_key h`, '{}'), /^error: cannot load a.json: it is no list/);
  t.match(said(`isset,a,${load},value_key h,array_key x.y`, '{}'), /there is no list under "x.y"/);
  t.match(said(`isset,a,${load},value_key h`, '[{"g":"x"}]'), /nothing in it has a value of type string under "h"/);
  t.match(said(`set,a,${load},value_key h`, '[{"h":"x"}]'), /^error: .*does not change/);
  t.match(said('isset,a,type string,load a.json,format xml', ''), /^error: "xml" is not a format/);
  t.match(said('isset,a,type string,load a.json,value_key h', ''), /^error: value_key and its like/);
});
