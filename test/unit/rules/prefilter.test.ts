// SPDX-License-Identifier: Apache-2.0
// What the kernel's prefilter looks for of a rule.

import t from 'tap';
import { GramKind, GramPlace } from '../../../common/abi.gen.js';
import { parseRules } from '../../../rules/index.js';
import { prefilterOf } from '../../../rules/compile/prefilter.js';
import { piecesOf } from '../../../rules/compile/standing.js';
import { necessaryRuns } from '../../../rules/pcre/necessary.js';
import { options, rule } from './support/messages.js';

const fold = (text: string): string =>
  Buffer.from(Buffer.from(text, 'latin1').map((byte) => byte | 0x20)).toString('latin1');

function of(tests: string, kind: GramKind = GramKind.GRAM_REQUEST): ReturnType<typeof prefilterOf> {
  const { rules, problems } = parseRules([{ file: 'r', text: rule(1, tests, 'http any any -> any any') }], options);
  if (problems[0]) throw new Error(problems[0].cause);
  return prefilterOf(rules.map((one) => ({ rule: one, kind })));
}

const grams = (tests: string): string[] => of(tests).grams.map(({ text }) => Buffer.from(text).toString('latin1'));

t.test('the rarest piece of all contents', async (t) => {
  const [gram] = of('http.method; content:"POST"; http.uri; content:"/index.html"; content:"zq7=k";').grams;
  t.equal(Buffer.from(gram?.text ?? []).toString('latin1'), fold('zq7=k'));
  t.match(gram, { place: GramPlace.GRAM_URI, method: 'p'.charCodeAt(0) });
  t.same(grams('http.uri; content:"/zqxw.cgi"; bsize:9; content:!"/never-this";').length, 1);
  t.same(of('http.uri; content:"/zqxw.cgi"; bsize:9;').grams[0]?.most, 9);
});

t.test('what lines become', async (t) => {
  t.same(piecesOf('http.header', 'a: b, zq\r\nc'), ['a: b', 'zq\r\n', '\r\nc']);
  t.same(piecesOf('http.header_names', '\r\nu\r\n'), ['\r\nu: ']);
  t.same(piecesOf('http.uri', '/a, b'), ['/a, b']);
});

t.test('short contents are patterns in their place, or nothing', async (t) => {
  const { patterns, unled } = of('http.user_agent; content:"x"; startswith; bsize:1;');
  t.match(patterns, [{ from: 0, until: 1, engine: true }]);
  t.same(unled, []);
  t.equal(of('http.method; content:"GET";').unled.length, 1);
  t.equal(of('http.header_names; content:!"Referer";').unled.length, 1);
});

t.test('expressions where contents say nothing', async (t) => {
  t.same(necessaryRuns({ text: '^\\/zq[a-f]{3}(?:x|y)tail.*Ende?', modifiers: 'i' }), ['/zq', 'tail', 'end']);
  t.ok(grams('http.method; content:"GET"; http.uri; pcre:"/^\\/zqwx\\d+$/";').includes(fold('/zqwx')));
});
