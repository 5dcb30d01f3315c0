// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { BufferId, parseHttpResponse } from '../../../rules/index.js';
import { Random } from './support/random.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1');

t.test('status line and header lines', async (t) => {
  const shown = (section: string): unknown => {
    const response = parseHttpResponse(bytes(section));
    if (!response) return undefined;
    const { protocol, status, reason, complete } = response;
    const header = text(response.buffer(BufferId.HEADER, 0));
    return [text(protocol), text(status), text(reason), header, complete, response.open(BufferId.HEADER)];
  };
  t.same(shown('HTTP/1.1 200 OK\r\nServer: nginx\r\nA: b\r\n\r\n'), [
    'HTTP/1.1',
    '200',
    'OK',
    'Server: nginx\r\nA: b\r\n',
    true,
    false,
  ]);
  t.match(shown('HTTP/1.0 404 Not  Found\nA:1\nSet-Cookie: x\nB:  2 \n\n'), [
    'HTTP/1.0',
    '404',
    'Not  Found',
    'A: 1\r\nB: 2\r\n',
    true,
  ]);
  t.same(shown('HTTP/1.1 204\r\n\r\n'), ['HTTP/1.1', '204', '', undefined, true, false]);
  t.match(shown('http/1.1 200 OK\r\nA: 1\r\nSET-COOKIE: s\r\nA: 2\r\n\r\n'), ['http/1.1', '200', 'OK', 'A: 1, 2\r\n']);
  t.match(shown('HTTP/1.1 200 OK\r\nA: 1\r\nB: half'), ['HTTP/1.1', '200', 'OK', 'A: 1\r\nB: half', false, true]);
  t.same(shown('HTTP/1.1 200 OK'), ['HTTP/1.1', '200', 'OK', undefined, false, true]);
  t.equal(shown('GET / HTTP/1.1\r\n\r\n'), undefined);
  t.equal(shown(''), undefined);
});

t.test('any bytes give a response or none', async (t) => {
  const r = new Random(Date.now() & 0xffffff);
  const whole = bytes('HTTP/1.1 200 OK\r\nServer: a\r\n b\r\nSet-Cookie: c\r\nA : d\r\n\r\n');
  for (let round = 0; round < 2000; round++) {
    const cut = whole.slice(0, r.int(whole.length + 1));
    for (let i = r.int(4); i > 0; i--) if (cut.length > 0) cut[r.int(cut.length)] = r.int(256);
    parseHttpResponse(cut)?.buffer(BufferId.HEADER, 0);
  }
  t.pass('2000 mutated sections');
});
