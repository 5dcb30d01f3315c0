// SPDX-License-Identifier: Apache-2.0
// What all claims on a prefix come to: a drop wins over an alert, the longer life over the shorter.

import { ClaimFlag, flagsOf, type Claim } from './claim.js';

/** What holds for a prefix. */
export interface Effect {
  /** Wall clock milliseconds; Infinity = for ever. */
  readonly expires: number;
  /** Number of the origin whose claim lasts longest: packets count under it. */
  readonly origin: number;
  readonly forced: boolean;
  readonly alert: boolean;
}

const NEVER = -1;

/** The effect on each of many prefixes, filled claim by claim. Claims that have ended do not act, but are counted. */
export class Fold {
  readonly #drop: Float64Array;
  readonly #alert: Float64Array;
  readonly #dropOrigin: Uint16Array;
  readonly #alertOrigin: Uint16Array;
  /** Bit 0: a claim that drops is forced; bit 1: one that alerts is. */
  readonly #forced: Uint8Array;
  readonly #claims: Uint16Array;
  readonly #ended: Uint8Array;
  #now = 0;

  constructor(size: number) {
    this.#drop = new Float64Array(size);
    this.#alert = new Float64Array(size);
    this.#dropOrigin = new Uint16Array(size);
    this.#alertOrigin = new Uint16Array(size);
    this.#forced = new Uint8Array(size);
    this.#claims = new Uint16Array(size);
    this.#ended = new Uint8Array(size);
  }

  reset(count: number, now: number): void {
    this.#drop.fill(NEVER, 0, count);
    this.#alert.fill(NEVER, 0, count);
    this.#forced.fill(0, 0, count);
    this.#claims.fill(0, 0, count);
    this.#ended.fill(0, 0, count);
    this.#now = now;
  }

  /** @param origin its number */
  add(k: number, expires: number, flags: number, origin: number): void {
    this.#claims[k] = (this.#claims[k] ?? 0) + 1;
    if (expires <= this.#now) {
      this.#ended[k] = 1;
      return;
    }
    const alert = (flags & ClaimFlag.ALERT) !== 0;
    if (flags & ClaimFlag.FORCED) this.#forced[k] = (this.#forced[k] ?? 0) | (alert ? 2 : 1);
    const until = alert ? this.#alert : this.#drop;
    const origins = alert ? this.#alertOrigin : this.#dropOrigin;
    const before = until[k] ?? NEVER;
    // Of equal lives the lower number counts, in whatever order they are asked.
    if (expires < before || (expires === before && origin >= (origins[k] ?? 0))) return;
    until[k] = expires;
    origins[k] = origin;
  }

  addClaim(k: number, claim: Claim, origin: number): void {
    this.add(k, claim.expires, flagsOf(claim), origin);
  }

  /** Claims on a prefix, ended ones included. */
  claims(k: number): number {
    return this.#claims[k] ?? 0;
  }

  /** True if a claim on a prefix has ended: a sweep takes it off. */
  ended(k: number): boolean {
    return this.#ended[k] === 1;
  }

  effect(k: number): Effect | undefined {
    const forced = this.#forced[k] ?? 0;
    const drop = this.#drop[k] ?? NEVER;
    if (drop !== NEVER) {
      return { expires: drop, origin: this.#dropOrigin[k] ?? 0, forced: (forced & 1) !== 0, alert: false };
    }
    const alert = this.#alert[k] ?? NEVER;
    if (alert === NEVER) return undefined;
    return { expires: alert, origin: this.#alertOrigin[k] ?? 0, forced: (forced & 2) !== 0, alert: true };
  }
}
