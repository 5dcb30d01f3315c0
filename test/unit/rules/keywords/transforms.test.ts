// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { ContentMatch } from '../../../../rules/ast.js';
import { compileRules } from '../../../../rules/index.js';
import { one, withOptions } from '../one-rule.js';

const head = (app: string): string => `alert ${app} any any -> any any`;

t.test('transforms are kept in their order; a dot alone is one of the kernel', async (t) => {
  const of = (options: string) =>
    (one(withOptions(options, head('ip')), { redact: 'off' }).rule?.matches ?? [])
      .filter((match): match is ContentMatch => match.kind === 'content')
      .map(({ group, dotprefix, transforms }) => [group, dotprefix, transforms?.key] as const);
  t.same(of('dns.query; dotprefix; content:".a";'), [[1, true, undefined]]);
  t.same(of('dns.query; dotprefix; to_md5; content:"a"; dns.query; content:"b";'), [
    [1, false, 'dotprefix to_md5'],
    [2, false, undefined],
  ]);
  t.same(of('dns.query; content:"a"; xor:"0aFF"; from_base64: offset 3, mode strict; content:"b";'), [
    [1, false, undefined],
    [2, false, 'xor:0aff from_base64:0,3,strict'],
  ]);
  t.same(of('http.uri; to_lowercase; content:"a"; pkt_data; content:"b";')[1], [2, false, undefined]);
});

t.test('what is wrong with transforms, numbers and absence', async (t) => {
  for (const [options, app, cause, remedy] of [
    ['to_md5; content:"a";', 'ip', /no buffer before it/, /behind a buffer/],
    ['dns.query; to_md5; content:"a"; to_sha1;', 'dns', /already look into/, /before them/],
    [`dns.query; ${'to_md5; '.repeat(17)} content:"a";`, 'dns', /more than 16/, /remove/],
    ['dns.query; to_md5; nocase;', 'dns', /no content before it/, /behind a content/],
    ['dns.query; xor:"abc"; content:"a";', 'dns', /not a key/, /hexadecimal/],
    ['dns.query; from_base64:bytes 70000; content:"a";', 'dns', /not an option/, /bytes N/],
    ['dns.query; from_base64:mode strict, mode strict; content:"a";', 'dns', /not an option/, /each once/],
    ['dns.query; pcrexform:"a(b)(c)"; content:"a";', 'dns', /not exactly one/, /\(\?:/],
    ['dns.query; pcrexform:"(a"; content:"a";', 'dns', /not closed/, /correct/],
    ['dns.rcode:nobody;', 'dns', /not a name/, /number/],
    ['dns.opcode:300;', 'dns', /out of range/, /0 to 255/],
    ['tls.version:1.4;', 'tls', /not a version/, /0x0303/],
    ['dns.rcode:0; tls.version:1.2;', 'ip', /tls.version belongs to tls/, /one rule/],
    ['absent; content:"a";', 'http', /no buffer before it/, /behind a buffer/],
    ['http.referer; content:"a"; absent;', 'http', /stand before it/, /right behind/],
    ['http.referer; absent; content:"a";', 'http', /no other test/, /or_else/],
    ['http.referer; absent:or_else; http.uri; content:"a";', 'http', /nothing is asked/, /absent alone/],
    ['http.referer; absent:or_else; content:"a"; fast_pattern;', 'http', /has fast_pattern/, /another buffer/],
    ['http.referer; absent:else;', 'http', /not a form/, /or_else/],
  ] as const) {
    t.match(one(withOptions(options, head(app))).errors, [{ cause, remedy }], options);
  }
  for (const [options, keyword, reason] of [
    ['file.data; absent;', 'absent', /file.data is not seen/],
    ['dns.query; pcrexform:"(a)\\1"; content:"a";', 'pcrexform', /back-ref/],
  ] as const) {
    t.match(one(withOptions(options, head('ip'))).unsupported, { keyword, reason }, options);
  }
});

t.test("a transformed buffer is the engine's, and nothing in it is looked for where it does not stand", async (t) => {
  const compiled = compileRules(
    [
      [1, 'dns', 'dns.query; to_lowercase; content:"evil";', 'drop'],
      [2, 'http', 'http.uri; strip_whitespace; content:"longer-one"; http.host; content:"h.example";', 'drop'],
      [3, 'http', 'http.uri; to_md5; content:"|00 01|";', 'alert'],
      [4, 'http', 'http.header; strip_whitespace; content:"Authorization:Basic";', 'alert'],
      [5, 'http', 'http.host; to_sha1; bsize:20;', 'alert'],
      [6, 'http', 'http.referer; absent; http.uri; content:"/only";', 'drop'],
    ].map(([sid, app, options, action]) => ({
      file: `${sid}`,
      text: `${action} ${app} any any -> any any (${options} sid:${sid};)`,
    })),
    { addressVars: {}, portVars: {}, redact: ['Authorization'], redactParameters: ['token'] },
  );
  const placements = compiled.rules.map(({ sid, placement, reason }) => [sid, placement, reason ?? ''] as const);
  for (const [sid, placement, reason] of [
    [1, 'engine', /dns.query/],
    [2, 'engine', /http/],
    [3, 'unsupported', /redacted value \(token\)/],
    [4, 'unsupported', /redacted value \(Authorization\)/],
    [5, 'engine', /http.host/],
    [6, 'engine', /http.referer/],
  ] as const) {
    t.match(
      placements.find(([one]) => one === sid),
      [sid, placement, reason],
    );
  }
  const [requests] = compiled.engine.kinds;
  t.equal(requests?.always.length, 1, 'a hash is asked for on every request');
  t.equal(requests?.filters.length, 2, 'the others are led by a host and a URI');
});
