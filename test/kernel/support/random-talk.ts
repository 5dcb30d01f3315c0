// SPDX-License-Identifier: Apache-2.0
// Random conversations of HTTP, TLS and DNS over TCP, as messages of either side, and random ways to send them.

import { dnsMessage, question, record } from '../../helpers/dns-bytes.js';
import { alpnExtension, hello, records, sniExtension, u16 } from '../../helpers/tls-bytes.js';
import type { Random } from '../../unit/rules/support/random.js';
import { TCP } from './frames.js';
import { randomName, randomRequest } from './message-rules.js';
import { Talk, type Ends } from './talk.js';

/** Stands in masked values alone. */
export const SECRET = 'S3CRET';

export interface Spoken {
  readonly side: 'up' | 'down';
  readonly bytes: Buffer;
  /** HTTP: where its header section begins and ends. */
  readonly head?: readonly [from: number, to: number];
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

function body(r: Random): { lines: string; bytes: string } {
  const text = 'the evil body of a message '.slice(r.int(20)).repeat(r.int(5));
  if (r.chance(60)) return { lines: `Content-Length: ${text.length}\r\n`, bytes: text };
  const sizes = Array.from({ length: text === '' ? 0 : 1 + r.int(3) }, () => 1 + r.int(text.length));
  let [at, chunks] = [0, ''];
  for (const size of [...sizes, text.length]) {
    const part = text.slice(at, at + size);
    if (part === '') continue;
    chunks += `${part.length.toString(16)}${r.chance(20) ? ';x=y' : ''}\r\n${part}\r\n`;
    at += size;
  }
  return {
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: `${chunks}0\r\n${r.chance(10) ? 'X-Trailer: a\r\n' : ''}\r\n`,
  };
}

function request(r: Random): Spoken {
  // Rules see through a mask where they name the header or are looked for by the literal; here none is to need it.
  const text = randomRequest(r).replaceAll(';token=', ';broken=');
  const secrets = [
    `Authorization: ${SECRET}\r\n`,
    `Cookie: id=${SECRET}; b=${SECRET}\r\n`,
    `x-api-key:${SECRET}\r\n`,
    `Proxy-Authorization: Basic ${SECRET}${'='.repeat(r.int(40))}\r\n`,
  ].filter(() => r.chance(40));
  const sent = r.chance(35) ? body(r) : { lines: '', bytes: '' };
  const target = r.chance(25) ? text.replace(/ HTTP\/1\.1\r\n/, `?a=1&token=${SECRET}&b=2$&`) : text;
  const head = target.replace(/\r\n$/, `${secrets.join('')}${sent.lines}\r\n`);
  return { side: 'up', bytes: latin(head + sent.bytes), head: [0, head.length] };
}

function response(r: Random): Spoken {
  const status = r.pick([200, 200, 404, 500, 204, 304]);
  const sent = status === 204 || status === 304 ? { lines: '', bytes: '' } : body(r);
  const lines = r.chance(50) ? `Set-Cookie: ${SECRET}\r\n` : '';
  const kind = r.chance(50) ? 'Content-Type: text/html\r\nX-Bad: evil\r\n' : '';
  const head = `HTTP/1.1 ${status} Fine\r\n${kind}${lines}${sent.lines}\r\n`;
  const early = r.chance(8) ? 'HTTP/1.1 100 Continue\r\n\r\n' : '';
  return { side: 'down', bytes: latin(early + head + sent.bytes), head: [early.length, early.length + head.length] };
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([u16(message.length), message]);
}

export const randomQuery = (r: Random): Buffer =>
  dnsMessage({
    id: r.int(65_536),
    questions: [question(`${r.pick(['www', 'evil', 'a'])}.${r.pick(['b', 'evil', 'EVIL'])}.org`)],
  });

export function randomAnswer(r: Random, query: Buffer): Buffer {
  const name = question('evil.b.org');
  const answers = [record('evil.b.org', 1, Uint8Array.of(10, 0, 0, r.int(256)))];
  return dnsMessage({ id: query.readUInt16BE(0), flags: 0x8180, questions: [name], answers });
}

/** Messages in the order in which they are sent. */
export function randomTalk(r: Random): Spoken[] {
  const kind = r.int(10);
  if (kind === 0) {
    const extensions = [
      sniExtension(randomName(r)),
      alpnExtension('h2', 'http/1.1'),
      [0xff01, Buffer.alloc(r.int(900))] as const,
    ];
    const answer = hello({ extensions: [[43, u16(0x0304)]] }, false);
    return [
      { side: 'up', bytes: records(hello({ extensions, ciphers: [0x1301, 0x1302, 0xc02f] }), r.pick([16_384, 100])) },
      { side: 'down', bytes: records(answer) },
    ];
  }
  if (kind === 1) {
    const query = randomQuery(r);
    return [
      { side: 'up', bytes: framed(query) },
      { side: 'down', bytes: framed(randomAnswer(r, query)) },
    ];
  }
  const pairs = Array.from({ length: 1 + r.int(3) }, () => [request(r), response(r)] as const);
  // Pipelined, or one after the other.
  return r.chance(30) ? [...pairs.map(([a]) => a), ...pairs.map(([, b]) => b)] : pairs.flat();
}

/** Bytes flipped, put in, taken out or repeated; nothing secret stays in them. */
export function mutate(r: Random, bytes: Buffer): Buffer {
  let out = Buffer.from(bytes.toString('latin1').replaceAll(SECRET, 'public'), 'latin1');
  for (let n = 1 + r.int(4); n > 0 && out.length > 0; n--) {
    const at = r.int(out.length);
    const kind = r.int(5);
    if (kind < 2) out[at] = r.int(256);
    else if (kind === 2)
      out = Buffer.concat([
        out.subarray(0, at),
        latin(r.pick(['\r\n', '\n', '\0', ' ', ':', '%00', 'x'.repeat(r.int(300))])),
        out.subarray(at),
      ]);
    else if (kind === 3) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + r.int(30))]);
    else out = Buffer.concat([out.subarray(0, at + 1), out.subarray(Math.max(0, at - 20))]);
  }
  return out;
}

interface Piece {
  readonly from: number;
  readonly bytes: Buffer;
}

/** Segments of a message: cut anywhere, in another order, twice, overlapping, and again with other content behind them. */
function segments(r: Random, bytes: Buffer): Piece[] {
  const most = r.pick([1, 2, 3, 6, bytes.length < 80 ? bytes.length : 9]);
  const cuts = [...new Set(Array.from({ length: most - 1 }, () => 1 + r.int(Math.max(1, bytes.length - 1))))].sort(
    (a, b) => a - b,
  );
  const pieces = [0, ...cuts].map((from, i): Piece => ({ from, bytes: bytes.subarray(from, cuts[i] ?? bytes.length) }));
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i];
    if (!piece) continue;
    // Overlapping: it begins with what was sent before, or goes on into what follows.
    if (r.chance(10))
      pieces[i] = {
        from: Math.max(0, piece.from - 5),
        bytes: bytes.subarray(Math.max(0, piece.from - 5), piece.from + piece.bytes.length),
      };
    else if (r.chance(5))
      pieces[i] = { from: piece.from, bytes: bytes.subarray(piece.from, piece.from + piece.bytes.length + 7) };
  }
  for (let n = r.chance(25) ? r.int(4) : 0; n > 0 && pieces.length > 1; n--) {
    const at = r.int(pieces.length - 1);
    const [a, b] = [pieces[at], pieces[at + 1]];
    if (a && b) [pieces[at], pieces[at + 1]] = [b, a];
  }
  if (r.chance(15)) pieces.splice(r.int(pieces.length) + 1, 0, r.pick(pieces));
  return pieces.filter((piece) => piece.bytes.length > 0);
}

export interface Sending {
  /** Segments that never come, resets and ends in the middle. */
  readonly lossy: boolean;
  /** One segment a message, in order. */
  readonly plain: boolean;
  /** Segments of something else, some of them in the place of what is still to come. */
  readonly stray: boolean;
}

/** The frames of a conversation. */
export function framesOf(r: Random, messages: readonly Spoken[], ends: Ends, how: Sending): Uint8Array[] {
  const talk = new Talk(ends);
  const frames = talk.handshake();
  for (const { side, bytes } of messages) {
    const turn = side === 'up' ? 0 : 1;
    const base = talk.next[turn];
    const pieces = how.plain ? [{ from: 0, bytes }] : segments(r, bytes);
    for (const piece of pieces) {
      if (how.lossy && r.chance(8)) continue;
      frames.push(talk[side]({ seq: (base + piece.from) >>> 0, payload: piece.bytes }));
      if (how.lossy && r.chance(3))
        frames.push(r.chance(50) ? talk.rst(r.pick(['up', 'down'] as const)) : talk.fin(side));
      if (how.stray && r.chance(5))
        frames.push(talk[side]({ seq: (base + r.int(3000) - 500) >>> 0, payload: latin('GET /other HTTP/1.1\r\n') }));
    }
    talk.next[turn] = (base + bytes.length) >>> 0;
    // What has been there stays, whatever comes later in its place.
    if (!how.plain && (!how.lossy || how.stray) && r.chance(10)) {
      const from = r.int(bytes.length);
      const other = Buffer.from(bytes.subarray(from, from + 40)).fill(0x21);
      frames.push(talk[side]({ seq: (base + from) >>> 0, payload: other }));
    }
  }
  if (!how.lossy || r.chance(50)) frames.push(talk.fin('up'), talk.fin('down'), talk.up({ flags: TCP.ACK }));
  return frames;
}
