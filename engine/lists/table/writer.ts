// SPDX-License-Identifier: Apache-2.0
// Single changes of the table in numbers: entry first, then what leads to it; and the other way round.

import { randomFillSync } from 'node:crypto';
import { EntryBit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import { Family4 } from './family4.js';
import { Family6 } from './family6.js';
import type { TableMemory } from './memory.js';
import type { Quarantine } from './quarantine.js';
import { Hashes, LINE4_WORDS, LINE6_WORDS, Root } from './shape.js';

/** HELD: it would weaken what is there, and `holdWeaker` says that this has to wait. */
export const Outcome = { SAME: 0, CHANGED: 1, ADDED: 2, HELD: 3 } as const;

/** 16-bit words of struct ids_set. */
const SET_WORDS = 4;
const KEY = EntryBit.ENTRY_LENGTH | EntryBit.ENTRY_USED;

/** Whether an entry would act on fewer packets, or for a shorter time, than before. */
function weakens(before: number, until: number, meta: number, expires: number): boolean {
  const lost = (bit: number): boolean => (before & bit) !== 0 && (meta & bit) === 0;
  const gained = (bit: number): boolean => (before & bit) === 0 && (meta & bit) !== 0;
  if (gained(EntryBit.ENTRY_ALERT) || lost(EntryBit.ENTRY_FORCED)) return true;
  return expires !== 0 && (until === 0 || expires < until);
}

export class Writer {
  readonly memory: TableMemory;
  readonly quarantine: Quarantine;
  readonly four: Family4;
  readonly six: Family6;
  /** struct ids_set as they should be: what was written, or found at the start. */
  readonly sets: Uint16Array;
  /** The memory was new: there is nothing to take over. */
  readonly fresh: boolean;
  readonly #seed: Uint32Array;
  /** Whether changes that weaken an entry are left to the caller. */
  holdWeaker = false;
  /** What the last `put4` or `put6` did, and the value that it replaced if it changed one. */
  outcome: (typeof Outcome)[keyof typeof Outcome] = Outcome.SAME;
  beforeMeta = 0;
  beforeExpires = 0;

  private constructor(memory: TableMemory, quarantine: Quarantine) {
    this.memory = memory;
    this.quarantine = quarantine;
    const { root } = memory;
    this.fresh = root[Root.LINES4] === 0;
    if (this.fresh) {
      const seed = randomFillSync(new Uint32Array(3));
      root[Root.SEED] = seed[0] ?? 0;
      root[Root.SEED + 1] = (seed[1] ?? 0) | 1;
      root[Root.SEED + 2] = (seed[2] ?? 0) | 1;
      root[Root.LINES6] = memory.entries6.length / LINE6_WORDS;
      Atomics.store(root, Root.LINES4, memory.entries4.length / LINE4_WORDS);
    }
    this.#seed = root.slice(Root.SEED, Root.SEED + 3);
    const hashes = new Hashes(this.#seed);
    this.four = new Family4(memory, hashes, quarantine);
    this.six = new Family6(memory, hashes, quarantine);
    this.sets = memory.sets.slice();
  }

  static open(memory: TableMemory, quarantine: Quarantine): Writer {
    return new Writer(memory, quarantine);
  }

  /** struct ids_list_root as it should be. */
  root(): Uint32Array {
    const root = new Uint32Array(Root.WORDS);
    root[Root.LINES4] = this.four.entries.lines;
    root[Root.LINES6] = this.six.entries.lines;
    root[Root.LENGTHS4] = this.four.shortLengths;
    root[Root.LENGTHS6] = this.six.shortLengths;
    root.set(this.#seed, Root.SEED);
    return root;
  }

  /** Names the origin under which packets of a set are counted. */
  writeSet(set: number, origin: number): void {
    this.sets[set * SET_WORDS] = origin;
    Atomics.store(this.memory.sets, set * SET_WORDS, origin);
  }

  /** Waits for all readers, so that every freed place can be used. */
  settle(): void {
    this.memory.synchronize();
    this.quarantine.release();
  }

  /** Adds or changes an entry. Gives its place, or -1 if no place is left. Host bits must be zero. */
  put4(addr: number, length: number, meta: number, expires: number): number {
    const place = this.enter4(addr, length, meta, expires);
    if (place >= 0 && this.outcome === Outcome.ADDED) this.four.link(addr, length);
    return place;
  }

  /** As `put4`; what is ADDED has to be linked before it is in force. */
  enter4(addr: number, length: number, meta: number, expires: number): number {
    const { entries } = this.four;
    let place = entries.find(addr, length);
    if (place >= 0) {
      const at = Entries4.word(place);
      this.#compare(entries.copy[at + 1] ?? 0, entries.copy[at + 2] ?? 0, meta, expires);
      if (this.outcome === Outcome.CHANGED) entries.change(place, meta, expires);
      return place;
    }
    place = entries.add(addr, length, meta, expires);
    if (place < 0) {
      this.settle();
      entries.find(addr, length);
      place = entries.add(addr, length, meta, expires);
    }
    if (place < 0) return -1;
    this.outcome = Outcome.ADDED;
    return place;
  }

  /** As `put4`; the place counts from the first of IPv6. */
  put6(a: number, b: number, c: number, d: number, length: number, meta: number, expires: number): number {
    const { entries } = this.six;
    let place = entries.find(a, b, c, d, length);
    if (place >= 0) {
      const at = Entries6.word(place);
      this.#compare(entries.copy[at + 4] ?? 0, entries.copy[at + 5] ?? 0, meta, expires);
      if (this.outcome === Outcome.CHANGED) entries.change(place, meta, expires);
      return place;
    }
    place = entries.add(a, b, c, d, length, meta, expires);
    if (place < 0) {
      this.settle();
      entries.find(a, b, c, d, length);
      place = entries.add(a, b, c, d, length, meta, expires);
    }
    if (place < 0) return -1;
    this.six.link(a, length);
    this.outcome = Outcome.ADDED;
    return place;
  }

  #compare(word: number, seconds: number, meta: number, expires: number): void {
    this.beforeMeta = word & ~KEY;
    this.beforeExpires = seconds;
    if ((word & ~KEY) >>> 0 === meta >>> 0 && seconds === expires) this.outcome = Outcome.SAME;
    else if (this.holdWeaker && weakens(word, seconds, meta, expires)) this.outcome = Outcome.HELD;
    else this.outcome = Outcome.CHANGED;
  }

  remove4(addr: number, length: number, place: number): void {
    this.four.entries.remove(place);
    this.four.unlink(addr, length);
  }

  remove6(top: number, length: number, place: number): void {
    this.six.entries.remove(place);
    this.six.unlink(top, length);
  }
}
