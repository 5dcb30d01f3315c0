// SPDX-License-Identifier: Apache-2.0
// Every claim of every origin: single ones by prefix, bulk ones in segments, asked as if they were one list.

import type { Prefix } from '../../../common/address.js';
import type { Claim } from './claim.js';
import { ExpiryHeap } from './expiry-heap.js';
import type { Fold } from './fold.js';
import { eachCommon, keyOf, maskKey, prefixAt, type KeyPair, type Keys } from './keys.js';
import { OwnClaims } from './own-claims.js';
import type { Segment } from './segment.js';
import { SLICE, type Work } from './slices.js';

/** A prefix with the claims on it. */
export interface Listed {
  readonly prefix: Prefix;
  readonly claims: readonly Claim[];
}

/** Which claims count. */
export interface FoldFilter {
  readonly own: (origin: string) => boolean;
  readonly segment: (origin: string) => boolean;
}

const everything: FoldFilter = { own: () => true, segment: () => true };

export class ClaimIndex {
  readonly own = new OwnClaims();
  readonly segments = new Map<string, Segment>();
  readonly ends = new ExpiryHeap();
  /** Distinct prefixes with a claim. */
  readonly size = { four: 0, six: 0 };
  /** Grows with every change. */
  changes = 0;
  readonly #journals = new Map<string, Set<Prefix>>();

  /** Notes single changes of an origin from now on, until `endJournal`. */
  startJournal(origin: string): void {
    this.#journals.set(origin, new Set());
  }

  endJournal(origin: string): Set<Prefix> {
    const journal = this.#journals.get(origin) ?? new Set();
    this.#journals.delete(origin);
    return journal;
  }

  resize(words: 1 | 4, by: number): void {
    if (words === 1) this.size.four += by;
    else this.size.six += by;
  }

  /** All claims on exactly this prefix. */
  claims(key: Keys): Claim[] {
    const found = [...(this.own.get(key)?.claims ?? [])];
    for (const segment of this.segments.values()) {
      const claim = segment.claim(key);
      if (claim) found.push(claim);
    }
    return found;
  }

  /** What one origin says about exactly this prefix. */
  claim(key: Keys, origin: string): Claim | undefined {
    return this.own.get(key)?.claims.find((one) => one.origin === origin) ?? this.segments.get(origin)?.claim(key);
  }

  isClaimed(key: Keys): boolean {
    if (this.own.get(key)) return true;
    for (const segment of this.segments.values()) if (segment.claim(key)) return true;
    return false;
  }

  /** Sets or replaces a single claim; a bulk one of the same origin gives way. True if a bulk one did. */
  set(prefix: Prefix, claim: Claim): boolean {
    const key = keyOf(prefix);
    const fresh = !this.isClaimed(key);
    const displaced = this.segments.get(claim.origin)?.kill(prefix) ?? false;
    this.changes++;
    this.ends.push(this.own.set(prefix, claim), claim);
    if (fresh) this.resize(key.words, 1);
    this.#journals.get(claim.origin)?.add(prefix);
    return displaced;
  }

  /** A single claim from the store; `recount` follows. */
  load(prefix: Prefix, claim: Claim): void {
    this.segments.get(claim.origin)?.kill(prefix);
    this.ends.push(this.own.set(prefix, claim), claim);
  }

  /** What kind of claim was taken away. */
  delete(prefix: Prefix, origin: string): 'own' | 'bulk' | undefined {
    const own = this.own.delete(prefix, origin);
    const bulk = !own && (this.segments.get(origin)?.kill(prefix) ?? false);
    if (!own && !bulk) return undefined;
    this.#freed(prefix);
    this.#journals.get(origin)?.add(prefix);
    return own ? 'own' : 'bulk';
  }

  #freed(prefix: Prefix): void {
    this.changes++;
    const key = keyOf(prefix);
    if (!this.isClaimed(key)) this.resize(key.words, -1);
  }

  /** A single claim has come to its end. No journal has it: what lists the prefix again meanwhile is younger. */
  end(prefix: Prefix, origin: string): void {
    if (this.own.delete(prefix, origin)) this.#freed(prefix);
  }

  /** Undoes a `delete` that took a bulk claim, or a `set` that displaced one. */
  revive(prefix: Prefix, origin: string): void {
    const key = keyOf(prefix);
    const fresh = !this.isClaimed(key);
    this.segments.get(origin)?.revive(prefix);
    if (fresh && this.isClaimed(key)) this.resize(key.words, 1);
  }

  /** Prefixes that cover a prefix (itself included) and have claims, the shortest first. */
  covering(prefix: Prefix, origin?: string): Listed[] {
    const key = keyOf(prefix);
    const found: Listed[] = [];
    const own = this.own.lengths(key.words);
    const segments = [...this.segments.values()].filter((one) => origin === undefined || one.origin === origin);
    for (let length = 0; length <= (key.len[0] ?? 0); length++) {
      const possible = (own[length] ?? 0) > 0 || segments.some((one) => (one.part(key.words).lengths[length] ?? 0) > 0);
      if (!possible) continue;
      const outer = maskKey(key, length);
      const claims =
        origin === undefined ? this.claims(outer) : [this.claim(outer, origin)].filter((one) => one !== undefined);
      if (claims.length > 0) found.push({ prefix: prefixAt(outer, 0), claims });
    }
    return found;
  }

  /** Adds every claim on `keys[from, to)` to a fold that was reset for as many. */
  fold(
    keys: Keys,
    from: number,
    to: number,
    fold: Fold,
    numberOf: (origin: string) => number,
    filter: FoldFilter = everything,
  ): void {
    this.own.eachOn(keys, from, to, (i, { claims }) => {
      for (const claim of claims) {
        if (filter.own(claim.origin)) fold.addClaim(i - from, claim, numberOf(claim.origin));
      }
    });
    for (const segment of this.segments.values()) {
      if (!filter.segment(segment.origin)) continue;
      const part = segment.part(keys.words);
      if (part.alive === 0) continue;
      const number = numberOf(segment.origin);
      const { groups } = segment;
      eachCommon(keys, from, to, part.keys, (i, j) => {
        if (!part.isAlive(j)) return;
        const group = part.groupOf(j);
        fold.add(i - from, groups.expires(group), groups.flags(group), number);
      });
    }
  }

  /** How many of these keys nobody but `except` claims. */
  *unclaimed(pair: KeyPair, fold: Fold, except?: string): Work<{ four: number; six: number }> {
    const count = { four: 0, six: 0 };
    const other = (origin: string): boolean => origin !== except;
    for (const family of ['four', 'six'] as const) {
      const keys = pair[family];
      for (let from = 0; from < keys.len.length; from += SLICE) {
        const to = Math.min(keys.len.length, from + SLICE);
        fold.reset(to - from, 0);
        this.fold(keys, from, to, fold, () => 0, { own: other, segment: other });
        for (let k = 0; k < to - from; k++) if (fold.claims(k) === 0) count[family]++;
        yield;
      }
    }
    return count;
  }

  /** Distinct prefixes with a claim, counted anew. */
  *recount(fold: Fold): Work<{ four: number; six: number }> {
    const total = { four: this.own.sizeOf(1), six: this.own.sizeOf(4) };
    const earlier = new Set<string>();
    const filter: FoldFilter = { own: () => true, segment: (origin) => earlier.has(origin) };
    // The largest is not walked: only single claims can have counted in it before.
    const [largest, ...others] = [...this.segments.values()].sort((a, b) => b.count - a.count);
    if (largest) {
      total.four += largest.four.alive;
      total.six += largest.six.alive;
      let looks = 0;
      for (const { key } of this.own.entries()) {
        if (largest.claim(key)) total[key.words === 1 ? 'four' : 'six']--;
        if (++looks % SLICE === 0) yield;
      }
      earlier.add(largest.origin);
    }
    for (const segment of others) {
      for (const part of [segment.four, segment.six]) {
        const { keys } = part;
        for (let from = 0; from < keys.len.length; from += SLICE) {
          const to = Math.min(keys.len.length, from + SLICE);
          fold.reset(to - from, 0);
          this.fold(keys, from, to, fold, () => 0, filter);
          for (let k = 0; k < to - from; k++) {
            if (part.isAlive(from + k) && fold.claims(k) === 0) total[keys.words === 1 ? 'four' : 'six']++;
          }
          yield;
        }
      }
      earlier.add(segment.origin);
    }
    return total;
  }

  /** Names of all origins that list something. */
  origins(): Set<string> {
    return new Set([...this.own.origins(), ...this.segments.keys()]);
  }

  /** Entries that let through and report, by origin; none are absent. */
  alerts(): Map<string, number> {
    const counts = new Map<string, number>();
    const add = (origin: string, count: number): void => {
      if (count > 0) counts.set(origin, (counts.get(origin) ?? 0) + count);
    };
    for (const segment of this.segments.values()) add(segment.origin, segment.countAlerts());
    for (const { claims } of this.own.entries()) {
      for (const claim of claims) if (claim.action === 'alert') add(claim.origin, 1);
    }
    return counts;
  }

  /** Entries of an origin. */
  countOf(origin: string): number {
    return this.own.count(origin) + (this.segments.get(origin)?.alive ?? 0);
  }
}
