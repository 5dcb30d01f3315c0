// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { ContentMatch } from '../../../../rules/ast.js';
import { one, withOptions } from '../one-rule.js';

const HTTP = 'alert http any any -> any any';

function contents(options: string): ContentMatch[] {
  const { rule, errors, unsupported } = one(withOptions(options, HTTP));
  t.same([errors, unsupported], [[], undefined], options);
  return (rule?.matches ?? []).filter((match) => match.kind === 'content');
}

const text = (content: ContentMatch | undefined): string => Buffer.from(content?.pattern ?? []).toString('latin1');

t.test('sticky buffers and modifiers', async (t) => {
  const [method, uri, agent] = contents(
    'http.method; content:"GET"; startswith; endswith; http.uri; content:!"/a|2e|b\\;"; nocase; offset:1; depth:9; fast_pattern;' +
      ' http.user_agent; content:"x";',
  );
  t.match(method, { buffer: 'http.method', startswith: true, endswith: true, negated: false, nocase: false });
  t.match(uri, { buffer: 'http.uri', negated: true, nocase: true, offset: 1, depth: 9, fastPattern: true });
  t.equal(text(uri), '/a.b;');
  t.match(agent, { buffer: 'http.user_agent' });
});

t.test('older notation', async (t) => {
  const found = contents(
    'content:"a"; http_uri; content:"B"; nocase; http_header; content:"c"; http_host; uricontent:"d";',
  );
  t.same(
    found.map((content) => content.buffer),
    ['http.uri', 'http.header', 'http.host', 'http.uri'],
  );
});

t.test('a tcp rule with an HTTP buffer is judged on requests', async (t) => {
  const { rule } = one(withOptions('http.uri; content:"a";', 'alert ip any any -> any any'));
  t.equal(rule?.app, 'http');
  t.same(rule?.ipProtocols, [6]);
  t.match(one(withOptions('http.uri; content:"a";', 'alert udp any any -> any any')).errors, [
    { cause: /does not occur in udp/, keyword: 'http.uri', remedy: 'write http or tcp' },
  ]);
});

t.test('bsize', async (t) => {
  const size = (value: string) => one(withOptions(`http.uri; bsize:${value};`, HTTP)).rule?.matches[0];
  t.match(size('10'), { kind: 'size', buffer: 'http.uri', lo: 10, hi: 10, negate: false });
  t.match(size('<10'), { lo: 0, hi: 9 });
  t.match(size('10<>20'), { lo: 11, hi: 19 });
  t.match(size('!5'), { lo: 5, hi: 5, negate: true });
  t.match(one(withOptions('http.uri; content:"abcdef"; bsize:3;', HTTP)).errors, [{ cause: /need 6 bytes/ }]);
  t.match(one(withOptions('bsize:3;', HTTP)).errors, [{ cause: /no buffer before/ }]);
});

t.test('patterns', async (t) => {
  t.equal(text(contents('http.uri; content:"|41 42|c|0D0a|";')[0]), 'ABc\r\n');
  t.equal(text(contents('http.uri; content:"\\"\\\\\\:";')[0]), '"\\:');
  t.same([...(contents('http.uri; content:"é";')[0]?.pattern ?? [])], [0xc3, 0xa9]);
  for (const [value, column, cause] of [
    ['"|4|"', 52, /half a byte/],
    ['"|4g|"', 53, /"g" is not a hexadecimal/],
    ['"ab|41"', 53, /not closed/],
    ['"\\n"', 51, /not an escape/],
    ['"a"b"', 52, /a quote stands within/],
    ['""', 50, /is empty/],
    ['abc', 50, /not in double quotes/],
    ['"abc', 50, /closing quote is missing/],
    ['!', 50, /not in double quotes/],
  ] as const) {
    t.match(one(withOptions(`http.uri; content:${value};`, HTTP)).errors[0], { column, cause }, value);
  }
});

t.test('modifiers that contradict', async (t) => {
  for (const [options, cause] of [
    ['nocase;', /no content before/],
    ['http.uri; nocase;', /no content before/],
    ['http.uri; content:"abc"; depth:2;', /smaller than the content/],
    ['http.uri; content:"abc"; depth:70000;', /not a number from 0 to 65535/],
    ['http.uri; content:"abc"; offset:1; startswith;', /cannot stand with/],
    ['http.uri; content:"abc"; startswith; depth:5;', /cannot stand with/],
    ['http.uri; content:"abc"; within:5; startswith;', /cannot stand with/],
    ['http.uri; content:"abc"; within:2;', /smaller than the content/],
    ['http.uri; content:"abc"; distance:1; depth:5;', /do not go together/],
    ['http.uri; content:"abc"; distance:1; distance:2;', /stands twice/],
    ['http.uri; content:"abc"; distance:9999999;', /not a number/],
    ['http.uri; content:"abc"; offset:length;', /no keyword before it finds "length"/],
    ['http.uri; isdataat:70000;', /not a number/],
    ['http.uri; byte_test:9,>,1,0;', /number of bytes/],
    ['http.uri; byte_test:1,?,1,0;', /not an operator/],
    ['http.uri; byte_jump:1,0,far;', /not an option/],
    ['http.uri; byte_extract:1,0,a; byte_extract:1,0,a;', /found twice/],
    ['http.uri; byte_math:bytes 1, offset 0, oper %, rvalue 1, result a;', /not an operation/],
    ['http.uri; pcre:"a";', /between slashes/],
    ['http.uri; pcre:"/a/Z";', /choose http.host.raw/],
    ['pcre:"/a/UM";', /two of its modifiers/],
    ['pcre:"/a/k";', /not a modifier/],
    ['pcre:"/a(b/";', /at 3 of the expression: a group is not closed|a group is not closed/],
    ['http.uri; content:"abc"; nocase; nocase;', /stands twice/],
    ['http.uri; content:"a"; fast_pattern; content:"b"; fast_pattern;', /only one content/],
    ['http.uri; content:"a"; http_method;', /already looks into/],
    ['http.host; content:"Example";', /capitals/],
    ['http.host; content:"example"; nocase;', /says nothing/],
    ['http.method; content:"GET ";', /blank/],
  ] as const) {
    t.match(one(withOptions(options, HTTP)).errors[0], { cause }, options);
  }
});

t.test('what is not matched is unsupported', async (t) => {
  for (const [options, keyword] of [
    ['http.cookie; pcre:"/a/";', 'pcre'],
    ['pcre:"/Authorization\\x3a\\s+Basic/H";', 'pcre'],
    ['http.header; content:"Authorization|3a 20|"; content:"Basic"; distance:0;', 'content'],
    ['http.uri; pcre:"/(a)\\1/";', 'pcre'],
    ['http.uri; pcre:"/a(?=bc)/";', 'pcre'],
    ['http.uri; pcre:"/a++b/";', 'pcre'],
    ['http.uri; pcre:"/(a)/,flow:name";', 'pcre'],
    ['http.uri; content:"a"; byte_test:1,>,1,0,relative,dce;', 'byte_test'],
  ] as const) {
    const { unsupported, errors } = one(withOptions(options, HTTP));
    t.same(errors, [], options);
    t.equal(unsupported?.keyword, keyword, options);
  }
});

t.test('masked values', async (t) => {
  const masked = (value: string, redact?: 'off') => {
    const { rule } = one(withOptions(`http.header; content:"${value}";`, HTTP), redact ? { redact } : {});
    const match = rule?.matches[0];
    return match?.kind === 'content' ? match.masked : 'no rule';
  };
  t.equal(masked('Authorization|3a| Basic abc'), 'Authorization');
  t.equal(masked('a|0d 0a|cookie|3a|x'), 'Cookie');
  t.equal(masked('Authorization|3a| Basic abc', 'off'), undefined);
  t.equal(masked('Authorization|3a| '), undefined);
  t.equal(masked('Authorization|3a 0d 0a|'), undefined);
  t.equal(masked('X-Authorization|3a| abc'), undefined);
  t.equal(masked('Accept|3a| abc'), undefined);
});
