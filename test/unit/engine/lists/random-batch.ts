// SPDX-License-Identifier: Apache-2.0
// Random batches from a seed, with overlaps, duplicates and, if asked for, what entries say about themselves.

import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';

export function randomizer(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

export interface RandomOptions {
  readonly extra?: boolean;
  /** Some of the entries lie close together, so that batches have entries in common. */
  readonly dense?: boolean;
}

export function randomBatch(random: (below: number) => number, size: number, options: RandomOptions = {}): PrefixBatch {
  const builder = new BatchBuilder(4);
  const word = (): number => random(0x10000) * 0x10000 + random(0x10000);
  for (let i = 0; i < size; i++) {
    const mark = builder.mark();
    const near = options.dense ?? random(2) === 0;
    if (random(3) > 0)
      builder.add4(near ? 0xc0000200 + random(256) : word(), random(8) === 0 ? random(33) : 24 + random(9));
    else if (near) builder.add6(0x20010db8, 0, 0, random(256), 120 + random(9));
    else builder.add6(word(), word(), word(), word(), random(129));
    if (options.extra) {
      const expires = random(3) === 0 ? Infinity : Date.UTC(2027, 0, 1) + random(1_000_000);
      builder.describe(mark, expires, random(2) === 0 ? `reason ${random(5)} "quoted"` : 'plain');
    }
  }
  return builder.build();
}
