// SPDX-License-Identifier: Apache-2.0
// The few entries that were listed one by one, by hand or by a rule, each with a reason and an end of its own.

import type { Prefix } from '../../../common/address.js';
import type { Claim } from './claim.js';
import { compareKeys, copyKey, eachCommon, keyOf, makeKeys, type Keys } from './keys.js';

export interface OwnEntry {
  readonly prefix: Prefix;
  readonly key: Keys;
  /** One for each origin. */
  claims: readonly Claim[];
}

function hash(keys: Keys, i = 0): number | string {
  if (keys.words === 1) return (keys.addr[i] ?? 0) * 256 + (keys.len[i] ?? 0);
  const { addr } = keys;
  return `${addr[4 * i]},${addr[4 * i + 1]},${addr[4 * i + 2]},${addr[4 * i + 3]},${keys.len[i]}`;
}

/** Sorting more than these is dearer than looking a slice of keys up one by one. */
const CHEAP = 256;

export interface SortedEntries {
  readonly keys: Keys;
  readonly entries: readonly OwnEntry[];
}

/** One family. */
class Family {
  readonly words: 1 | 4;
  readonly entries = new Map<number | string, OwnEntry>();
  readonly lengths = new Uint32Array(129);
  #sorted: SortedEntries | undefined;

  constructor(words: 1 | 4) {
    this.words = words;
  }

  touch(): void {
    this.#sorted = undefined;
  }

  /** True if `sorted` costs little. */
  get ready(): boolean {
    return this.#sorted !== undefined || this.entries.size <= CHEAP;
  }

  sorted(): SortedEntries {
    if (this.#sorted) return this.#sorted;
    const entries = [...this.entries.values()].sort((a, b) => compareKeys(a.key, 0, b.key, 0));
    const keys = makeKeys(this.words, entries.length);
    entries.forEach((entry, i) => copyKey(keys, i, entry.key, 0));
    return (this.#sorted = { keys, entries });
  }
}

export class OwnClaims {
  readonly #four = new Family(1);
  readonly #six = new Family(4);
  readonly #counts = new Map<string, number>();

  #family(words: 1 | 4): Family {
    return words === 1 ? this.#four : this.#six;
  }

  /** Prefixes. */
  get size(): number {
    return this.#four.entries.size + this.#six.entries.size;
  }

  /** Claims of an origin. */
  count(origin: string): number {
    return this.#counts.get(origin) ?? 0;
  }

  origins(): Iterable<string> {
    return this.#counts.keys();
  }

  get(key: Keys): OwnEntry | undefined {
    const family = this.#family(key.words);
    return family.lengths[key.len[0] ?? 0] === 0 ? undefined : family.entries.get(hash(key));
  }

  set(prefix: Prefix, claim: Claim): OwnEntry {
    const key = keyOf(prefix);
    const family = this.#family(key.words);
    const id = hash(key);
    let entry = family.entries.get(id);
    if (!entry) {
      entry = { prefix, key, claims: [] };
      family.entries.set(id, entry);
      family.lengths[key.len[0] ?? 0] = (family.lengths[key.len[0] ?? 0] ?? 0) + 1;
      family.touch();
    }
    const others = entry.claims.filter((one) => one.origin !== claim.origin);
    if (others.length === entry.claims.length) this.#counts.set(claim.origin, this.count(claim.origin) + 1);
    entry.claims = [...others, claim];
    return entry;
  }

  delete(prefix: Prefix, origin: string): boolean {
    const key = keyOf(prefix);
    const family = this.#family(key.words);
    const id = hash(key);
    const entry = family.entries.get(id);
    const left = entry?.claims.filter((claim) => claim.origin !== origin);
    if (!entry || !left || left.length === entry.claims.length) return false;
    entry.claims = left;
    const count = this.count(origin) - 1;
    if (count > 0) this.#counts.set(origin, count);
    else this.#counts.delete(origin);
    if (left.length > 0) return true;
    family.entries.delete(id);
    family.lengths[key.len[0] ?? 0] = (family.lengths[key.len[0] ?? 0] ?? 1) - 1;
    family.touch();
    return true;
  }

  /** Entries of each length of a family. */
  lengths(words: 1 | 4): Uint32Array {
    return this.#family(words).lengths;
  }

  *entries(): Generator<OwnEntry> {
    yield* this.#four.entries.values();
    yield* this.#six.entries.values();
  }

  /** Calls back for every entry on one of `keys[from, to)`, which are in order. */
  eachOn(keys: Keys, from: number, to: number, on: (i: number, entry: OwnEntry) => void): void {
    const family = this.#family(keys.words);
    if (family.entries.size === 0) return;
    if (family.ready) {
      const sorted = family.sorted();
      eachCommon(keys, from, to, sorted.keys, (i, j) => {
        const entry = sorted.entries[j];
        if (entry) on(i, entry);
      });
      return;
    }
    for (let i = from; i < to; i++) {
      const entry = family.lengths[keys.len[i] ?? 0] === 0 ? undefined : family.entries.get(hash(keys, i));
      if (entry) on(i, entry);
    }
  }

  sorted(words: 1 | 4): SortedEntries {
    return this.#family(words).sorted();
  }

  /** How many prefixes a family has. */
  sizeOf(words: 1 | 4): number {
    return this.#family(words).entries.size;
  }
}
