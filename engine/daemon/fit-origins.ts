// SPDX-License-Identifier: Apache-2.0
// Origins on a blocklist without room for all they name: as much as fits, and how much does not.

import { IdsError } from '../../common/errors.js';
import { choose, inBoth } from '../lists/batch-ops.js';
import type { OriginChange } from '../lists/bulk.js';
import type { Blocklist } from '../lists/index.js';
import type { PrefixBatch, ReplaceResult } from '../lists/prefix-batch.js';

/** What is needed of the blocklist. */
export type AddressTarget = Pick<Blocklist, 'bulk' | 'stats' | 'replaceOrigins'>;

export interface Fitted extends Pick<ReplaceResult, 'refusedCount' | 'refused'> {
  /** Prefixes for which there is no room. */
  readonly unfit: number;
}

export function isFull(error: unknown): boolean {
  return error instanceof IdsError && error.code === 'LIST_FULL';
}

function roomOf(target: AddressTarget): { readonly four: number; readonly six: number } {
  const { entries4, entries6, capacity4, capacity6 } = target.stats();
  return { four: Math.max(0, capacity4 - entries4), six: Math.max(0, capacity6 - entries6) };
}

/** Marks all but the first `room` entries. */
function beyond(count: number, room: number): Uint8Array {
  return new Uint8Array(count).fill(1, Math.min(count, room));
}

/** One origin, cut to what there is room for. What it lists already stays; of the rest the lowest addresses come first. */
async function cutToFit(target: AddressTarget, change: OriginChange): Promise<Fitted> {
  const { origin, batch, options } = change;
  const { added, removed, refusedCount, refused } = await target.bulk.diff(batch, {
    ...options,
    origin,
    replace: true,
  });
  const room = roomOf(target);
  const excess: PrefixBatch = choose(added, {
    four: beyond(added.len4.length, room.four),
    six: beyond(added.len6.length, room.six),
  });
  if (added.count > excess.count || removed.count > 0) {
    await target.replaceOrigins([{ ...change, batch: choose(batch, inBoth(batch, excess).inA, 0) }]);
  }
  return { refusedCount, refused, unfit: excess.count };
}

/**
 * Replaces what origins list, in their order, with as much as there is room for. Prefixes that others list already are
 * counted as if they needed room, so a list that is cut may leave some.
 * @throws IdsError STORE_FAILED
 */
export async function fitOrigins(target: AddressTarget, changes: readonly OriginChange[]): Promise<Fitted[]> {
  const [only] = changes;
  if (!only) return [];
  const { four, six } = roomOf(target);
  // Halving finds soon what fits, but not where nothing does.
  if (four + six > 0) {
    try {
      const results = await target.replaceOrigins(changes);
      return results.map(({ refusedCount, refused }) => ({ refusedCount, refused, unfit: 0 }));
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }
  if (changes.length === 1) return [await cutToFit(target, only)];
  const half = changes.length >> 1;
  const first = await fitOrigins(target, changes.slice(0, half));
  return [...first, ...(await fitOrigins(target, changes.slice(half)))];
}
