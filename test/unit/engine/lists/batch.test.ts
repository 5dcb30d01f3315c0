// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { decodeBatch, encodeBatch } from '../../../../engine/lists/batch-codec.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { compareBatches, lowerBound4, lowerBound6, unionBatches } from '../../../../engine/lists/batch-ops.js';
import { batchTexts } from '../../../../engine/lists/batch-text.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { randomBatch, randomizer } from './random-batch.js';

const texts = (batch: PrefixBatch): string[] => [...batchTexts(batch)];

void t.test('union and difference equal those of sets of texts', (t) => {
  const random = randomizer(11);
  for (let round = 0; round < 100; round++) {
    const a = randomBatch(random, random(80), { dense: true });
    const b = randomBatch(random, random(80), { dense: true, extra: round % 2 === 0 });
    const [inA, inB] = [new Set(texts(a)), new Set(texts(b))];
    const { added, removed, kept } = compareBatches(a, b);
    t.same(
      texts(added),
      texts(b).filter((text) => !inA.has(text)),
    );
    t.same(
      texts(removed),
      texts(a).filter((text) => !inB.has(text)),
    );
    t.same(
      texts(kept),
      texts(b).filter((text) => inA.has(text)),
    );
    const union = unionBatches([a, b]);
    t.equal(union.count, new Set([...inA, ...inB]).size);
    t.same(texts(unionBatches([union, a])), texts(union), 'twice is once');
    for (let i = 0; i < union.len4.length; i++) t.equal(lowerBound4(union, union.addr4[i] ?? 0, union.len4[i] ?? 0), i);
    for (let i = 0; i < union.len6.length; i++) {
      t.equal(lowerBound6(union, [...union.addr6.subarray(4 * i, 4 * i + 4)], union.len6[i] ?? 0), i);
    }
  }
  t.end();
});

void t.test('of equal entries the longer life and what is said win', (t) => {
  const builder = new BatchBuilder();
  for (const [expires, reason] of [
    [NaN, ''],
    [5, 'first'],
    [9, 'second'],
    [7, ''],
  ] as const) {
    const mark = builder.mark();
    builder.add4(0xc0000207, 32);
    builder.describe(mark, expires, reason);
  }
  const { count, extra } = builder.build();
  t.equal(count, 1);
  t.equal(extra?.expires4[0], 9);
  t.equal(extra?.reasons[extra.reason4[0] ?? 0], 'first');
  t.end();
});

void t.test('bytes and back', (t) => {
  const random = randomizer(5);
  for (let round = 0; round < 100; round++) {
    const batch = randomBatch(random, random(100), { extra: round % 2 === 0 });
    const header = { origin: 'feed:x', n: round };
    const back = decodeBatch(encodeBatch(batch, header), 1000);
    t.same(back.header, header);
    t.same(back.batch, batch);
    // A body that starts anywhere in a buffer is read as well.
    const shifted = Buffer.concat([Buffer.alloc(3), encodeBatch(batch, header)]).subarray(3);
    t.same(decodeBatch(shifted, 1000).batch, batch);
  }
  t.end();
});

void t.test('a batch that is to be taken in is bounded before it is read', (t) => {
  const room = { entries4: 3, entries6: 0, capacity4: 8, capacity6: 2 };
  const many = (count: number, expires: (i: number) => number, reason: (i: number) => string) => {
    const builder = new BatchBuilder(count);
    for (let i = 0; i < count; i++) {
      const mark = builder.mark();
      builder.add4(i, 32);
      builder.describe(mark, expires(i), reason(i));
    }
    return encodeBatch(builder.build());
  };
  const plain = (count: number) =>
    many(
      count,
      () => NaN,
      () => '',
    );
  t.equal(decodeBatch(plain(10), 1000, room).batch.count, 10);
  t.throws(() => decodeBatch(plain(11), 1000, room), {
    code: 'LIST_FULL',
    details: { family: 'IPv4', entries: 3, capacity: 8, requested: 11, free: 5 },
  });
  // The counts alone are enough.
  t.throws(() => decodeBatch(plain(11).subarray(0, 32), 1000, room), { code: 'LIST_FULL' });
  const large = { ...room, capacity4: 1_000_000 };
  const kinds = (count: number, body: (n: number) => Buffer, message: RegExp): void => {
    t.equal(decodeBatch(body(count), 1_000_000, large).batch.count, count);
    t.throws(() => decodeBatch(body(count + 1), 1_000_000, large), { code: 'LIST_INVALID', message });
    t.equal(decodeBatch(body(count + 1), 1_000_000).batch.count, count + 1, 'what is ours has no such bound');
  };
  kinds(
    65_536,
    (n) =>
      many(
        n,
        (i) => 1000 + i,
        () => '',
      ),
    /more than 65536 different expiries: import it in parts/,
  );
  kinds(
    65_536,
    (n) =>
      many(
        n,
        () => NaN,
        (i) => `why ${i}`,
      ),
    /more than 65536 different reasons/,
  );
  t.end();
});

void t.test('damaged bytes are refused, never trusted', (t) => {
  const batch = randomBatch(randomizer(9), 40, { extra: true });
  const good = encodeBatch(batch, { a: 1 });
  for (let cut = 0; cut < good.length; cut++) {
    t.throws(() => decodeBatch(good.subarray(0, cut), 1000), { code: 'LIST_INVALID' }, `cut at ${cut}`);
  }
  t.throws(() => decodeBatch(good, 10), { code: 'LIST_INVALID', message: /more than 10/ });
  const random = randomizer(13);
  for (let round = 0; round < 1000; round++) {
    const damaged = Buffer.from(good);
    damaged[random(damaged.length)] = random(256);
    try {
      const { batch: read } = decodeBatch(damaged, 1000);
      t.equal(new Set(texts(read)).size, read.count);
    } catch (error) {
      t.equal((error as { code?: string }).code, 'LIST_INVALID', String(error));
    }
  }
  const one = {
    ...batch,
    addr4: Uint32Array.of(0xc0000207),
    len4: Uint8Array.of(24),
    addr6: new Uint32Array(0),
    len6: new Uint8Array(0),
  };
  const { extra: _extra, ...bare } = { ...one, count: 1 };
  t.throws(() => decodeBatch(encodeBatch(bare), 10), { message: /IPv4 entry 0 is no prefix/ });
  const twice = { ...bare, addr4: Uint32Array.of(5, 5), len4: Uint8Array.of(32, 32), count: 2 };
  t.throws(() => decodeBatch(encodeBatch(twice), 10), { message: /not in order/ });
  t.end();
});
