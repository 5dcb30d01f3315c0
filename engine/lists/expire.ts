// SPDX-License-Identifier: Apache-2.0
// Claims that have come to their end leave memory and store; the kernel has stopped acting on them by itself.

import type { ClaimIndex } from './claims/claim-index.js';
import { compareKeys, copyKey, makeKeys, trimKeys, type KeyPair, type Keys } from './claims/keys.js';
import type { Due, Segment } from './claims/segment.js';
import type { Work } from './claims/slices.js';
import { takeOff } from './claims/take-off.js';
import type { ListStore } from './list-store.js';

/** Single claims that one sweep takes off: each is a row to delete. The rest waits for the next one. */
const SINGLE = 5_000;

function sorted(words: 1 | 4, keys: readonly Keys[]): Keys {
  const ordered = keys.filter((key) => key.words === words).sort((a, b) => compareKeys(a, 0, b, 0));
  const all = makeKeys(words, ordered.length);
  let count = 0;
  for (const key of ordered)
    if (count === 0 || compareKeys(all, count - 1, key, 0) !== 0) copyKey(all, count++, key, 0);
  return trimKeys(all, count);
}

/** Two sorted columns as one, each key once. */
function join(a: Keys, b: Keys): Keys {
  if (a.len.length === 0) return b;
  if (b.len.length === 0) return a;
  const all = makeKeys(a.words, a.len.length + b.len.length);
  let count = 0;
  for (let i = 0, j = 0; i < a.len.length || j < b.len.length; count++) {
    const order = i === a.len.length ? 1 : j === b.len.length ? -1 : compareKeys(a, i, b, j);
    if (order <= 0) copyKey(all, count, a, i++);
    else copyKey(all, count, b, j);
    if (order >= 0) j++;
  }
  return trimKeys(all, count);
}

export interface Expiry {
  readonly freed: number;
  /** Prefixes whose value in the kernel may be another one now. */
  readonly keys: KeyPair;
  /** What of the bulk has ended leaves memory in slices. */
  readonly work: Work<void>;
}

function* endAll(index: ClaimIndex, due: readonly (readonly [Segment, Due])[]): Work<void> {
  for (const [segment, { keys, at }] of due) {
    // A content that came in between is free of it, or frees it later.
    const holds = (): boolean => index.segments.get(segment.origin) === segment;
    yield* takeOff(index, keys, (family, i) => holds() && segment[family].kill(at[family][i] ?? 0));
  }
}

/** Frees what has ended. */
export function expireClaims(index: ClaimIndex, store: ListStore, now: number): Expiry {
  const segments = [...index.segments.values()].filter((segment) => segment.nextExpiry <= now);
  const single = index.ends.due(now, SINGLE);
  if (single.length > 0 || segments.length > 0) {
    try {
      store.transaction(() => {
        for (const { entry, claim } of single) store.deleteClaim(entry.prefix, claim.origin);
        for (const segment of segments) store.setSwept(segment.origin, now);
      });
    } catch (error) {
      for (const { entry, claim } of single) index.ends.push(entry, claim);
      throw error;
    }
  }
  for (const { entry, claim } of single) index.end(entry.prefix, claim.origin);
  const keys = single.map(({ entry }) => entry.key);
  let four = sorted(1, keys);
  let six = sorted(4, keys);
  let freed = single.length;
  const due = segments.map((segment) => [segment, segment.due(now)] as const);
  for (const [, ended] of due) {
    freed += ended.keys.four.len.length + ended.keys.six.len.length;
    four = join(four, ended.keys.four);
    six = join(six, ended.keys.six);
  }
  return { freed, keys: { four, six }, work: endAll(index, due) };
}
