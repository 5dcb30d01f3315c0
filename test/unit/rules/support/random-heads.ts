// SPDX-License-Identifier: Apache-2.0
// Random header sections of HTTP, and contents made of what stands in their buffers.

import type { Buffer as BufferName } from '../../../../rules/ast.js';
import type { Random } from './random.js';

export const OF_REQUESTS: readonly BufferName[] = [
  ...(['http.method', 'http.uri', 'http.uri.raw', 'http.host', 'http.host.raw', 'http.user_agent'] as const),
  ...(['http.request_line', 'http.header', 'http.header.raw', 'http.request_header', 'http.header_names'] as const),
  ...(['http.cookie', 'http.accept', 'http.referer', 'http.protocol', 'http.start', 'payload'] as const),
];
export const OF_RESPONSES: readonly BufferName[] = [
  ...(['http.stat_code', 'http.stat_msg', 'http.response_line', 'http.header', 'http.server'] as const),
  ...(['http.response_header', 'http.header_names', 'http.cookie', 'http.start', 'payload'] as const),
];

export function requestHead(r: Random): string {
  const target = r.pick(['/', '/a/b.php?x=1', '/A%20b', '/a//b/../c', 'http://u@EXAMPLE.org:81/x', 'a b/ c', '/x#y']);
  return head(
    r,
    `${r.pick(['GET', 'POST', 'get', 'HEAD', 'BREW'])} ${target} ${r.pick(['HTTP/1.1', 'HTTP/1.0', ''])}`,
    [
      ...[
        'Host: Example.com',
        'host: a.example.com:8080',
        'User-Agent: Mozilla/5.0 z',
        'User-Agent: x',
        'Cookie: a=b; c=d',
      ],
      ...['Accept: */*', 'Referer: http://example.com/a', 'Referer: ****', 'X-Pw: 1', 'U: app', 'accept: x'],
      ...['Accept-Encoding: gzip', 'Connection: close', 'Cache-Control: no-cache', 'Content-Type: a/b'],
    ],
  );
}

export function responseHead(r: Random): string {
  return head(r, r.pick(['HTTP/1.1 200 OK', 'HTTP/1.0 404 Not Found', 'http/1.1 500']), [
    ...['Server: nginx', 'Set-Cookie: a=b', 'Content-Type: text/html', 'Content-Length: 0', 'X: *****'],
  ]);
}

/** Mostly as it should be, at times folded, with names twice, bare line ends, or cut off. */
function head(r: Random, line: string, lines: readonly string[]): string {
  const some = lines.filter(() => r.chance(50));
  if (r.chance(10) && some[0] !== undefined) some.push(some[0]);
  const end = (): string => (r.chance(4) ? r.pick(['\n', '\r\n\t', ' \r\n', '\r\r\n']) : '\r\n');
  const text = `${line}${end()}${some.map((one) => one + end()).join('')}\r\n`;
  return r.chance(10) ? text.slice(0, r.int(text.length)) : text;
}

/** A content that stands in the buffer, or did before a byte was changed. */
export function contentOf(r: Random, buffer: Uint8Array): string {
  const from = r.int(buffer.length);
  const part = buffer.slice(from, from + 1 + r.int(r.chance(10) ? 40 : 8));
  if (r.chance(20)) part[r.int(part.length)] = 0x20 + r.int(90);
  const text = [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const bounds = ['', '', '', 'startswith;', 'endswith;', `depth:${from + part.length};`, `offset:${from};`];
  return `content:"|${text}|"; ${r.pick(bounds)}`;
}
