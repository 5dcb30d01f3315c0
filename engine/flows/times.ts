// SPDX-License-Identifier: Apache-2.0
// Histograms of times as the kernel keeps them: two buckets for each power of two of microseconds.

import { FlowLimit } from '../../common/abi.gen.js';

const BUCKETS = FlowLimit.TIME_BUCKETS;

/** Microseconds, upper bounds of the buckets that the percentiles lie in. */
export interface Times {
  readonly count: number;
  readonly p50Us?: number;
  readonly p90Us?: number;
  readonly p99Us?: number;
}

/** The first number of microseconds above a bucket. */
function above(bucket: number): number {
  const power = 2 ** (bucket >> 1);
  if (bucket < 2) return 2;
  return power + (power / 2) * ((bucket & 1) + 1);
}

/** Percentiles of one of the histograms that stand in `values` one behind the other. */
export function timesOf(values: readonly number[], histogram: number): Times {
  const buckets = values.slice(histogram * BUCKETS, (histogram + 1) * BUCKETS);
  const count = buckets.reduce((sum, value) => sum + value, 0);
  if (count === 0) return { count };
  const percentile = (share: number): number => {
    let left = count * share;
    const at = buckets.findIndex((value) => (left -= value) <= 0);
    return above(at < 0 ? BUCKETS - 1 : at);
  };
  return { count, p50Us: percentile(0.5), p90Us: percentile(0.9), p99Us: percentile(0.99) };
}
