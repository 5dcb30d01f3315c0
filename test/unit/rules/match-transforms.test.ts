// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import t from 'tap';
import { Kind, parseHttpRequest } from '../../../rules/index.js';
import { applyTransforms } from '../../../rules/transforms/apply.js';
import { transformsOf, type Base64Mode, type Transform } from '../../../rules/transforms/transform.js';
import { bytes, hits, load, message, rule } from './support/messages.js';

const apply = (text: string, steps: readonly Transform[], open = false): string | undefined => {
  const made = applyTransforms(transformsOf(steps), bytes(text), open);
  return made && Buffer.from(made).toString('latin1');
};

t.test('what each transform makes of a buffer, whole and cut off', async (t) => {
  for (const [name, text, whole, open] of [
    ['dotprefix', 'a', '.a', '.a'],
    ['to_lowercase', 'aB[\xc0Z', 'ab[\xc0z', 'ab[\xc0z'],
    ['to_uppercase', 'aB{z', 'AB{Z', 'AB{Z'],
    ['strip_whitespace', ' a\t\r\n\v\f b ', 'ab', 'ab'],
    ['compress_whitespace', ' \ta\n\n b ', ' a\nb ', ' a\nb '],
    ['url_decode', 'a%20is+%27%61%25%30%30%ZZ%4', "a is 'a%00%ZZ%4", "a is 'a%00%ZZ"],
    ['header_lowercase', 'Host: A\r\nX-Y:B', 'host: A\r\nx-y:B', 'host: A\r\nx-y:B'],
    ['strip_pseudo_headers', 'A: b\n:method: get\nC: :d', 'A: b\nC: :d', 'A: b\nC: :d'],
    ['to_md5', '', '', undefined],
    ['domain', 'www.Example.co.uk', 'Example.co.uk', undefined],
    ['domain', 'a.b.example.com.', 'example.com.', undefined],
    ['domain', 'co.uk', '', undefined],
    ['domain', 'x.y.unlisted', 'y.unlisted', undefined],
    ['domain', 'a.someone.github.io', 'someone.github.io', undefined],
    ['tld', 'www.example.CO.UK', 'CO.UK', undefined],
    ['tld', 'example.com', 'com', undefined],
    ['tld', 'com', '', undefined],
  ] as const) {
    t.equal(apply(text, [{ name }]), whole, name);
    t.equal(apply(text, [{ name }], true), open, `${name}, open`);
  }
  for (const [name, hash] of [
    ['to_md5', 'md5'],
    ['to_sha1', 'sha1'],
    ['to_sha256', 'sha256'],
  ] as const) {
    t.equal(
      apply('A b', [{ name: 'to_lowercase' }, { name }]),
      createHash(hash).update('a b').digest().toString('latin1'),
    );
  }
  const key = Uint8Array.of(0x0a, 0x0d, 0xc8, 0xff);
  t.equal(apply('example.com', [{ name: 'xor', key }]), 'ou\xa9\x92za\xad\xd1ib\xa5');
});

t.test('from_base64', async (t) => {
  for (const [text, mode, expected, of, offset] of [
    ['VGhpcyBpcyBTdXJpY2F0YQ==', 'rfc4648', 'This is Suricata', 0, 0],
    ['VGhpcyBpcyBTdXJpY2F0YQ==', 'strict', 'This is Suricata', 0, 0],
    ['VGhpcyBpcyBTdXJpY2F0YQ==', 'rfc4648', 'This is S', 12, 0],
    ['VGhpcyBpcyBTdXJpY2F0YQ==', 'rfc4648', 's is Suricata', 0, 4],
    ['Zm 9v Ym Fy', 'rfc2045', 'foobar', 0, 0],
    ['Zm9vY!', 'rfc4648', 'Zm9vY!', 0, 0],
    ['Zm9vYm!x', 'rfc4648', 'foob', 0, 0],
    ['Zm9vYm', 'strict', 'Zm9vYm', 0, 0],
    ['This is Suricata\n', 'strict', 'This is Suricata\n', 0, 0],
    ['Zm9v', 'rfc4648', 'Zm9v', 5, 0],
    ['Zm9v', 'rfc4648', 'Zm9v', 0, 5],
    ['!', 'rfc2045', '!', 0, 0],
  ] as const satisfies readonly (readonly [string, Base64Mode, string, number, number])[]) {
    const step = { name: 'from_base64', bytes: of, offset, mode } as const;
    t.equal(apply(text, [step]), expected, `${mode} ${text} ${of} ${offset}`);
  }
});

t.test('pcrexform takes what Perl would capture', async (t) => {
  for (const [text, expression, captured] of [
    ['GET /a/b.php HTTP', '/([a-z]+\\.php)', 'b.php'],
    ['aaab', '(a+)b', 'aaa'],
    ['aaab', '(a+?)', 'a'],
    ['abcabd', '(?:ab(.))+', 'd'],
    ['abc', '(a|ab)(?:c|bcd)?', 'a'],
    ['abcd', '^(?:x|(ab)|abc)', 'ab'],
    ['abab', '(a|b)*', 'b'],
    ['xay', '(a?)', ''],
    ['zb', '(a)|b', 'zb'],
    ['nothing', '(q)', 'nothing'],
    ['k=v; j=w', '(?<n>w$)', 'w'],
    ['\xff\n', '(\\xff)\\n$', '\xff'],
  ] as const) {
    t.equal(
      apply(text, [{ name: 'pcrexform', expression: { text: expression, modifiers: '' } }]),
      captured,
      expression,
    );
    // The language's own expressions have these in common with Perl.
    t.equal(new RegExp(expression).exec(text)?.[1] ?? text, captured, expression);
  }
  const evaluator = load(rule(1, 'http.uri; pcrexform:"id=([^&]*)"; content:"7"; bsize:1;'));
  const uri = (text: string): number[] => hits(evaluator, message(Kind.HTTP_REQUEST, { 'http.uri': [text] }));
  t.same([uri('/?a=7&id=7&b=8'), uri('/?id=77'), uri('7')], [[0], [], [0]]);
});

t.test('rules look into what transforms made, and into the buffer as it is beside it', async (t) => {
  const dns = 'dns any any -> any any';
  const evaluator = load(
    rule(1, 'dns.query; to_uppercase; content:"EVIL"; content:!"evil";', dns),
    rule(2, 'dns.query; to_sha256; bsize:32; dns.query; content:"x.example";', dns),
    rule(3, 'dns.query; dotprefix; to_lowercase; content:".evil"; startswith;', dns),
    rule(4, 'dns.query; xor:"20"; content:"EVIL"; pcre:"/^E/";', dns),
    rule(5, 'dns.query; to_lowercase; content:"Evil";', dns),
    rule(6, 'dns.query; strip_whitespace; content:"evil"; distance:1; within:5;', dns),
  );
  const query = (...names: string[]): number[] => hits(evaluator, message(Kind.DNS_QUERY, { 'dns.query': names }));
  t.same(query('Evil'), [0, 2]);
  t.same(query('a', 'evil', 'x.example'), [0, 1, 2, 3]);
  t.same(query('a e v i l'), [5]);
  t.same(query('x.example'), [1], 'nothing of the message before is left');
  const body = load(
    rule(1, 'http.request_body; strip_whitespace; content:"ab";'),
    rule(2, 'http.request_body; to_md5; bsize:16;'),
    rule(3, 'http.request_body; url_decode; content:!"z";'),
  );
  const buffers = { 'http.request_body': ['a b'] };
  t.same(hits(body, message(Kind.HTTP_REQUEST_BODY, buffers, ['http.request_body'])), [0]);
  t.same(hits(body, message(Kind.HTTP_REQUEST_BODY, buffers)), [0, 1, 2]);
});

t.test('numbers of messages', async (t) => {
  const evaluator = load(
    ...[
      'dns.opcode:4;',
      'dns.opcode:!0;',
      'dns.rcode:nxdomain;',
      'dns.rcode:!3;',
      'dns.rcode:2-5;',
      'dns.rrtype:AAAA; dns.rrtype:1;',
      'dns.rrtype:!a;',
      'dns.rrtype:>256; dns.query; content:"x";',
    ].map((options, i) => rule(i + 1, options, 'dns any any -> any any')),
    rule(9, 'tls.version:1.3;'),
    rule(10, 'tls.version:0x7f12;'),
    rule(11, 'tls.version:1.2; tls.cert_subject; content:"s";'),
  );
  const dns = (kind: typeof Kind.DNS_QUERY | typeof Kind.DNS_ANSWER, op: number, code: number, ...types: number[]) =>
    hits(
      evaluator,
      message(kind, {
        'dns.query': ['x'],
        'dns.opcode': [String.fromCharCode(op)],
        'dns.rcode': [String.fromCharCode(code)],
        'dns.rrtype': types.map((type) => String.fromCharCode(type >> 8, type & 255)),
      }),
    );
  t.same(dns(Kind.DNS_QUERY, 0, 0, 1), [3]);
  t.same(dns(Kind.DNS_ANSWER, 4, 3, 28, 1), [0, 1, 2, 4, 5, 6]);
  t.same(dns(Kind.DNS_QUERY, 0, 3, 257), [2, 4, 6, 7]);
  t.same(hits(evaluator, message(Kind.TLS_HELLO, { 'tls.version': ['\x03\x04'] })), [8]);
  t.same(hits(evaluator, message(Kind.TLS_ANSWER, { 'tls.version': ['\x7f\x12'] })), [8, 9]);
  const certs = { 'tls.version': ['\x03\x03'], 'tls.cert_subject': ['s'] };
  t.same(hits(evaluator, message(Kind.TLS_CERTS, certs)), [10]);
});

t.test('buffers that are not there', async (t) => {
  const evaluator = load(
    rule(1, 'http.referer; absent; http.uri; content:"/a";'),
    rule(2, 'http.referer; absent:or_else; content:"good"; http.uri; content:"/a";'),
    rule(3, 'http.referer; absent:or_else; content:!"good";'),
    rule(4, 'tls.sni; absent;'),
  );
  const request = (lines: string): number[] => {
    const judged = parseHttpRequest(bytes(`GET /a HTTP/1.1\r\nHost: h\r\n${lines}`));
    return judged ? hits(evaluator, judged) : [];
  };
  t.same(request('\r\n'), [0, 1, 2]);
  t.same(request('Referer: good\r\n\r\n'), [1]);
  t.same(request('Referer: bad\r\n\r\n'), [2]);
  t.same(request('Refer'), [], 'it may yet come');
  t.same(hits(evaluator, message(Kind.TLS_HELLO, {})), [3]);
  t.same(hits(evaluator, message(Kind.TLS_HELLO, { 'tls.sni': ['a'] })), []);
});
