// SPDX-License-Identifier: Apache-2.0
// Many claims of one origin end, a slice at a time; how many prefixes are left is right at every pause.

import type { ClaimIndex } from './claim-index.js';
import { Fold } from './fold.js';
import type { KeyPair } from './keys.js';
import { SLICE, type Work } from './slices.js';

/**
 * Ends claims on sorted keys and counts out those that nobody claims any more: a slice is compared with a whole segment,
 * not each key with each of perhaps a thousand segments.
 * @param end ends the claim on one key of a family; true if there was one
 * @returns how many ended
 */
export function* takeOff(
  index: ClaimIndex,
  pair: KeyPair,
  end: (family: 'four' | 'six', i: number) => boolean,
): Work<number> {
  const fold = new Fold(Math.min(SLICE, Math.max(pair.four.len.length, pair.six.len.length)));
  const gone = new Uint8Array(SLICE);
  let ended = 0;
  for (const family of ['four', 'six'] as const) {
    const keys = pair[family];
    for (let from = 0; from < keys.len.length; from += SLICE) {
      const to = Math.min(keys.len.length, from + SLICE);
      for (let i = from; i < to; i++) ended += gone[i - from] = end(family, i) ? 1 : 0;
      fold.reset(to - from, 0);
      index.fold(keys, from, to, fold, () => 0);
      let left = 0;
      for (let k = 0; k < to - from; k++) if (gone[k] === 1 && fold.claims(k) === 0) left++;
      index.resize(keys.words, -left);
      index.changes++;
      yield;
    }
  }
  return ended;
}
