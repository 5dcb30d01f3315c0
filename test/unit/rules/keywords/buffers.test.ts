// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { ContentMatch } from '../../../../rules/ast.js';
import { bufferInfo } from '../../../../rules/buffers.js';
import { BUFFERS } from '../../../../rules/index.js';
import { one, withOptions } from '../one-rule.js';

const head = (app = 'ip'): string => `alert ${app} any any -> any any`;

function contents(options: string, app = 'ip'): ContentMatch[] {
  const { rule, errors, unsupported } = one(withOptions(options, head(app)), { redact: 'off' });
  t.same([errors, unsupported], [[], undefined], options);
  return (rule?.matches ?? []).filter((match) => match.kind === 'content');
}

/** Numbers are no sticky buffers, nor are events. */
const isNumber = (name: string): boolean =>
  ['dns.opcode', 'dns.rcode', 'dns.rrtype', 'tls.version'].includes(name) || /[._]event$/.test(name);

t.test('every buffer is a sticky one, and tells its protocol', async (t) => {
  for (const buffer of BUFFERS) {
    if (buffer === 'payload' || isNumber(buffer)) continue;
    const options = `${buffer}; content:"a"; content:"b";`;
    t.match(contents(options), [{ buffer }, { buffer }], buffer);
    t.equal(one(withOptions(options, head())).rule?.app, bufferInfo[buffer].app, buffer);
  }
  t.match(contents('content:"a"; tls.sni; content:"b";', 'tls'), [{ buffer: 'payload' }, { buffer: 'tls.sni' }]);
});

t.test('older names', async (t) => {
  for (const [name, buffer] of [
    ['tls_sni', 'tls.sni'],
    ['dns_query', 'dns.query'],
    ['file_data', 'file.data'],
    ['tls_cert_subject', 'tls.cert_subject'],
    ['tls_cert_issuer', 'tls.cert_issuer'],
    ['tls_cert_serial', 'tls.cert_serial'],
    ['tls_cert_fingerprint', 'tls.cert_fingerprint'],
  ] as const) {
    t.match(contents(`${name}; content:"a";`), [{ buffer }], name);
  }
  t.match(contents('content:"a"; http_client_body; content:"b"; http_uri;'), [
    { buffer: 'http.request_body' },
    { buffer: 'http.uri' },
  ]);
  t.match(contents('content:"a"; http_server_body;'), [{ buffer: 'http.response_body' }]);
  for (const [name, value, buffer] of [
    ['tls.subject', 'CN=*.example.com', 'tls.cert_subject'],
    ['tls.issuerdn', 'CN=Some CA', 'tls.cert_issuer'],
    ['tls.fingerprint', 'f3:40:21', 'tls.cert_fingerprint'],
  ] as const) {
    const [content] = contents(`${name}:!"${value}";`);
    t.match(content, { buffer, negated: true, nocase: false });
    t.equal(Buffer.from(content?.pattern ?? []).toString(), value);
  }
});

t.test('groups and dotprefix', async (t) => {
  const of = (options: string): (readonly [number, boolean])[] =>
    contents(options).map(({ group, dotprefix }) => [group, dotprefix] as const);
  t.same(of('dns.query; content:"a"; content:"b"; dns.query; content:"c";'), [
    [1, false],
    [1, false],
    [2, false],
  ]);
  t.same(of('dns.query; dotprefix; content:".a"; dns.query; content:"b"; dotprefix; content:".c";'), [
    [1, true],
    [2, false],
    [3, true],
  ]);
});

t.test('what can never match is an error with its place and remedy', async (t) => {
  for (const [options, app, column, cause, remedy] of [
    [
      'http.uri; content:"a"; dns.query; content:"b";',
      'ip',
      64,
      /dns.query belongs to dns, another .* http/,
      /one rule/,
    ],
    ['tls.sni; content:"a";', 'http', 41, /tls.sni belongs to tls, the rule says http/, /one rule/],
    ['dns.query; content:"a";', 'icmp', 43, /dns.query does not occur in icmp/, /write dns, tcp or udp/],
    ['tls.sni; content:"a";', 'udp', 40, /tls.sni does not occur in udp/, /write tls or tcp/],
    ['http.uri; content:"a"; http.response_body; content:"b";', 'ip', 73, /not sent in one direction/, /flow bit/],
    ['flow:to_client; http.uri; content:"a";', 'ip', 30, /are sent to_server/, /write flow:to_server/],
    ['tls.subject:"a|";', 'tls', 43, /has signs/, /use tls.cert_subject/],
    ['dotprefix; content:"a";', 'ip', 30, /no buffer before it/, /behind a buffer/],
    ['tls.sni; content:"a"; tls.subject:"b"; nocase;', 'tls', 70, /no content before it/, /behind a content/],
    ['http_client_body;', 'ip', 30, /no content before it/, /behind a content/],
  ] as const) {
    t.match(one(withOptions(options, head(app))).errors, [{ column, cause, remedy }], options);
  }
});

t.test('flowbits', async (t) => {
  const of = (value: string) => one(withOptions(`flowbits:${value};`));
  for (const [value, command, names] of [
    ['set,a', 'set', ['a']],
    ['unset, ET.b', 'unset', ['ET.b']],
    ['toggle,a', 'toggle', ['a']],
    ['isset,a|b', 'isset', ['a', 'b']],
    ['isnotset, a | b', 'isnotset', ['a', 'b']],
  ] as const) {
    t.match(of(value).rule?.matches, [{ kind: 'flowbits', command, names }], value);
  }
  t.match(of('noalert').rule, { meta: { noalert: true }, matches: [] });
  for (const [value, cause, remedy] of [
    ['sett,a', /not a command/, /did you mean set/],
    ['set', /needs a name/, /flowbits:set,NAME/],
    ['set,', /needs a name/, /flowbits:set,NAME/],
    ['isset,a|', /needs a name/, /flowbits:isset,NAME/],
    ['set,a b', /holds a blank/, /without one/],
    ['set,a|b', /takes one name/, /one flowbits keyword for each/],
    ['noalert,a', /names no bit/, /flowbits:noalert/],
    ['isset,a; flowbits:isnotset,a', /set and not set/, /remove/],
  ] as const) {
    t.match(of(value).errors, [{ keyword: 'flowbits', cause, remedy }], value);
  }
});

t.test('bits of addresses, numbers, protocols and sizes of flows', async (t) => {
  const of = (option: string, protocol?: string) => one(withOptions(option, ...(protocol ? [head(protocol)] : [])));
  for (const [option, match] of [
    ['xbits:set, a ,track ip_pair, expire 5', { kind: 'addressbit', name: 'a', track: 'pair', expire: 5 }],
    ['xbits:isnotset,a,track ip_dst', { command: 'isnotset', track: 'dst', expire: 30 }],
    ['hostbits:toggle,a', { keyword: 'hostbits', command: 'toggle', track: 'src', expire: 300 }],
    ['hostbits:isset,a,both,7', { track: 'both', expire: 7 }],
    ['flowint: a.b, +, 1', { kind: 'flowint', name: 'a.b', operator: '+', value: 1 }],
    ['flowint:a,>=,other', { operator: '>=', value: 'other' }],
    ['flowint:a,notset', { operator: 'isnotset' }],
    ['app-layer-protocol:!http,either', { kind: 'app', negated: true, apps: 2 | 16 }],
    ['stream_size:both, <=, 5000', { kind: 'stream_size', side: 'both', operator: '<=', bytes: 5000 }],
  ] as const) {
    t.match(of(`${option};`).rule?.matches, [match], option);
  }
  t.match(of('xbits:noalert;').rule, { meta: { noalert: true }, matches: [] });
  t.match(of('tag:session, 5, packets;').rule, { meta: { tag: 'session, 5, packets' }, matches: [] });
  t.match(of('app-layer-protocol:tls;', 'tcp').rule, { app: 'tls', ipProtocols: [6] });
  t.match(of('app-layer-protocol:!ssh;').unsupported, {
    keyword: 'app-layer-protocol',
    reason: /ssh is not recognised/,
  });
  t.match(of('app-layer-protocol:tls,original;').unsupported, { reason: /changed its protocol/ });
  for (const [option, cause] of [
    ['xbits:sett,a,track ip_src', /not a command/],
    ['xbits:set,a', /whose bit/],
    ['xbits:set,a,track ip_src,5', /when it ends/],
    ['xbits:noalert,a', /names no bit/],
    ['hostbits:set,a,up', /whose bit/],
    ['hostbits:set', /needs a name/],
    ['hostbits:set,a,src,0', /not a number/],
    ['flowint:1,+,1', /not the name/],
    ['flowint:a,*,1', /not an operator/],
    ['flowint:a,+', /no value/],
    ['flowint:a,isset,1', /too many/],
    ['app-layer-protocol:tls,sometimes', /not a mode/],
    ['stream_size:me,<,5', /not a size/],
    ['tag:session,5', /not a tag/],
  ] as const) {
    t.match(of(`${option};`).errors, [{ cause }], option);
  }
  t.match(of('app-layer-protocol:!dns;', 'http').errors, [{ cause: /names a protocol already/ }]);
});
