// SPDX-License-Identifier: Apache-2.0
// Random operations against a reference that knows nothing of tables: an address is blocked while any claim covers it.

import { join } from 'node:path';
import t from 'tap';
import { covers, formatPrefix, parseAddress, parsePrefix, type Prefix } from '../../../../common/address.js';
import { MemoryTables } from '../../../../engine/lists/index.js';
import { enforced, fixture, judged, randomizer } from './fixture.js';

interface Wanted {
  prefix: Prefix;
  origin: string;
  expires: number;
  forced: boolean;
}

const OPERATIONS = 6_000;

t.test(`${OPERATIONS} random operations`, async (t) => {
  const random = randomizer(20260101);
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  const file = join(t.testdir(), 'lists.db');
  let f = fixture({ file });
  const wanted = new Map<string, Wanted>();

  const address = (): string =>
    random(4) === 0
      ? `2001:db8:${random(4).toString(16)}::${random(8).toString(16)}`
      : `10.${random(2)}.${random(4)}.${random(16)}`;
  const prefix = (): Prefix => {
    const text = address();
    const length = text.includes(':')
      ? pick([32, 33, 47, 48, 64, 125, 127, 128])
      : pick([8, 9, 15, 16, 22, 24, 28, 30, 31, 32, 32, 32]);
    return parsePrefix(`${text}/${length}`);
  };
  const key = (p: Prefix, origin: string): string => `${formatPrefix(p)} ${origin}`;
  const alive = (bytes: Uint8Array): Wanted[] =>
    [...wanted.values()].filter((one) => one.expires > f.clock.wall && covers(one.prefix, { bytes, length: 128 }));

  const operations: Record<string, () => void | Promise<void>> = {
    add: () => {
      const [p, origin, ttl, forced] = [
        prefix(),
        pick(['manual', 'feed:a', 'feed:b']),
        pick([undefined, 1, 5, 30, 600]),
        random(4) === 0,
      ];
      f.blocklist.add({ prefixes: [p], origin, ttl, force: forced });
      wanted.set(key(p, origin), {
        prefix: p,
        origin,
        expires: ttl === undefined ? Infinity : f.clock.wall + ttl,
        forced,
      });
    },
    block: () => {
      const [p, origin, seconds] = [prefix(), `rule:${random(3)}`, 1 + random(60)];
      f.blocklist.block(p, origin, seconds, '');
      // A claim that has expired and was not swept yet is only ever prolonged.
      const before = wanted.get(key(p, origin));
      wanted.set(key(p, origin), {
        prefix: p,
        origin,
        expires: Math.max(before?.expires ?? 0, f.clock.wall + seconds),
        forced: false,
      });
    },
    remove: () => {
      const known = [...wanted.values()];
      const p = known.length > 0 && random(3) > 0 ? pick(known).prefix : prefix();
      const origin = pick([undefined, 'manual', 'feed:a', 'rule:1']);
      f.blocklist.remove([p], origin);
      for (const [name, one] of wanted) {
        if (formatPrefix(one.prefix) === formatPrefix(p) && (origin === undefined || one.origin === origin))
          wanted.delete(name);
      }
    },
    wait: () => f.clock.advance(1 + random(8)),
    sweep: () => {
      f.blocklist.sweep();
      for (const [name, one] of wanted) if (one.expires <= f.clock.wall) wanted.delete(name);
      const distinct = new Set([...wanted.values()].map((one) => formatPrefix(one.prefix)));
      // The kernel holds what is claimed and nothing else.
      if (enforced(f) !== distinct.size) t.equal(enforced(f), distinct.size, 'kernel entries');
      if (f.blocklist.list().length !== wanted.size) t.equal(f.blocklist.list().length, wanted.size, 'claims');
    },
    step: () => {
      // Claims that the step brings back to life or ends would be told apart by sweeps alone: sweep on both sides.
      void operations['sweep']?.();
      f.clock.wall += pick([-20, -3, 7, 40]);
      void operations['sweep']?.();
    },
    restart: () => {
      const { clock, tables } = f;
      f.close();
      const reboot = random(3) === 0;
      if (reboot) clock.boot = 10 + random(100);
      f = fixture({ file, clock, tables: reboot ? new MemoryTables() : tables });
      for (const [name, one] of wanted) if (one.expires <= clock.wall) wanted.delete(name);
    },
    clear: async () => {
      const origin = pick(['manual', 'feed:b', undefined]);
      await f.blocklist.clear(origin);
      for (const [name, one] of wanted) if (origin === undefined || one.origin === origin) wanted.delete(name);
    },
  };
  const weights: [string, number][] = [
    ['add', 34],
    ['block', 22],
    ['remove', 24],
    ['wait', 14],
    ['sweep', 3],
    ['step', 1],
    ['restart', 1],
    ['clear', 1],
  ];
  const deck = weights.flatMap(([name, weight]) => Array.from({ length: weight }, () => name));

  for (let i = 0; i < OPERATIONS; i++) {
    const name = pick(deck);
    if ((name === 'restart' || name === 'clear') && random(4) > 0) continue;
    await operations[name]?.();
    for (let probe = 0; probe < 4; probe++) {
      const text = address();
      const bytes = parseAddress(text);
      const claims = alive(bytes);
      const kernel = judged(f, text);
      const check = f.blocklist.check(bytes);
      if (kernel !== claims.length > 0 || check.blocked !== kernel) {
        t.fail(`step ${i} ${name}: ${text} kernel ${kernel}, check ${check.blocked}, reference ${claims.length > 0}`, {
          claims,
        });
        return;
      }
      if (claims.length > 0) {
        // Among the entries that cover the address one says how long that lasts, under an origin that says so.
        const longest = Math.max(...claims.map((claim) => claim.expires));
        const expires = longest === Infinity ? 0 : longest - f.clock.wall + f.clock.boot;
        const origins = claims.filter((claim) => claim.expires === longest).map((claim) => claim.origin);
        const records = f.tables.blocklist.covering(bytes);
        const live = records.filter((one) => one.expires === 0 || one.expires > f.clock.boot);
        const last = live.filter((one) => one.expires === expires && origins.includes(f.blocklist.originName(one.set)));
        const longer = live.filter((one) => expires !== 0 && (one.expires === 0 || one.expires > expires));
        if (last.length === 0 || longer.length > 0) {
          t.fail(`step ${i} ${name}: ${text} should end at ${expires}`, { claims, records });
          return;
        }
        const forced = claims.some((claim) => claim.forced);
        if (live.some((one) => one.forced) !== forced && name === 'sweep') {
          t.fail(`step ${i}: ${text} forced flag`, { claims, records });
          return;
        }
      }
    }
  }
  t.ok(wanted.size > 0);
  f.close();
});
