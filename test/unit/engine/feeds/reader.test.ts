// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { readContent } from '../../../../engine/feeds/reader.js';

const bounds = { maxBytes: 1 << 28, maxEntries: 1_000_000 };

void t.test('what is packed is read by another thread, however small it is', async (t) => {
  const text = Buffer.from('# a comment\n'.repeat(1_300_000) + '192.0.2.1\n');
  const bytes = gzipSync(text);
  t.ok(bytes.length < 32 * 1024);
  for (const encoded of [false, true]) {
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const started = performance.now();
    const { batch } = await readContent({ bytes: Uint8Array.from(bytes), encoded, ...bounds });
    const took = performance.now() - started;
    longest = Math.max(longest, performance.now() - last);
    clearInterval(beat);
    t.equal(batch.count, 1);
    t.ok(longest < took / 2, `the thread was held for ${longest.toFixed()} of ${took.toFixed()} ms`);
  }
});

void t.test('gzip in gzip is no list: it is unpacked once', async (t) => {
  const twice = gzipSync(gzipSync('# a comment\n'.repeat(8_000_000)));
  t.ok(twice.length < 2000);
  for (const encoded of [false, true]) {
    const read = readContent({ bytes: twice, encoded, ...bounds });
    await t.rejects(read, { code: 'LIST_INVALID', message: /gzip in gzip/ });
  }
});

void t.test('a large list is not copied for the thread', async (t) => {
  const bytes = new Uint8Array(100_000).fill(0x0a);
  await readContent({ bytes, encoded: false, ...bounds });
  t.equal(bytes.buffer.byteLength, 0);
});

void t.test('entries of all origins of a list are one batch', async (t) => {
  const line = (i: number): string => JSON.stringify({ prefix: `192.0.2.${i}`, origin: `o${i}`, action: 'drop' });
  const bytes = Buffer.from([0, 1, 2, 3].map(line).join('\n'));
  const { batch } = await readContent({ bytes, encoded: false, ...bounds });
  t.equal(batch.count, 4);
});
