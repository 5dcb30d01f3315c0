// SPDX-License-Identifier: Apache-2.0
// Rate bounds of what the engine itself raises: the same token buckets as in the kernel (bpf/rates.h).

export interface RateLimits {
  /** Alerts a second of one rule and source. */
  readonly source: number;
  /** Alerts a second of one rule. */
  readonly rule: number;
  /** Answers a second of all reject rules that the engine judges. */
  readonly reject: number;
}

const SECOND = 1e9;
/** Buckets of (rule, source): a collision costs a shared bucket, and nobody can aim at one without the secret. */
const CELLS = 65_536;

function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A bucket is the time at which it will be full again (GCRA), in nanoseconds. */
export class Rates {
  readonly #limits: RateLimits;
  readonly #cells = new Float64Array(CELLS);
  readonly #rules = new Map<number, Float64Array>();
  readonly #reject = new Float64Array(1);
  readonly #secret: number;

  constructor(limits: RateLimits, secret: number) {
    this.#limits = limits;
    this.#secret = secret;
  }

  /** Forgets the buckets of rules: another rule set numbers them anew. */
  forgetRules(): void {
    this.#rules.clear();
  }

  /**
   * Whether rule number `rule` may alert about a source (16 bytes). The source comes first: one that is held back must
   * not eat up what the rule has for the others.
   */
  mayAlert(rule: number, source: Uint8Array, now: number): boolean {
    let hash = mix(this.#secret, rule);
    for (let i = 0; i < 16; i += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = source.subarray(i, i + 4);
      hash = mix(hash, (a << 24) | (b << 16) | (c << 8) | d);
    }
    if (!take(this.#cells, hash % CELLS, now, this.#limits.source)) return false;
    let bucket = this.#rules.get(rule);
    if (!bucket) this.#rules.set(rule, (bucket = new Float64Array(1)));
    return take(bucket, 0, now, this.#limits.rule);
  }

  /** Whether one more packet may be answered. */
  mayReject(now: number): boolean {
    return take(this.#reject, 0, now, this.#limits.reject);
  }
}

function take(buckets: Float64Array, at: number, now: number, rate: number): boolean {
  if (rate <= 0) return false;
  const interval = SECOND / rate;
  const full = Math.max(buckets[at] ?? 0, now);
  if (full - now > SECOND - interval) return false;
  buckets[at] = full + interval;
  return true;
}
