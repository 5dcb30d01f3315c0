// SPDX-License-Identifier: Apache-2.0
// What the kernel is told about a prefix: the union of every claim on it and on the prefixes around it.

/** One origin's claim on a prefix. Times are wall clock milliseconds; Infinity = for ever. */
export interface Claim {
  /** `manual`, `rule:<sid>`, `feed:<name>`. */
  readonly origin: string;
  readonly reason: string;
  readonly created: number;
  readonly expires: number;
  readonly forced: boolean;
}

export interface Merged {
  readonly expires: number;
  /** The origin whose claim lasts longest: packets count under it. */
  readonly origin: string;
  readonly forced: boolean;
}

/**
 * Merges the claims that cover a prefix, its own last. The kernel looks at the longest match alone, so an entry has to
 * carry what the shorter ones around it say: else 192.0.2.7 expiring would open a hole in a blocked 192.0.2.0/24.
 * @returns undefined if no claim is alive at `now`
 */
export function mergeClaims(claims: Iterable<Claim>, now: number): Merged | undefined {
  let best: Claim | undefined;
  let forced = false;
  for (const claim of claims) {
    if (claim.expires <= now) continue;
    forced ||= claim.forced;
    if (!best || claim.expires >= best.expires) best = claim;
  }
  return best && { expires: best.expires, origin: best.origin, forced };
}
