// SPDX-License-Identifier: Apache-2.0
// One origin's bulk gets a new content: what it will be, and the moment in which it is.

import type { Prefix } from '../../../common/address.js';
import type { StoredContent } from '../content-store.js';
import type { ListStore } from '../list-store.js';
import { persistClaim } from './changes.js';
import type { ClaimIndex } from './claim-index.js';
import { countOf, emptyContent, mergeContents, type Content, type MergeOptions, type Merged } from './content.js';
import { Fold } from './fold.js';
import { Groups } from './groups.js';
import { copyKey, keyOf, makeKeys, trimKeys } from './keys.js';
import { Segment } from './segment.js';
import { SLICE, inSlices, type Work } from './slices.js';

/** How many distinct prefixes of each family. */
export interface Sizes {
  readonly four: number;
  readonly six: number;
}

export interface Plan {
  readonly origin: string;
  /** What the origin listed before. */
  readonly old: Content;
  readonly merged: Merged;
  /** Prefixes that nobody listed before, and that nobody lists any more. */
  readonly fresh: Sizes;
  readonly freed: Sizes;
}

/** The single claims of an origin as content. */
function ownContent(index: ClaimIndex, origin: string): Content {
  if (index.own.count(origin) === 0) return emptyContent();
  const groups = new Groups();
  const column = (words: 1 | 4): Content['four'] => {
    const { keys, entries } = index.own.sorted(words);
    const own = makeKeys(words, keys.len.length);
    const group = new Uint32Array(keys.len.length);
    let count = 0;
    entries.forEach((entry, i) => {
      const claim = entry.claims.find((one) => one.origin === origin);
      if (!claim) return;
      copyKey(own, count, keys, i);
      group[count++] = groups.add(claim);
    });
    return { keys: trimKeys(own, count), group: group.slice(0, count) };
  };
  return { four: column(1), six: column(4), groups };
}

/** All that an origin lists, single claims and bulk ones, in order. */
export function* originContent(index: ClaimIndex, origin: string): Work<Content> {
  const own = ownContent(index, origin);
  const bulk = index.segments.get(origin)?.living();
  if (!bulk) return own;
  if (countOf(own) === 0) return bulk;
  return (yield* mergeContents(bulk, own, { replace: false })).content;
}

/** Works out what a change comes to. */
export function* planChange(index: ClaimIndex, origin: string, put: Content, merge: MergeOptions): Work<Plan> {
  const old = yield* originContent(index, origin);
  const merged = yield* mergeContents(old, put, merge);
  const fold = new Fold(SLICE);
  const keys = { four: put.four.keys, six: put.six.keys };
  const fresh = yield* index.unclaimed(keys, fold);
  const freed = yield* index.unclaimed(merged.removed, fold, origin);
  return { origin, old, merged, fresh, freed };
}

/** As `planChange`, in slices. The index notes single changes of the origin from here on, until `activate`. */
export async function prepare(index: ClaimIndex, origin: string, put: Content, merge: MergeOptions): Promise<Plan> {
  index.startJournal(origin);
  try {
    return await inSlices(planChange(index, origin, put, merge));
  } catch (error) {
    index.endJournal(origin);
    throw error;
  }
}

/** Prefixes of the new content that were changed singly since the work on it began: those changes are younger. */
function younger(index: ClaimIndex, origin: string, touched: ReadonlySet<Prefix>, next: Segment): Prefix[] {
  const before = index.segments.get(origin);
  return [...touched].filter((prefix) => {
    const key = keyOf(prefix);
    if (!next.find(key)) return false;
    const single = index.own.get(key)?.claims.some((claim) => claim.origin === origin);
    return single === true || before?.claim(key) === undefined;
  });
}

/**
 * Makes the plan hold in store and memory, in one step. The kernel hears of it afterwards.
 * @param later takes note of an origin whose content goes although the store refuses
 * @returns the file that the old content was in, unless the store still names it
 */
export function activate(
  index: ClaimIndex,
  store: ListStore,
  plan: Plan,
  stored: StoredContent,
  later?: (origin: string) => void,
): string | undefined {
  const { origin, merged, fresh, freed } = plan;
  const touched = index.endJournal(origin);
  const segment = new Segment(origin, merged.content);
  const newer = younger(index, origin, touched, segment);
  // A single claim that is older than the plan is part of its content now.
  const single = [...touched].flatMap((prefix) => {
    const claim = index.own.get(keyOf(prefix))?.claims.find((one) => one.origin === origin);
    return claim ? [{ prefix, claim }] : [];
  });
  let file: string | undefined;
  try {
    store.transaction(() => {
      file = store.bulkFile(origin);
      store.clearClaims(origin);
      if (segment.count > 0) store.putBulk(origin, stored);
      else store.deleteBulk(origin);
      for (const prefix of newer) store.putGone(origin, prefix);
      for (const { prefix, claim } of single) persistClaim(store, index, prefix, claim);
    });
  } catch (error) {
    if (!later || segment.count > 0) throw error;
    file = undefined;
    later(origin);
  }
  const kept = new Set(single.map(({ claim }) => claim));
  index.changes++;
  if (index.own.count(origin) > 0) {
    for (const entry of [...index.own.entries()]) {
      for (const claim of entry.claims) {
        if (claim.origin === origin && !kept.has(claim)) index.own.delete(entry.prefix, origin);
      }
    }
  }
  for (const prefix of newer) segment.kill(prefix);
  if (segment.count > 0) index.segments.set(origin, segment);
  else index.segments.delete(origin);
  index.resize(1, fresh.four - freed.four);
  index.resize(4, fresh.six - freed.six);
  return file;
}
