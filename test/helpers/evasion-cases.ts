// SPDX-License-Identifier: Apache-2.0
// What is done to hide an HTTP header from whoever looks at segments, and what must come of it all the same.
import { bytesOf, completing, contiguous, cut, inOrder, type Piece, type Side } from './tcp-script.js';

export const rules = `
drop http any any -> any any (msg:"agent"; flow:established,to_server; http.user_agent; content:"evil-agent"; sid:1;)
alert http any any -> any any (msg:"request"; flow:established,to_server; http.uri; content:"/seen/"; startswith; sid:2;)
drop http any any -> any any (msg:"leak"; flow:established,to_client; http.header; content:"leaked-value"; sid:3;)
`;

/** The rule that drops, and the first and last piece with one of which it has to. */
export interface Hit {
  readonly sid: number;
  readonly first: number;
  readonly last: number;
}

export interface EvasionCase {
  readonly name: string;
  readonly pieces: readonly Piece[];
  /** URIs of the requests, in their order. */
  readonly requests: readonly string[];
  /** Absent: nothing is to be found. */
  readonly hit?: Hit;
  /** The engine alone sees it, which is told by the piece that completes the section. */
  readonly engine?: true;
  /** Counters of the kernel that must have grown. */
  readonly counts?: readonly string[];
}

const line = (uri: string, agent: string): string =>
  `GET ${uri} HTTP/1.1\r\nHost: h.example\r\nUser-Agent: ${agent}/1.0\r\nAccept: */*\r\n\r\n`;
const good = (n: number): string => line(`/seen/${n}`, 'good-agent');
const evil = line('/seen/evil', 'evil-agent');
/** In a body it is no header. */
const decoy = line('/seen/decoy', 'evil-agent');
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const leak = 'HTTP/1.1 200 OK\r\nServer: s\r\nX-Leak: leaked-value\r\nContent-Length: 2\r\n\r\nok';
const leakDecoy = 'HTTP/1.1 200 OK\r\nX-Leak: leaked-value\r\n\r\n';
const post = (headers: string, body: string): string =>
  `POST /seen/1 HTTP/1.1\r\nHost: h.example\r\nUser-Agent: good-agent\r\n${headers}\r\n\r\n${body}`;
const chunk = (text: string, more = ''): string => `${text.length.toString(16)}${more}\r\n${text}\r\n`;
const each = (text: string): number[] => Array.from({ length: text.length - 1 }, (_, i) => i + 1);

/** The pieces with one of which a word in the last message of a stream is seen. */
function hit(pieces: readonly Piece[], from: Side, stream: string): Hit {
  const [sid, word] = from === 'client' ? [1, 'evil-agent'] : [3, 'leaked-value'];
  const begins = stream.lastIndexOf(word);
  const blank = /\r?\n\r?\n/.exec(stream.slice(begins));
  const end = begins + (blank ? blank.index + blank[0].length : 0);
  return {
    sid,
    first: completing(pieces, from, begins + word.length),
    last: completing(pieces, from, end),
  };
}

const found: EvasionCase[] = [];

interface More {
  readonly requests?: readonly string[];
  readonly engine?: true;
  readonly counts?: readonly string[];
  /** No rule hits. */
  readonly missed?: true;
}

function add(side: Side, name: string, stream: string, pieces: readonly Piece[], { missed, ...more }: More): void {
  const requests = side === 'server' ? ['/seen/1'] : ['/seen/evil'];
  const wanted = missed ? {} : { hit: hit(pieces, side, stream) };
  found.push({ name: `${side}: ${name}`, pieces, requests, ...wanted, ...more });
}

function from(
  side: Side,
  name: string,
  stream: string,
  make: (pieces: (places?: readonly number[]) => Piece[]) => readonly Piece[],
  more: More = {},
): void {
  const before = side === 'server' ? cut('client', good(1)) : [];
  add(side, name, stream, [...before, ...make((places) => cut(side, stream, places))], more);
}

export interface Shape {
  readonly name: string;
  readonly pieces: readonly Piece[];
  /** Bytes come again with other content. */
  readonly conflict?: true;
}

/** What can be done to the segments of any stream; `word` is what is looked for in it. */
export function shapes(side: Side, stream: string, word: string): Shape[] {
  const middle = stream.indexOf(word) + 4;
  const blank = stream.indexOf('\r\n\r\n');
  const pieces = (...places: number[]): Piece[] => cut(side, stream, places);
  const slice = (a: number, b?: number): Piece[] => cut(side, stream.slice(a, b), [], a);
  const other = (at: number, bytes: string): Piece => ({ from: side, at, bytes: bytesOf(bytes) });
  const bare = stream.replaceAll('\r\n', '\n');
  return [
    { name: 'whole', pieces: pieces() },
    { name: 'split over two segments', pieces: pieces(middle) },
    { name: 'split in the first word and in the last line end', pieces: pieces(2, blank + 1, blank + 3) },
    { name: 'out of order', pieces: inOrder(pieces(20, middle), [0, 2, 1]) },
    { name: 'the last one first', pieces: inOrder(pieces(10, 20, 30, middle), [4, 3, 2, 1, 0]) },
    {
      name: 'every second one first',
      pieces: inOrder(pieces(8, 16, 24, 32, 40, middle), [1, 3, 5, 0, 2, 4, 6]),
    },
    { name: 'retransmitted', pieces: inOrder(pieces(20, middle), [0, 0, 1, 0, 1, 2]) },
    { name: 'retransmitted with more behind it', pieces: [...slice(0, 20), ...slice(0, middle), ...slice(10)] },
    {
      name: 'overlaps with other content',
      pieces: [...slice(0, middle), other(middle - 10, `XXXXXXXXXX${stream.slice(middle)}`)],
      conflict: true,
    },
    {
      name: 'overlaps with other content while it waits',
      pieces: [
        ...slice(0, 20),
        ...slice(middle - 8),
        other(30, `${stream.slice(30, middle - 8)}YYYYYYYYYYYY`),
        ...slice(20, 30),
      ],
      conflict: true,
    },
    { name: 'one byte a segment', pieces: pieces(...each(stream)) },
    { name: 'one byte a segment, from the end', pieces: pieces(...each(stream)).reverse() },
    { name: 'bare line feeds', pieces: cut(side, bare, [bare.indexOf(word) + 4]) },
  ];
}

function both(side: Side, stream: string, word: string): void {
  for (const { name, pieces, conflict } of shapes(side, stream, word)) {
    const text = name.startsWith('bare') ? stream.replaceAll('\r\n', '\n') : stream;
    from(side, name, text, () => pieces, conflict ? { counts: ['conflicts'] } : {});
  }
}

both('client', evil, 'evil-agent');
both('server', leak, 'leaked-value');

function client(name: string, stream: string, requests: readonly string[], more: More = {}): void {
  const start = stream.lastIndexOf('User-Agent: evil');
  from('client', name, stream, (pieces) => pieces([start + 14]), { requests, ...more });
}

const folded = evil.replace('User-Agent: ', 'User-Agent:\r\n ');
client('folded', folded, ['/seen/evil'], { engine: true });
client('empty lines in front', `\r\n\n${evil}`, ['/seen/evil']);
client('pipelined', `${good(1)}${good(2)}${evil}`, ['/seen/1', '/seen/2', '/seen/evil']);
client('behind a body', post(`Content-Length: ${decoy.length}`, decoy) + evil, ['/seen/1', '/seen/evil']);
client(
  'behind a body in chunks',
  post('Transfer-Encoding: chunked', `${chunk(decoy, ';a=b')}${chunk('x')}0\r\nX-T: 1\r\n\r\n`) + evil,
  ['/seen/1', '/seen/evil'],
);
client(
  'behind conflicting lengths',
  post('Content-Length: 5\r\nContent-Length: 400', '') + evil,
  ['/seen/1', '/seen/evil'],
  {
    counts: ['http_lengths'],
  },
);
client('behind a length and chunks', post('Content-Length: 400\r\nTransfer-Encoding: chunked', '') + evil, [
  '/seen/1',
  '/seen/evil',
]);
{
  const stream = post('Transfer-Encoding: chunked', `${chunk(decoy)}0\r\n\r\n`) + evil;
  const body = stream.indexOf('\r\n\r\n') + 4;
  const places = [body + 1, body + 3, body + 30, stream.indexOf('0\r\n\r\n', body) + 1, stream.indexOf(evil) + 3];
  const requests = ['/seen/1', '/seen/evil'];
  from('client', 'behind chunks whose sizes are split', stream, (pieces) => pieces(places), { requests });
  from('client', 'behind chunks out of order', stream, (pieces) => inOrder(pieces(places), [0, 1, 3, 2, 4, 5]), {
    requests,
  });
}
{
  const [first, second] = [evil.replace('evil-agent', 'good-agent'), evil];
  const at = first.indexOf('good-agent');
  from(
    'client',
    'other content later is not what the host reads',
    first,
    () => [
      ...cut('client', first.slice(0, 20)),
      ...cut('client', first.slice(at), [], at),
      ...cut('client', second.slice(20, at + 12), [], 20),
    ],
    { missed: true, counts: ['conflicts'] },
  );
}

/** A conversation: turns of both sides, each in one segment; the last message of `side` is the one that is looked for. */
function talk(
  name: string,
  side: Side,
  requests: readonly string[],
  ...turns: readonly (readonly [Side, string])[]
): void {
  const pieces: Piece[] = [];
  for (const [who, text] of turns) pieces.push(...cut(who, text, [], contiguous(pieces, who, pieces.length)));
  const stream = turns.flatMap(([who, text]) => (who === side ? [text] : [])).join('');
  add(side, name, stream, pieces, { requests });
}

const head = 'HEAD /seen/1 HTTP/1.1\r\nHost: h\r\n\r\n';
talk(
  'behind 100 Continue',
  'server',
  ['/seen/1'],
  ['client', post('Content-Length: 2\r\nExpect: 100-continue', '')],
  ['server', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['client', 'ab'],
  ['server', leak],
);
talk(
  'behind the answer to HEAD',
  'server',
  ['/seen/1', '/seen/2'],
  ['client', head],
  ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n'],
  ['client', good(2)],
  ['server', leak],
);
talk(
  'behind HEAD, pipelined',
  'server',
  ['/seen/1', '/seen/2'],
  ['client', head + good(2)],
  ['server', `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${leak}`],
);
for (const status of ['204 No Content', '304 Not Modified']) {
  talk(
    `behind ${status}`,
    'server',
    ['/seen/1', '/seen/2'],
    ['client', good(1)],
    ['server', `HTTP/1.1 ${status}\r\nContent-Length: 5000\r\n\r\n`],
    ['client', good(2)],
    ['server', leak],
  );
}
talk(
  'behind a body with a length',
  'server',
  ['/seen/1', '/seen/2'],
  ['client', good(1) + good(2)],
  ['server', `HTTP/1.1 200 OK\r\nContent-Length: ${leakDecoy.length}\r\n\r\n${leakDecoy}`],
  ['server', leak],
);
talk(
  'behind a body in chunks',
  'server',
  ['/seen/1', '/seen/2'],
  ['client', good(1)],
  ['server', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(leakDecoy)}`],
  ['server', `0\r\n\r\n`],
  ['client', good(2)],
  ['server', leak],
);
talk(
  'kept alive through all of it',
  'client',
  ['/seen/1', '/seen/2', '/seen/3', '/seen/evil'],
  ['client', post(`Content-Length: ${decoy.length}`, decoy)],
  ['server', ok],
  ['client', good(2)],
  ['server', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(leakDecoy)}0\r\n\r\n`],
  ['client', good(3)],
  ['server', 'HTTP/1.1 304 Not Modified\r\n\r\n'],
  ['client', evil],
);

export const evasionCases: readonly EvasionCase[] = found;
