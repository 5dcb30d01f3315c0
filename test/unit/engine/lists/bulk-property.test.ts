// SPDX-License-Identifier: Apache-2.0
// Random changes in bulk and single ones against a reference that is a map of prefix and origin.

import { join } from 'node:path';
import t from 'tap';
import { formatPrefix, type Prefix } from '../../../../common/address.js';
import { batchOf, enforced, fixture, prefixes, randomizer, texts } from './fixture.js';

t.setTimeout(120_000);

t.test('random bulk and single changes against a reference', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  let f = fixture({ file });
  const random = randomizer(99);
  const wanted = new Map<string, { prefix: Prefix; origin: string; expires: number }>();
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  const prefix = (): Prefix =>
    random(3) === 0
      ? (prefixes(`2001:db8:${random(8)}::${random(20)}/${pick([48, 64, 127, 128])}`)[0] as Prefix)
      : (prefixes(`10.0.${random(4)}.${random(64)}/${pick([24, 28, 31, 32, 32])}`)[0] as Prefix);
  const key = (p: Prefix, origin: string): string => `${formatPrefix(p)} ${origin}`;
  for (let step = 0; step < 400; step++) {
    const origin = pick(['manual', 'feed:a', 'feed:b', 'feed:c']);
    const some = Array.from({ length: random(60) }, prefix);
    const ttl = pick([undefined, 5, 40, 300]);
    const expires = ttl === undefined ? Infinity : f.clock.wall + ttl;
    const options = ttl === undefined ? {} : { ttl };
    const put = (): void => some.forEach((p) => wanted.set(key(p, origin), { prefix: p, origin, expires }));
    const drop = (of: (one: { prefix: Prefix; origin: string; expires: number }) => boolean): void => {
      for (const [name, one] of wanted) if (of(one)) wanted.delete(name);
    };
    const what = random(12);
    if (what < 3) {
      await f.blocklist.bulk.replaceOrigin(origin, batchOf(some), options);
      drop((one) => one.origin === origin);
      put();
    } else if (what < 5) {
      await f.blocklist.bulk.importBatch(batchOf(some), { origin, ...options });
      put();
    } else if (what < 6) {
      await f.blocklist.bulk.removeBatch(origin, batchOf(some));
      some.forEach((p) => wanted.delete(key(p, origin)));
    } else if (what < 8) {
      f.blocklist.add({ prefixes: some.slice(0, 4), origin, ttl });
      some.slice(0, 4).forEach((p) => wanted.set(key(p, origin), { prefix: p, origin, expires }));
    } else if (what < 9) {
      await f.blocklist.removeSoon(some.slice(0, 4));
      const gone = new Set(some.slice(0, 4).map(formatPrefix));
      drop((one) => gone.has(formatPrefix(one.prefix)));
    } else if (what < 10) {
      f.clock.advance(random(30));
    } else if (what < 11) {
      f.close();
      f = fixture({ file, clock: f.clock, tables: f.tables });
    } else if (random(10) === 0) {
      await f.blocklist.clear(origin);
      drop((one) => one.origin === origin);
    }
    f.blocklist.sweep();
    drop((one) => one.expires <= f.clock.wall);
    const have = texts(f).sort();
    const want = [...wanted.keys()].sort();
    const distinct = new Set([...wanted.values()].map((one) => formatPrefix(one.prefix)));
    if (have.join() !== want.join() || enforced(f) !== distinct.size || f.blocklist.size !== distinct.size) {
      t.same(
        { have, enforced: enforced(f), size: f.blocklist.size },
        { have: want, enforced: distinct.size, size: distinct.size },
        `step ${step} (${what})`,
      );
      return;
    }
    if (step % 10 > 0) continue;
    const repairs = f.blocklist.reconcile();
    if (repairs.put + repairs.removed > 0) {
      t.same(repairs, { put: 0, removed: 0 }, `step ${step} (${what})`);
      return;
    }
  }
  t.ok(wanted.size > 0);
  f.close();
});
