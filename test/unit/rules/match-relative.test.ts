// SPDX-License-Identifier: Apache-2.0
// Tests that depend on each other: relative contents, isdataat, numbers, expressions.

import t, { type Test } from 'tap';
import { FlowState, Kind } from '../../../rules/index.js';
import { hits, load, message, packet, rule } from './support/messages.js';

const udp = packet({ proto: 17 });
const HEAD = 'udp any any -> any any';

/** True if a datagram matches the rule with these options. */
function matches(options: string, payload: string): boolean {
  const judged = message(Kind.PACKET, { payload: [payload] });
  return hits(load(rule(1, options, HEAD)), judged, new FlowState(), udp).length > 0;
}

/** Rules with a payload that they match and one that they do not. */
type Cases = readonly (readonly [options: string, yes: string, no: string])[];

function check(t: Test, cases: Cases): void {
  for (const [options, yes, no] of cases) {
    t.ok(matches(options, yes), `${options} meets ${JSON.stringify(yes)}`);
    t.notOk(matches(options, no), `${options} does not meet ${JSON.stringify(no)}`);
  }
}

t.test('distance and within', async (t) => {
  check(t, [
    ['content:"a"; content:"b"; distance:0;', 'ab', 'ba'],
    ['content:"a"; content:"b"; distance:2;', 'a..b', 'a.b'],
    ['content:"a"; content:"b"; within:3;', 'a..b', 'a...b'],
    ['content:"a"; content:"b"; distance:1; within:2;', 'a..b', 'a...b'],
    ['content:"a"; content:"b"; distance:1; within:1;', 'a.b', 'ab'],
    ['content:"abc"; content:"bcd"; distance:-2;', 'abcd', 'abc.bc'],
    ['content:"a"; content:"b"; distance:-2; within:2;', 'ba', 'b.a'],
    ['content:"b"; distance:2;', '..b', '.b'],
    ['content:"a"; content:"b"; distance:0; content:"a"; distance:0; within:1;', 'a.b.ba', 'a.b.b.a'],
    ['content:"a"; content:!"b"; within:2;', 'ab a..b', 'ab'],
    ['content:"a"; content:!"b"; distance:0;', 'abab a', 'ab ab'],
    ['content:"a"; content:!"b"; within:2; content:"c"; distance:0; within:3;', 'abc a..c', 'abc'],
    ['content:"a"; content:"b"; endswith; distance:0;', 'bab', 'ba'],
    ['content:"a"; content:"B"; nocase; within:1;', 'axab', 'axb'],
    ['content:"a"; within:3; content:"b"; distance:0;', '..ab', '...ab'],
  ]);
});

t.test('isdataat', async (t) => {
  check(t, [
    ['content:"a"; isdataat:3;', 'a...', 'a..'],
    ['content:"a"; isdataat:!3;', 'a..', 'a...'],
    ['content:"c"; isdataat:5,relative;', 'abcdefgh', 'abcdefg'],
    ['content:"a"; isdataat:!2,relative;', 'a.a.', 'a..'],
    ['content:"a"; isdataat:!1,relative;', 'xa', 'ax'],
    ['content:"a"; isdataat:1,relative,rawbytes;', 'ab', 'ba'],
    ['byte_extract:1,0,n; isdataat:!n;', '\x02.', '\x02..'],
  ]);
});

t.test('byte_test', async (t) => {
  check(t, [
    ['byte_test:2,=,0x0102,0;', '\x01\x02', '\x02\x01'],
    ['byte_test:2,=,0x0102,0,little;', '\x02\x01', '\x01\x02'],
    ['byte_test:1,!=,1,0;', '\x02', '\x01'],
    ['byte_test:1,!,1,0;', '\x02', '\x01'],
    ['byte_test:1,>,5,0;', '\x06', '\x05'],
    ['byte_test:1,>=,5,0;', '\x05', '\x04'],
    ['byte_test:1,!>,5,0;', '\x05', '\x06'],
    ['byte_test:1,&,6,0;', '\x04', '\x01'],
    ['byte_test:1,!&,6,0;', '\x01', '\x02'],
    ['byte_test:1,^,6,0;', '\x01', '\x06'],
    ['byte_test:8,=,18446744073709551615,0;', '\xff'.repeat(8), '\xff'.repeat(7) + '\xfe'],
    ['byte_test:2,=,3,0,bitmask 0x0ff0;', '\xf0\x3f', '\xf0\x4f'],
    ['content:"a"; byte_test:1,=,7,1,relative;', '.a.\x07', '.a\x07'],
    ['content:"a|07|a"; byte_test:1,=,7,-2,relative;', 'a\x07a', 'a.a'],
    ['byte_test:4,=,1337,1,string,dec;', '.1337', '.1336'],
    ['byte_test:4,=,0x1337,0,string,hex;', '1337', '1336'],
    ['byte_test:3,=,8,0,string,oct;', '010', '008'],
    ['byte_test:0,>=,100,0,string,dec;', '100', '99'],
    ['byte_test:3,<,100,0,string,dec;', ' 9x', 'xxx'],
    ['byte_test:2,=,1,0;', '\x00\x01', '\x01'],
    ['byte_extract:1,0,n; byte_test:1,=,n,n;', '\x02.\x02', '\x02..'],
  ]);
});

t.test('byte_jump', async (t) => {
  check(t, [
    ['byte_jump:1,0; content:"x"; within:1;', '\x02..x', '\x02.x.'],
    ['content:"a"; byte_jump:1,0,relative; content:"x"; distance:0; within:1;', 'a\x01.x', 'a\x01x.'],
    ['byte_jump:1,0,multiplier 2; content:"x"; within:1;', '\x01..x', '\x01.x.'],
    ['byte_jump:1,0,align; content:"x"; within:1;', '\x01....x', '\x01.x...'],
    ['byte_jump:1,0,from_beginning; content:"x"; within:1;', '\x02.x', '\x02..x'],
    ['byte_jump:1,0,post_offset -1; content:"x"; within:1;', '\x02.x.', '\x02..x'],
    ['byte_jump:0,0,from_end,post_offset -2; content:"x"; within:1;', '..x.', '.x..'],
    ['byte_jump:2,0,string,dec; content:"x"; within:1;', '03...x', '03..x.'],
    ['content:"a"; byte_jump:1,0,relative; content:"x"; within:1;', 'a\x7f a\x01.x', 'a\x7f a\x7f'],
    ['byte_jump:1,0,bitmask 0xf0; content:"x"; within:1;', '\x2f..x', '\x2f.x'],
  ]);
});

t.test('byte_extract and byte_math', async (t) => {
  check(t, [
    ['byte_extract:1,0,n; content:"x"; offset:n;', '\x03..x', '\x03.x.'],
    ['byte_extract:1,0,n; content:"x"; depth:n;', '\x03.x', '\x03..x'],
    ['byte_extract:1,0,n; content:"x"; distance:n;', '\x02..x', '\x02.x.'],
    ['byte_extract:1,0,n; content:"x"; within:n;', '\x02.x', '\x02..x'],
    ['content:"a"; byte_extract:1,0,n,relative,multiplier 2; content:"x"; distance:n;', 'a\x01..x', 'a\x01.x'],
    ['byte_extract:1,0,n,align 4; content:"x"; offset:n;', '\x01...x', '\x01..x.'],
    ['byte_extract:2,0,n,string,hex; content:"x"; offset:n;', '0a........x', '0a.......x'],
    ['byte_math:bytes 1, offset 0, oper +, rvalue 2, result n; byte_test:1,=,n,1;', '\x01\x03', '\x01\x02'],
    ['byte_math:bytes 1, offset 0, oper <<, rvalue 2, result n; byte_test:1,=,n,1;', '\x01\x04', '\x01\x02'],
    ['byte_math:bytes 1, offset 0, oper /, rvalue 2, result n; byte_test:1,=,n,1;', '\x05\x02', '\x05\x03'],
    [
      'byte_extract:1,0,a; byte_math:bytes 1, offset 1, oper *, rvalue a, result n; byte_test:1,=,n,2;',
      '\x02\x03\x06',
      '\x02\x03\x05',
    ],
    [
      'byte_math:bytes 2, offset 0, oper -, rvalue 1, result n, endian little; byte_test:1,=,n,2;',
      '\x03\x00\x02',
      '\x00\x03\x02',
    ],
  ]);
});

t.test('pcre among other tests', async (t) => {
  check(t, [
    ['content:"a"; pcre:"/^b+c/R";', 'xabbc', 'xacbbc'],
    ['content:"a"; pcre:"/b/R";', 'ab', 'ba'],
    ['pcre:"/a\\d/"; content:"b"; distance:0; within:1;', 'a1.a2b', 'a1.b'],
    ['pcre:"/a+/"; content:"b"; within:1;', 'aaab', 'aaa.b'],
    ['content:"x"; pcre:!"/^\\d/R";', 'xa', 'x1'],
    ['content:"x"; pcre:!"/A/i";', 'x', 'xa'],
    ['pcre:"/a.b/s"; pcre:"/^c/R";', 'a\nbc', 'a\nb.c'],
    ['pcre:"/\\x22\\;/";', '";', '"'],
    ['content:"a"; pcre:"/b/R"; isdataat:!2,relative;', 'ab...b.', 'ab..'],
  ]);
});

t.test('what goes on is certain only as far as it is seen', async (t) => {
  const open = (options: string, body: string): boolean => {
    const judged = message(Kind.HTTP_REQUEST_BODY, { 'http.request_body': [body] }, ['http.request_body']);
    return hits(load(rule(1, `http.request_body; ${options}`)), judged, new FlowState()).length > 0;
  };
  for (const [options, body, expected] of [
    ['content:"a"; content:"b"; within:2;', 'a.b', true],
    ['content:"a"; content:!"b"; within:2;', 'a..', true],
    ['content:"a"; content:!"b"; within:2;', 'a.', false],
    ['content:"a"; content:!"b"; distance:0;', 'a..', false],
    ['content:"a"; isdataat:1,relative;', 'ab', true],
    ['content:"a"; isdataat:!3,relative;', 'ab', false],
    ['pcre:"/ab$/";', 'ab', false],
    ['pcre:"/ab/";', 'ab', true],
    ['pcre:"/a+/"; isdataat:0,relative;', 'aa', false],
    ['pcre:"/a+/"; isdataat:0,relative;', 'aab', true],
    ['pcre:!"/x/";', 'ab', false],
    ['byte_jump:0,0,from_end,post_offset -1; content:"b";', 'ab', false],
    ['content:"1"; byte_test:0,=,1,0,string,dec;', '1', false],
    ['content:"1"; byte_test:0,=,1,0,string,dec;', '1 ', true],
  ] as const) {
    t.equal(open(options, body), expected, `${options} ${body}`);
  }
});

t.test('buffers of heads and hellos', async (t) => {
  const evaluator = load(
    rule(1, 'urilen:5; http.method; content:"GET";'),
    rule(2, 'ja3.hash; content:"abc"; startswith;'),
    rule(3, 'content:"GET"; http_method; content:"x"; http_uri; content:"y"; http_uri; distance:1; within:1;'),
    rule(4, 'tls.alpn; content:"h2"; bsize:2;'),
  );
  const head = (uri: string) => message(Kind.HTTP_REQUEST, { 'http.method': ['GET'], 'http.uri': [uri] });
  t.same(hits(evaluator, head('/a.b')), []);
  t.same(hits(evaluator, head('/a.bc')), [0]);
  t.same(hits(evaluator, head('/xx.y')), [0, 2]);
  const hello = message(Kind.TLS_HELLO, { 'ja3.hash': ['abcd'], 'tls.alpn': ['http/1.1', 'h2'] });
  t.same(hits(evaluator, hello), [1, 3]);
});

t.test('a search that goes astray is given up and counted', async (t) => {
  const { inspections } = await import('../../../rules/match/inspect.js');
  const before = inspections.limited;
  const options = Array.from({ length: 8 }, () => 'content:"a"; within:40;').join(' ');
  t.notOk(matches(`${options} content:"b"; within:1;`, 'a'.repeat(400)));
  t.equal(inspections.limited, before + 1);
});
