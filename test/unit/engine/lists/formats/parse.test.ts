// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { listOf } from './list-of.js';

void t.test('gzip, and what is no text', (t) => {
  const text = Buffer.from('192.0.2.7\n198.51.100.0/24\n'.repeat(100));
  const packed = gzipSync(text);
  t.same(listOf(packed).entries, ['192.0.2.7', '198.51.100.0/24']);
  t.throws(() => listOf(packed.subarray(0, packed.length - 4)), { code: 'LIST_INVALID', message: /cut off/ });
  t.throws(() => listOf(packed, { maxBytes: 100 }), {
    code: 'LIST_INVALID',
    message: /larger than 100 bytes unpacked/,
  });
  t.throws(() => listOf(text, { maxBytes: 100 }), { code: 'LIST_INVALID', message: /larger than 100 bytes:/ });
  t.throws(() => listOf(Buffer.from('504b030400', 'hex')), { code: 'LIST_INVALID', message: /a zip file/ });
  t.throws(() => listOf(Buffer.from('\ufeff192.0.2.7\n', 'utf16le')), { code: 'LIST_INVALID', message: /UTF-16/ });
  t.end();
});

void t.test('bounds on entries hold for ranges and every format', (t) => {
  for (const [text, format] of [
    ['192.0.2.1\n192.0.2.2\n192.0.2.3\n', 'plain'],
    ['192.0.2.1-192.0.2.6\n', 'plain'],
    ['a,ip\n1,192.0.2.1-192.0.2.6\n', 'csv'],
    ['add a 192.0.2.1-192.0.2.6\n', 'ipset'],
    ['{ 192.0.2.1-192.0.2.6 }\n', 'nft'],
    ['["192.0.2.1","192.0.2.2","192.0.2.3"]', 'json'],
  ] as const) {
    t.throws(
      () => listOf(text, { format, maxEntries: 2 }),
      { code: 'LIST_INVALID', message: /more than 2 entries/ },
      format,
    );
  }
  t.end();
});

void t.test('many origins in one file take no more memory than their entries, and have a bound', (t) => {
  const text = (count: number): string =>
    Array.from({ length: count }, (_, i) => `{"prefix":"10.0.${i >> 8}.${i & 255}","origin":"o${i}"}\n`).join('');
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const onProgress = (): void => void (peak = Math.max(peak, process.memoryUsage().arrayBuffers));
  const { list } = listOf(text(10_000), { onProgress });
  t.equal(list.groups.length, 10_000);
  t.equal(list.count, 10_000);
  t.ok(peak - before < 30e6, `${peak - before} bytes`);
  const many = text(20_000);
  t.throws(() => listOf(many), { code: 'LIST_INVALID', message: /more than 16384 kinds of entries/ });
  t.same(listOf(many, { together: true }).list.groups.length, 1);
  t.end();
});

void t.test('a page that is no list is refused as a whole', (t) => {
  const page = Array.from({ length: 30 }, (_, i) => `<p>line ${i}</p>`).join('\n');
  t.throws(() => listOf(page), {
    code: 'LIST_INVALID',
    message: /30 lines are bad and 0 good \(line 1, column 1: this looks like HTML/,
  });
  t.same(listOf('').entries, [], 'nothing is an empty list');
  t.end();
});

void t.test('random and truncated bytes give a list or a typed error', (t) => {
  const samples = [
    '192.0.2.0/24 ; x\n2001:db8::-2001:db8::7\n',
    'a,"b ""c",ip\n1,"2\n3",192.0.2.7\n',
    'create a hash:ip\nadd a 192.0.2.7 timeout 5 comment "x"\n',
    'table inet a {\n set b {\n elements = { 192.0.2.7 timeout 1h, ::1 }\n}\n}\n',
    '[{"prefix":"192.0.2.0/24","expires":null,"reason":"a"},\n{"ip":"::1"}]\n',
  ];
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
  let ran = 0;
  for (const sample of samples) {
    const bytes = Buffer.from(sample);
    for (let cut = 0; cut <= bytes.length; cut++, ran++) attempt(bytes.subarray(0, cut));
    for (let round = 0; round < 2000; round++, ran++) {
      const damaged = Buffer.from(bytes);
      for (let i = 0; i <= random(4); i++) damaged[random(damaged.length)] = random(256);
      attempt(damaged);
    }
  }
  t.ok(ran > 10_000);
  t.end();

  function attempt(bytes: Buffer): void {
    for (const format of [undefined, 'plain', 'csv', 'json', 'ipset', 'nft'] as const) {
      try {
        listOf(bytes, format === undefined ? {} : { format });
      } catch (error) {
        if ((error as { code?: string }).code === 'LIST_INVALID') continue;
        t.fail(`${format}: ${String(error)}`, { bytes: bytes.toString('hex') });
      }
    }
  }
});
