// SPDX-License-Identifier: Apache-2.0
// Random rules on single buffers of messages, and requests made of the same pieces, so that they meet each other often.

import { Direction, Field, FlowBit } from '../../../common/abi.gen.js';
import type { JudgedPacket } from '../../../rules/index.js';
import type { Random } from '../../unit/rules/support/random.js';

const URIS = [
  '/',
  '/a',
  '/evil',
  'a.php',
  '?x=1',
  '&id=evil',
  '/A',
  '-b',
  '%41',
  '%2e',
  '//',
  '/..',
  '/.',
  ';x',
  ' ',
  '#',
  '\\',
];
const HOSTS = ['a', 'evil', '.example', '.org', '.ORG', 'www.', ':80', '[::1]', '-', 'b'];
const AGENTS = ['curl', '/7', 'Mozilla', 'evil', ' (X11)', 'EVIL', 'bot', ';', '\xe9', ' '];
const VALUES = ['1', 'a', 'evil', ', b', 'x=y', 'EVIL', ' ', ';token=abc', '\t'];
const NAMES = ['X-A', 'X-Bad', 'Accept', 'Via', 'X-Long-Name'];
const NAMES_OF_RULES = [
  ...(['http.method', 'http.uri', 'http.host', 'http.user_agent', 'http.header'] as const),
  ...(['tls.sni', 'dns.query'] as const),
];

const join = (r: Random, pieces: readonly string[], most: number): string =>
  Array.from({ length: 1 + r.int(most) }, () => r.pick(pieces)).join('');

const piecesOf: Readonly<Record<string, readonly string[]>> = {
  'http.method': ['GET', 'POST', 'G', 'ET', 'X'],
  'http.uri': URIS.slice(0, 8),
  'http.host': HOSTS.slice(0, 6),
  'http.user_agent': AGENTS,
  'http.header': [...VALUES.slice(0, 6), ...NAMES, 'X-Bad: ', 'Host: '],
  'tls.sni': HOSTS,
  'dns.query': HOSTS,
};

const quote = (text: string): string =>
  [...text]
    .map((c) => (/[a-zA-Z0-9 ./&?=()-]/.test(c) ? c : `|${c.charCodeAt(0).toString(16).padStart(2, '0')}|`))
    .join('');

function content(r: Random, buffer: string): string {
  const pieces = join(r, piecesOf[buffer] ?? [], 2);
  const text = buffer === 'http.host' ? pieces.toLowerCase() : pieces;
  const options = [buffer !== 'http.host' && r.chance(50) ? 'nocase' : '', r.chance(15) ? 'endswith' : ''];
  if (r.chance(15)) options.push('startswith');
  else {
    const offset = r.int(6);
    if (r.chance(20)) options.push(`offset:${offset}`);
    if (r.chance(20)) options.push(`depth:${text.length + r.int(8)}`);
  }
  const not = r.chance(20) ? '!' : '';
  return [`content:${not}"${quote(text)}"`, ...options].filter((option) => option !== '').join('; ');
}

/** One rule that the kernel judges; sid is its number. */
export function randomRule(r: Random, sid: number): string {
  const buffer = r.pick(NAMES_OF_RULES);
  const dot = r.chance(['http.host', 'tls.sni', 'dns.query'].includes(buffer) ? 40 : 5) ? ' dotprefix;' : '';
  const contents = Array.from({ length: 1 + r.int(3) }, () => `${content(r, buffer)};`);
  if (r.chance(15)) contents.push(`bsize:${r.pick(['>3', '>10', '<40', '<60'])};`);
  const head = `${r.pick(['drop', 'drop', 'reject'])} ${buffer === 'dns.query' ? 'udp' : 'tcp'} any any -> any any`;
  return `${head} (msg:"m"; ${buffer};${dot} ${contents.join(' ')} sid:${sid};)`;
}

/** A request, now and then with what only the engine can make sense of. */
export function randomRequest(r: Random): string {
  const end = (): string => (r.chance(96) ? '\r\n' : r.pick(['\n', '\r\n b\r\n', ' \r\n']));
  const target = r.chance(85) ? `/${join(r, URIS.slice(0, 8), 4)}` : join(r, [...URIS, 'http://h.org/'], 5);
  const lines = [
    ...(r.chance(90) ? [`Host: ${join(r, HOSTS, 4)}`] : []),
    ...(r.chance(85) ? [`User-Agent: ${join(r, AGENTS, 5)}`] : []),
    ...(r.chance(30) ? ['Cookie: a=b'] : []),
    ...NAMES.filter(() => r.chance(30)).map((name) => `${name}:${r.chance(95) ? ' ' : ''}${join(r, VALUES, 4)}`),
    ...(r.chance(10) ? [r.pick(['Host: a', 'User-Agent: evil', 'X-Bad: evil', 'Via: a, b', 'x-a: evil'])] : []),
  ];
  for (let i = lines.length - 1; i > 0; i--) {
    const j = r.int(i + 1);
    [lines[i], lines[j]] = [lines[j] ?? '', lines[i] ?? ''];
  }
  const head = `${r.pick(['GET', 'GET', 'POST', 'GETX'])} ${target} HTTP/1.1\r\n`;
  return `${head}${lines.map((line) => line + end()).join('')}\r\n`;
}

/** True if a name comes twice: the engine puts such lines together, the kernel sees them as they were sent. */
export function repeatsName(request: string): boolean {
  const names = [...request.matchAll(/\n([^:\n]+):/g)].map(([, name]) => name?.toLowerCase());
  return new Set(names).size < names.length;
}

/** http.header as the kernel sees it: the lines as they were sent, but those of Cookie. */
export function sentHeaders(request: string): string {
  const [, lines = ''] = /\n([^]*\n)\r?\n$/.exec(request) ?? [];
  return lines.replace(/^cookie:[^\n]*\n/gim, '');
}

export const randomName = (r: Random): string => join(r, HOSTS, 4);

/** The packet that completed a request. */
export const judged: JudgedPacket = {
  ...{ src: 0xffff00000001n, dst: 0xffff00000002n, sport: 4000, dport: 80, proto: 6 },
  direction: Direction.TO_SERVER,
  field: (name) =>
    name === Field.FLOW ? FlowBit.FLOWBIT_TRACKED | FlowBit.FLOWBIT_ESTABLISHED | FlowBit.FLOWBIT_TO_SERVER : undefined,
};
