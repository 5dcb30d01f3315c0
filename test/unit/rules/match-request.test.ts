// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Open, parseHttpRequest, type HttpRequest } from '../../../rules/match/request.js';
import { normaliseTarget } from '../../../rules/match/uri.js';
import { Random } from './support/random.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1');

function parsed(section: string): HttpRequest {
  const request = parseHttpRequest(bytes(section));
  if (request === undefined) throw new Error(`no request: ${section}`);
  return request;
}

function shown(section: string): Record<string, unknown> {
  const { method, rawUri, uri, protocol, host, userAgent, referer, headers, complete, cut: open } = parsed(section);
  const [m, r, u, p] = [method, rawUri, uri, protocol].map(text);
  return {
    method: m,
    rawUri: r,
    uri: u,
    protocol: p,
    host: text(host),
    userAgent: text(userAgent),
    referer: text(referer),
    headers: text(headers),
    complete,
    open,
  };
}

t.test('a browser request', async (t) => {
  const section =
    'GET /a?b=c HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nUser-Agent: Mozilla/5.0 (X11)\r\nReferer: http://x/\r\nAccept: */*\r\n\r\n';
  t.same(shown(section), {
    method: 'GET',
    rawUri: '/a?b=c',
    uri: '/a?b=c',
    protocol: 'HTTP/1.1',
    host: 'www.example.com',
    userAgent: 'Mozilla/5.0 (X11)',
    referer: 'http://x/',
    headers: section.slice(section.indexOf('Host'), -2),
    complete: true,
    open: 0,
  });
});

t.test('http.header is normalised', async (t) => {
  const headers = (fields: string): string | undefined => text(parsed(`GET / HTTP/1.1\r\n${fields}\r\n\r\n`).headers);
  t.equal(headers('A:1\r\nB:   2  \r\nC: 3'), 'A: 1\r\nB: 2\r\nC: 3\r\n', 'loose spacing');
  t.equal(headers('A: 1\r\nCookie: secret\r\nB: 2'), 'A: 1\r\nB: 2\r\n', 'without Cookie');
  t.equal(headers('Accept: a\r\nB: 2\r\nACCEPT: c'), 'Accept: a, c\r\nB: 2\r\n', 'repeated names are joined');
  t.equal(headers('A: 1\r\n  and\r\n\tmore\r\nB: 2'), 'A: 1 and more\r\nB: 2\r\n', 'folded lines');
  t.equal(headers('no colon here\r\nB: 2'), ': no colon here\r\nB: 2\r\n', 'a line without a colon');
  t.equal(headers('A : 1'), 'A: 1\r\n', 'blank before the colon');
  t.equal(headers('Authorization: ********'), 'Authorization: ********\r\n', 'masked values keep their length');
  const names = Array.from({ length: 60 }, (_, i) => `X-${i}: ${i}`).join('\r\n');
  t.equal(headers(`${names}\r\nx-1: again`)?.includes('X-1: 1, again\r\n'), true, 'a repeated name among many');
});

t.test('fields that rules ask for, however they are written', async (t) => {
  const bare = parsed('GET / HTTP/1.0\nhost: a.example\nUSER-AGENT: x\n\n');
  t.same([text(bare.host), text(bare.userAgent), bare.complete], ['a.example', 'x', true], 'bare LF, any case');
  t.equal(text(parsed('GET / HTTP/1.1\r\nUser-Agent:\r\n\r\n').userAgent), '', 'empty without a blank');
  t.equal(text(parsed('GET / HTTP/1.1\r\nUser-Agent: \r\n\r\n').userAgent), '', 'empty with a blank');
  t.equal(parsed('GET / HTTP/1.1\r\nAccept: x\r\n\r\n').userAgent, undefined, 'absent');
  t.equal(text(parsed('GET / HTTP/1.1\r\nUser-Agent: a\r\nUser-Agent: b\r\n\r\n').userAgent), 'a, b', 'twice');
  t.equal(text(parsed('GET / HTTP/1.1\r\nUser-Agent: sql\r\n map\r\n\r\n').userAgent), 'sql map', 'folded');
  t.equal(text(parsed('GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n').host), '[2001:db8::1]', 'IPv6 literal');
  t.equal(
    text(parsed('GET http://U:p@A.Example.:81/x HTTP/1.1\r\nHost: b\r\n\r\n').host),
    'a.example',
    'host of the target wins',
  );
  t.equal(text(parsed('\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n').host), 'h', 'empty lines before the request');
});

t.test('request lines', async (t) => {
  const line = (value: string): unknown[] => {
    const { method, rawUri, protocol } = parsed(`${value}\r\n\r\n`);
    return [method, rawUri, protocol].map(text);
  };
  t.same(line('GET /a b HTTP/1.1'), ['GET', '/a b', 'HTTP/1.1'], 'a blank in the target');
  t.same(line('GET /'), ['GET', '/', ''], 'HTTP/0.9');
  t.same(line('GET  /x   HTTP/1.1  '), ['GET', '/x', 'HTTP/1.1'], 'several blanks');
  t.same(line('OPTIONS * HTTP/1.1'), ['OPTIONS', '*', 'HTTP/1.1']);
  t.same(line('CONNECT a:443 HTTP/1.1'), ['CONNECT', 'a:443', 'HTTP/1.1']);
  for (const bad of ['', 'GET', 'GET ', ' GET / HTTP/1.1', '\x16\x03\x01 x', `${'A'.repeat(33)} / HTTP/1.1`]) {
    t.equal(parseHttpRequest(bytes(bad)), undefined, JSON.stringify(bad));
  }
});

t.test('http.uri', async (t) => {
  const cases: [string, string][] = [
    ['/index.html', '/index.html'],
    ['/%61%62c', '/abc'],
    ['/a%2Fb', '/a/b'],
    ['/a\\b', '/a/b'],
    ['/a//b///c', '/a/b/c'],
    ['/a/./b', '/a/b'],
    ['/a/b/../../etc/passwd', '/etc/passwd'],
    ['/%2e%2e/%2e%2e/x', '/x'],
    ['/a/..', ''],
    ['/.hidden/..x', '/.hidden/..x'],
    ['/%u0041%uff41', '/Aa'],
    ['/%4', '/%4'],
    ['/%zz%', '/%zz%'],
    ['/%2541', '/%41'],
    ['/a?x=%41//../b', '/a?x=A//../b'],
    ['/a?b+c', '/a?b+c'],
    ['/p?q#frag%41', '/p?q#fragA'],
    ['http://h:80/a//b?c', '/a/b?c'],
    ['http://h', ''],
    ['*', '*'],
  ];
  for (const [raw, normal] of cases) t.equal(text(normaliseTarget(bytes(raw))), normal, raw);
});

t.test('a section that was cut off is open where it was cut', async (t) => {
  const section = 'GET /abc HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl/8\r\nX: y\r\n\r\n';
  const at = (length: number): HttpRequest | undefined => parseHttpRequest(bytes(section.slice(0, length)));
  t.equal(at(7)?.cut, Open.URI | Open.HEADER, 'in the target');
  t.equal(at(section.indexOf('xample'))?.cut, Open.HOST | Open.HEADER, 'in the host');
  t.equal(at(section.indexOf('/8'))?.cut, Open.USER_AGENT | Open.HEADER, 'in the agent');
  t.equal(at(section.length - 2)?.cut, Open.HEADER, 'before the empty line');
  t.equal(at(section.length - 2)?.complete, false);
  t.equal(at(section.length)?.cut, 0);
  for (let length = 0; length <= section.length; length++) {
    const request = at(length);
    const seen = [request?.uri, request?.host, request?.userAgent, request?.headers].map(text).join('|');
    t.type(seen, 'string', `cut at ${length}`);
  }
});

t.test('no bytes throw', async (t) => {
  const r = new Random(Date.now() & 0xffff);
  const parts = [
    'GET ',
    '/',
    ' HTTP/1.1',
    '\r\n',
    '\n',
    'Host: ',
    'User-Agent:',
    ':',
    ' ',
    '\t',
    '%',
    '%2',
    '..',
    '//',
    '\0',
    'Cookie: x',
    'é',
  ];
  let requests = 0;
  for (let i = 0; i < 20000; i++) {
    let section = r.chance(70) ? 'GET /' : '';
    for (let n = r.int(20); n > 0; n--) section += r.chance(85) ? r.pick(parts) : String.fromCharCode(r.int(256));
    const request = parseHttpRequest(bytes(section));
    if (request === undefined) continue;
    requests++;
    void [request.uri, request.host, request.headers, request.userAgent];
  }
  t.ok(requests > 1000, `${requests} requests among 20000`);
});
