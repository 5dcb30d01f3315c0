// SPDX-License-Identifier: Apache-2.0
// An import that goes back: which of its entries are still as it put them. What was changed since is younger and stays.

import type { Choice } from '../batch-ops.js';
import type { CreatedColumns, ListAction, PrefixBatch } from '../prefix-batch.js';
import type { ClaimIndex } from './claim-index.js';
import { eachCommon, findKey, pairOf, type KeyPair, type Keys } from './keys.js';

/** Entries that an origin listed before, of one kind. */
export interface Replaced {
  readonly action: ListAction;
  readonly forced: boolean;
  readonly batch: PrefixBatch;
  /** When each was listed. */
  readonly listed: CreatedColumns;
  /** When what the import said about each ends, wall clock milliseconds. */
  readonly ends: CreatedColumns;
}

export interface Import {
  readonly origin: string;
  /** The time of the import: what was listed at another one is not of it. */
  readonly created: number;
  readonly fresh: PrefixBatch;
  readonly before: readonly Replaced[];
}

export interface TakesBack {
  takeBack(change: Import): Promise<void>;
  now(): number;
}

/** Ends claims of an import, for `takeOff`: a single change has ended the bulk's claim before. */
export function ownEnd(index: ClaimIndex, origin: string, created: number, pair: KeyPair) {
  return (family: 'four' | 'six', i: number): boolean => {
    const segment = index.segments.get(origin);
    if (!segment) return false;
    const part = segment[family];
    const at = findKey(part.keys, pair[family], i);
    return at >= 0 && segment.groups.created(part.groupOf(at)) === created && part.kill(at);
  };
}

const GONE = 0;
const IMPORTED = 1;
const CHANGED = 2;

function states(index: ClaimIndex, origin: string, created: number, keys: Keys): Uint8Array {
  const count = keys.len.length;
  const state = new Uint8Array(count).fill(GONE);
  const segment = index.segments.get(origin);
  if (segment) {
    const part = segment.part(keys.words);
    eachCommon(keys, 0, count, part.keys, (i, j) => {
      if (part.isAlive(j)) state[i] = segment.groups.created(part.groupOf(j)) === created ? IMPORTED : CHANGED;
    });
  }
  if (index.own.count(origin) > 0) {
    index.own.eachOn(keys, 0, count, (i, { claims }) => {
      if (claims.some((claim) => claim.origin === origin)) state[i] = CHANGED;
    });
  }
  return state;
}

/** Which entries are still as the import left them: listed by it, or ended by themselves since. */
export function asImported(index: ClaimIndex, origin: string, created: number, old: Replaced, now: number): Choice {
  const { four, six } = pairOf(old.batch);
  const choice = (keys: Keys, ends: Float64Array): Uint8Array =>
    states(index, origin, created, keys).map((state, i) =>
      state === IMPORTED || (state === GONE && (ends[i] ?? Infinity) <= now) ? 1 : 0,
    );
  return { four: choice(four, old.ends.four), six: choice(six, old.ends.six) };
}

/** Numbers beside the entries of a batch, of some of those entries. */
export function pickColumns(columns: CreatedColumns, { four, six }: Choice): CreatedColumns {
  return { four: columns.four.filter((_, i) => four[i] === 1), six: columns.six.filter((_, i) => six[i] === 1) };
}
