// SPDX-License-Identifier: Apache-2.0
// Bodies out of a direction's bytes, however they are cut into records, and unpacked.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { codingsOf, decodeBody, DECODED_MAX } from '../../../../engine/layer7/decode-body.js';
import { bodyOf, HttpDirection, type HttpMessage } from '../../../../engine/layer7/http-body.js';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('latin1');

/** The bodies of both directions when their bytes come in pieces of `step`. */
function bodies(
  requests: string | Buffer,
  responses: string | Buffer,
  step: number,
): { asked: unknown[]; answered: unknown[] } {
  const asked: Uint8Array[] = [];
  const read = (bytes: Buffer, response: boolean): unknown[] => {
    const direction = new HttpDirection(response, asked);
    const found = new Map<HttpMessage, unknown>();
    const note = (message: HttpMessage): void => {
      const { decoded } = bodyOf(message);
      const of = response ? [text(message.request)?.split(' ')[1]] : [];
      found.set(message, [message.number, text(decoded), message.complete, ...of]);
    };
    for (let at = step; at < bytes.length + step; at += step) direction.read(bytes.subarray(0, at), note);
    direction.end(note);
    return [...found.values()];
  };
  return {
    asked: read(Buffer.from(requests as string, 'latin1'), false),
    answered: read(Buffer.from(responses as string, 'latin1'), true),
  };
}

const REQUESTS =
  'POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\n\r\nHEAD /c HTTP/1.1\r\n\r\n' +
  'POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\nPUT /e HTTP/1.1\nContent-Length: 2\n\nzz';
const RESPONSES =
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none' +
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end';

t.test('bodies, whatever the pieces', async (t) => {
  for (const step of [1, 2, 3, 7, 50, 10_000]) {
    const { asked, answered } = bodies(REQUESTS, RESPONSES, step);
    t.strictSame(
      asked,
      [
        [1, 'hello', true],
        [2, '', true],
        [3, '', true],
        [4, 'abcde', true],
        [5, 'zz', true],
      ],
      `step ${step}`,
    );
    t.strictSame(
      answered,
      [
        [1, '', true, undefined],
        [1, 'one', true, '/a'],
        [2, '', true, '/b'],
        [3, '', true, '/c'],
        [4, 'four', true, '/d'],
        [5, 'to the end', true, '/e'],
      ],
      `step ${step}`,
    );
  }
});

t.test('what is no message ends the reading', async (t) => {
  for (const bytes of [
    'garbage\r\n\r\n',
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n',
  ]) {
    const direction = new HttpDirection(false, []);
    direction.read(Buffer.from(bytes), () => undefined);
    t.ok(direction.lost, bytes);
  }
});

t.test('packed bodies, whole, cut and damaged', async (t) => {
  const plain = Buffer.from(Array.from({ length: 400 }, (_, n) => `line ${n * n} `).join(''));
  const packed = { gzip: gzipSync(plain), deflate: deflateSync(plain), br: brotliCompressSync(plain) };
  for (const [coding, bytes] of Object.entries(packed)) {
    const codings = codingsOf(coding) ?? [];
    t.strictSame(text(decodeBody(bytes, codings)), plain.toString(), coding);
    const half = text(decodeBody(bytes.subarray(0, bytes.length >> 1), codings)) ?? '';
    t.ok(half.length > 100 && plain.toString().startsWith(half), `${coding}: half of it`);
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, damaged.length >> 1);
    t.ok(plain.toString().startsWith((text(decodeBody(damaged, codings)) ?? '').slice(0, 100)), `${coding}: damaged`);
  }
  t.equal(text(decodeBody(deflateRawSync(plain), ['deflate'])), plain.toString(), 'raw deflate');
  t.equal(text(decodeBody(brotliCompressSync(packed.gzip), ['gzip', 'br'])), plain.toString(), 'two layers');
  const bomb = decodeBody(gzipSync(Buffer.alloc(50 << 20)), ['gzip']);
  t.ok(bomb !== undefined && bomb.length > 0 && bomb.length <= DECODED_MAX, 'a bomb');
  t.equal(decodeBody(Buffer.from('no gzip'), ['gzip']), undefined);
  t.equal(codingsOf('gzip, compress'), undefined);
  t.strictSame(codingsOf(' X-GZIP ,identity'), ['gzip']);
});

t.test('whatever the bytes are', async (t) => {
  for (let n = 0; n < 3000; n++) {
    const bytes = Buffer.from(n & 1 ? REQUESTS : RESPONSES);
    for (let k = n % 9; k >= 0; k--) bytes[Math.floor(Math.random() * bytes.length)] = [0, 10, 13, 48, 255][n % 5] ?? n;
    const direction = new HttpDirection(n % 2 === 0, []);
    for (let at = 0; at <= bytes.length; at += 1 + (n % 60))
      direction.read(bytes.subarray(0, at), (message) => void bodyOf(message));
    direction.end(() => undefined);
  }
  t.pass('no crash');
});
