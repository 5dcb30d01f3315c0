// SPDX-License-Identifier: Apache-2.0
// From claims to the kernel: each prefix has one value there, what all claims on it come to.

import type { Prefix } from '../../../common/address.js';
import { packMeta, type EnforcedTable, type EntryColumns, type EntryValue } from '../table/index.js';
import type { Clock } from '../tables.js';
import { IdsError } from '../../../common/errors.js';
import { BatchBuilder } from '../batch-builder.js';
import type { ClaimIndex } from './claim-index.js';
import { addPrefix, entryColumns, prefixColumns } from './columns.js';
import { Fold, type Effect } from './fold.js';
import { copyKey, keyOf, makeKeys, pairOf, prefixAt, trimKeys, type KeyPair, type Keys } from './keys.js';
import { SLICE, type Work } from './slices.js';
import { Unsettled } from './unsettled.js';

/** Changes that a pass over the table made. */
export interface Repairs {
  readonly put: number;
  readonly removed: number;
}

/** Everything, or what lasts: prefixes on which no claim has ended since the last sweep. */
export type Scope = 'all' | 'lasting';

interface Split {
  readonly live: EntryColumns;
  readonly dead: Keys;
  /** What holds for prefixes on which a claim has ended and another one has not. */
  readonly turning: readonly (readonly [Prefix, EntryValue])[];
}

/** A step of the wall clock by more than this many seconds rewrites the kernel's expiry times. */
const CLOCK_STEP = 0.5;

/** Fewer entries than this are removed one by one: a batch looks through the whole table. */
const FEW = 1_000;

/** True if an entry acts on less, or not as long, as it does. */
function weaker(next: EntryValue, now: EntryValue): boolean {
  const end = (value: EntryValue): number => (value.expires === 0 ? Infinity : value.expires);
  return (next.alert && !now.alert) || (now.forced && !next.forced) || end(next) < end(now);
}

export class Enforcer {
  readonly table: EnforcedTable;
  readonly #index: ClaimIndex;
  readonly #clock: Clock;
  readonly #numberOf: (origin: string) => number;
  readonly #fold = new Fold(SLICE);
  readonly #one = new Fold(1);
  readonly #unsettled = new Unsettled();
  /** Seconds of the wall clock at the start of the boot clock, as of the last look. */
  #offset: number;
  #closed = false;

  constructor(table: EnforcedTable, index: ClaimIndex, clock: Clock, numberOf: (origin: string) => number) {
    this.table = table;
    this.#index = index;
    this.#clock = clock;
    this.#numberOf = numberOf;
    this.#offset = this.#readOffset();
  }

  /** Gives these origins their numbers, if they have none yet. */
  number(origins: readonly string[]): void {
    for (const origin of origins) this.#numberOf(origin);
  }

  /** From now on the kernel's memory is not touched: work that is under way ends with an error. */
  close(): void {
    this.#closed = true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  #requireOpen(): void {
    if (this.#closed) throw new IdsError('INTERNAL', 'the blocklist is closed');
  }

  /** Seconds between the epoch and the start of the boot clock. */
  get offset(): number {
    return this.#offset;
  }

  #readOffset(): number {
    return this.#clock.wallMs() / 1000 - this.#clock.bootSeconds();
  }

  /** Looks at the clocks; true if the wall clock was set: every entry that ends needs a `resync` then. */
  followClock(): boolean {
    const offset = this.#readOffset();
    if (Math.abs(offset - this.#offset) <= CLOCK_STEP) return false;
    this.#offset = offset;
    return true;
  }

  #expires(effect: Effect): number {
    if (effect.expires === Infinity) return 0;
    return Math.min(0xffffffff, Math.max(1, Math.ceil(effect.expires / 1000 - this.#offset)));
  }

  #value(effect: Effect): EntryValue {
    return { expires: this.#expires(effect), set: effect.origin, forced: effect.forced, alert: effect.alert };
  }

  /** What the kernel should have for a prefix now; undefined = nothing. */
  value(prefix: Prefix): EntryValue | undefined {
    const fold = this.#one;
    fold.reset(1, this.#clock.wallMs());
    for (const claim of this.#index.claims(keyOf(prefix))) fold.addClaim(0, claim, this.#numberOf(claim.origin));
    const effect = fold.effect(0);
    return effect && this.#value(effect);
  }

  /** A packet that looked for a new entry too early must not look for the one that it takes over from too late. */
  #settle(prefix?: Prefix): void {
    if (!this.#unsettled.replaces(prefix, this.#clock.bootSeconds())) return;
    this.table.barrier();
    this.#unsettled.clear();
  }

  /** Tells the kernel what holds for one prefix. @throws IdsError LIST_FULL */
  sync(prefix: Prefix): void {
    this.#requireOpen();
    const value = this.value(prefix);
    if (value) {
      const before = this.table.get(prefix);
      if (before && weaker(value, before)) this.#settle(prefix);
      if (this.table.put(prefix, value) !== 'same') this.#unsettled.note(prefix, this.#clock.bootSeconds());
    } else if (this.table.find(prefix) >= 0) {
      this.#settle(prefix);
      this.table.delete(prefix);
    }
  }

  /**
   * Tells the kernel what holds for many prefixes; those that it knows already are not touched. All that is put is in
   * force before anything is removed.
   */
  resync(...pairs: readonly KeyPair[]): Work<Repairs> {
    return this.#resync(pairs, 'all');
  }

  *#resync(pairs: readonly KeyPair[], what: Scope): Work<Repairs> {
    const dead: Keys[] = [];
    let [put, removed] = [0, 0];
    for (const keys of pairs.flatMap(({ four, six }) => [four, six])) {
      for (let from = 0; from < keys.len.length; from += SLICE) {
        const result = this.#put(keys, from, Math.min(keys.len.length, from + SLICE), what);
        put += result.put;
        if (result.dead.len.length > 0) dead.push(result.dead);
        yield;
      }
    }
    for (const keys of dead) {
      removed += this.#remove(keys, what);
      yield;
    }
    return { put, removed };
  }

  /** Those of a slice that somebody claims, and those that nobody does; with `lasting` those that a sweep will turn apart. */
  #split(keys: Keys, from: number, to: number, what: Scope): Split {
    this.#requireOpen();
    const fold = this.#fold;
    const { words } = keys;
    fold.reset(to - from, this.#clock.wallMs());
    this.#index.fold(keys, from, to, fold, this.#numberOf);
    const live = makeKeys(words, to - from);
    const meta = new Uint32Array(to - from);
    const expires = new Uint32Array(to - from);
    const dead = makeKeys(words, to - from);
    const turning: (readonly [Prefix, EntryValue])[] = [];
    let [count, gone] = [0, 0];
    for (let k = 0; k < to - from; k++) {
      const effect = fold.effect(k);
      if (what === 'lasting' && fold.ended(k)) {
        if (effect) turning.push([prefixAt(keys, from + k), this.#value(effect)]);
        continue;
      }
      if (!effect) {
        copyKey(dead, gone++, keys, from + k);
        continue;
      }
      copyKey(live, count, keys, from + k);
      meta[count] = packMeta({ set: effect.origin, forced: effect.forced, alert: effect.alert });
      expires[count++] = this.#expires(effect);
    }
    return {
      live: entryColumns(trimKeys(live, count), meta.slice(0, count), expires.slice(0, count)),
      dead: trimKeys(dead, gone),
      turning,
    };
  }

  #put(keys: Keys, from: number, to: number, what: Scope): { readonly put: number; readonly dead: Keys } {
    const { live, dead, turning } = this.#split(keys, from, to, what);
    let put = 0;
    for (const [prefix, value] of turning) {
      const outcome = this.table.put(prefix, value);
      if (outcome !== 'same') this.#unsettled.note(prefix, this.#clock.bootSeconds());
      if (outcome === 'added') put++;
    }
    if (live.len4.length + live.len6.length === 0) return { put, dead };
    const { added, changed } = this.table.putBatch(live);
    if (added + changed > 0) this.#unsettled.note(undefined, this.#clock.bootSeconds());
    return { put: put + added + changed, dead };
  }

  /** Removes those of a slice that nobody claims: somebody may have, since they were found. */
  #remove(keys: Keys, what: Scope): number {
    const { dead } = this.#split(keys, 0, keys.len.length, what);
    if (dead.len.length === 0) return 0;
    this.#settle();
    if (dead.len.length >= FEW) return this.table.deleteBatch(prefixColumns(dead));
    let removed = 0;
    for (let i = 0; i < dead.len.length; i++) if (this.table.delete(prefixAt(dead, i))) removed++;
    return removed;
  }

  /** True if the kernel holds as many entries as prefixes are listed. */
  get level(): boolean {
    return this.table.size4 === this.#index.size.four && this.table.size6 === this.#index.size.six;
  }

  /** Takes entries out of the kernel that nobody claims. */
  *#removeForeign(stop: () => boolean, what: Scope): Work<number> {
    const { table } = this;
    let removed = 0;
    for (let slot = 0; slot < table.slots && !stop();) {
      this.#requireOpen();
      const found = new BatchBuilder(SLICE);
      for (const end = Math.min(table.slots, slot + SLICE); slot < end; slot++) {
        const entry = table.at(slot);
        if (entry) addPrefix(found, entry.prefix);
      }
      if (found.count > 0) removed += (yield* this.#resync([pairOf(found.build())], what)).removed;
      yield;
    }
    return removed;
  }

  /**
   * Makes the kernel hold what is claimed: what is missing first, what is foreign last. With `lasting`, what has ended is
   * no difference: the kernel judges it, and a sweep takes it off.
   */
  *pass(stop: () => boolean = () => false, what: Scope = 'all'): Work<Repairs> {
    const { segments, own } = this.#index;
    const listed = (stop() ? [] : [...segments.values()]).map(({ four, six }) => ({ four: four.keys, six: six.keys }));
    const repairs = yield* this.#resync([...listed, { four: own.sorted(1).keys, six: own.sorted(4).keys }], what);
    yield* this.recount();
    const foreign = this.level ? 0 : yield* this.#removeForeign(stop, what);
    return { put: repairs.put, removed: repairs.removed + foreign };
  }

  /** Corrects the number of distinct prefixes, unless something changed meanwhile. */
  *recount(): Work<void> {
    const { changes } = this.#index;
    const total = yield* this.#index.recount(new Fold(SLICE));
    if (this.#index.changes === changes) Object.assign(this.#index.size, total);
  }
}
