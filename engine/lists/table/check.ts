// SPDX-License-Identifier: Apache-2.0
// What should be (the copies) against what is (the kernel's memory): compared, and mended where it differs.

import { EntryBit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import type { Front } from './front.js';
import type { LengthSets } from './length-sets.js';
import { type FrontMemory, frontMemory4, frontMemory6, type TableMemory } from './memory.js';
import { LINE_ENTRIES, LINE4_WORDS, LINE6_WORDS, Root } from './shape.js';
import type { Differences, FamilyCount } from './types.js';
import type { Writer } from './writer.js';

const USED = EntryBit.ENTRY_USED;

/** Counts differences; mends them if told to. */
class Comparison {
  checked = 0;
  missing = 0;
  foreign = 0;
  index = 0;
  readonly #mend: boolean;

  constructor(mend: boolean) {
    this.#mend = mend;
  }

  get result(): Differences {
    return { checked: this.checked, missing: this.missing, foreign: this.foreign, index: this.index };
  }

  /** One entry: `keys` words of address, then meta, then expires. Free ones must not be valid in the kernel. */
  entry(copy: Uint32Array, kernel: Uint32Array, at: number, keys: number): void {
    const meta = copy[at + keys] ?? 0;
    if (meta === 0) {
      if (((kernel[at + keys] ?? 0) & USED) === 0) return;
      this.foreign++;
      if (this.#mend) Atomics.store(kernel, at + keys, 0);
      return;
    }
    this.checked++;
    let key = 0;
    for (let i = 0; i < keys; i++) if (copy[at + i] !== kernel[at + i]) key++;
    if (key === 0 && kernel[at + keys] === meta && kernel[at + keys + 1] === copy[at + keys + 1]) return;
    this.missing++;
    if (!this.#mend) return;
    if (key > 0) {
      Atomics.store(kernel, at + keys, 0);
      for (let i = 0; i < keys; i++) kernel[at + i] = copy[at + i] ?? 0;
    }
    kernel[at + keys + 1] = copy[at + keys + 1] ?? 0;
    Atomics.store(kernel, at + keys, meta);
  }

  word<Words extends Uint16Array | Uint32Array>(copy: Words, kernel: Words, at: number): void {
    if (copy[at] === kernel[at]) return;
    this.index++;
    if (this.#mend) Atomics.store(kernel, at, copy[at] ?? 0);
  }

  /** A chain bit that the kernel has too many only costs a look; one too few hides entries. Both are differences. */
  line(copy: Uint32Array, kernel: Uint32Array, line: number, words: number, keys: number): void {
    this.word(copy, kernel, line * words);
    const first = line * words + (keys === 1 ? 1 : 2);
    for (let i = 0; i < LINE_ENTRIES; i++) this.entry(copy, kernel, first + i * (keys + 2), keys);
  }

  /** Sets of lengths before what leads to them. */
  lengths({ sets, buckets }: LengthSets, memory: TableMemory): void {
    for (let at = 0; at < sets.length; at++) this.word(sets, memory.lengthSets, at);
    const words = new Uint32Array(buckets.buffer);
    for (let at = 0; at < words.length; at++)
      if (words[at] !== memory.buckets6[at]) this.word(words, memory.buckets6, at);
  }

  front(front: Front, memory: FrontMemory): void {
    const copy = new Uint32Array(front.copy.buffer);
    const { front: words, mixed, any, filter } = memory;
    for (let i = 0; i < copy.length; i++) if (copy[i] !== words[i]) this.word(copy, words, i);
    for (let i = 0; i < mixed.length; i++) this.word(front.mixed, mixed, i);
    for (let i = 0; i < any.length; i++) this.word(front.any, any, i);
    for (let i = 0; i < filter.length; i++) this.word(front.filter, filter, i);
  }
}

function compare(writer: Writer, mend: boolean): Differences {
  const { memory, four, six } = writer;
  const comparison = new Comparison(mend);
  for (let line = 0; line < four.entries.lines; line++)
    comparison.line(four.entries.copy, memory.entries4, line, LINE4_WORDS, 1);
  for (let line = 0; line < six.entries.lines; line++)
    comparison.line(six.entries.copy, memory.entries6, line, LINE6_WORDS, 4);
  comparison.lengths(six.lengths, memory);
  compareRoot(comparison, writer);
  for (let at = 0; at < writer.sets.length; at++) comparison.word(writer.sets, memory.sets, at);
  const [front4, front6] = [frontMemory4(memory), frontMemory6(memory)];
  comparison.front(four.front, front4);
  comparison.front(six.front, front6);
  return comparison.result;
}

/** What every lookup reads first. */
function compareRoot(comparison: Comparison, writer: Writer): void {
  const root = writer.root();
  for (let i = 0; i < Root.WORDS; i++) comparison.word(root, writer.memory.root, i);
}

/** Compares everything. */
export function check(writer: Writer): Differences {
  return compare(writer, false);
}

/** Compares everything and makes the kernel's memory what it should be. */
export function repair(writer: Writer): Differences {
  return compare(writer, true);
}

/** Compares lines chosen at random until `count` entries were seen, with what leads to them. */
export function sample(writer: Writer, count: number): Differences {
  const { memory, four, six } = writer;
  const comparison = new Comparison(false);
  const [front4, front6] = [frontMemory4(memory), frontMemory6(memory)];
  const [words4, words6] = [new Uint32Array(four.front.copy.buffer), new Uint32Array(six.front.copy.buffer)];
  const buckets = new Uint32Array(six.lengths.buckets.buffer);
  compareRoot(comparison, writer);
  const share4 = four.size / Math.max(1, four.size + six.size);
  // Lines may be empty: a bound on the looks, for a table that holds little.
  for (let looks = 0; looks < 4 * count && comparison.checked < count; looks++) {
    if (Math.random() < share4) {
      const line = Math.floor(Math.random() * four.entries.lines);
      comparison.line(four.entries.copy, memory.entries4, line, LINE4_WORDS, 1);
      for (let i = 0; i < LINE_ENTRIES; i++) {
        const at = Entries4.word(line * LINE_ENTRIES + i);
        if (four.entries.copy[at + 1] !== 0)
          compareFront(comparison, four.front, words4, front4, four.entries.copy[at] ?? 0);
      }
    } else {
      const line = Math.floor(Math.random() * six.entries.lines);
      comparison.line(six.entries.copy, memory.entries6, line, LINE6_WORDS, 4);
      for (let i = 0; i < LINE_ENTRIES; i++) {
        const at = Entries6.word(line * LINE_ENTRIES + i);
        if (six.entries.copy[at + 4] === 0) continue;
        const top = six.entries.copy[at] ?? 0;
        compareFront(comparison, six.front, words6, front6, top);
        compareLengths(comparison, six.lengths, buckets, memory, top);
      }
    }
  }
  return comparison.result;
}

/** The words of a front that lead to an address. */
function compareFront(
  comparison: Comparison,
  front: Front,
  words: Uint32Array,
  memory: FrontMemory,
  top: number,
): void {
  comparison.word(words, memory.front, top >>> 9);
  comparison.word(front.mixed, memory.mixed, top >>> 15);
  comparison.word(front.any, memory.any, top >>> 13);
  comparison.word(front.filter, memory.filter, top >>> 15);
}

/** Which lengths there are below 32 bits of IPv6. */
function compareLengths(
  comparison: Comparison,
  lengths: LengthSets,
  buckets: Uint32Array,
  memory: TableMemory,
  top: number,
): void {
  const bucket = lengths.bucket(top);
  comparison.word(buckets, memory.buckets6, bucket >>> 2);
  const set = (lengths.buckets[bucket] ?? 0) * 4;
  for (let at = set; at < set + 4; at++) comparison.word(lengths.sets, memory.lengthSets, at);
}

/** How many of these places (default: all) hold in the kernel what they should, with all that leads to it. */
export function intact(writer: Writer, slots?: Uint32Array): FamilyCount {
  const { memory, four, six } = writer;
  const comparison = new Comparison(false);
  const [front4, front6] = [frontMemory4(memory), frontMemory6(memory)];
  const [words4, words6] = [new Uint32Array(four.front.copy.buffer), new Uint32Array(six.front.copy.buffer)];
  const buckets = new Uint32Array(six.lengths.buckets.buffer);
  const slots4 = four.entries.lines * LINE_ENTRIES;
  const found = { four: 0, six: 0 };
  compareRoot(comparison, writer);
  // Without the root nothing is found at all.
  if (comparison.index > 0) return found;
  const count = slots?.length ?? slots4 + six.entries.lines * LINE_ENTRIES;
  for (let i = 0; i < count; i++) {
    const slot = slots ? (slots[i] ?? 0) : i;
    const before = comparison.missing + comparison.index;
    if (slot < slots4) {
      const at = Entries4.word(slot);
      if (four.entries.copy[at + 1] === 0) continue;
      comparison.entry(four.entries.copy, memory.entries4, at, 1);
      compareFront(comparison, four.front, words4, front4, four.entries.copy[at] ?? 0);
      if (comparison.missing + comparison.index === before) found.four++;
    } else {
      const at = Entries6.word(slot - slots4);
      if (six.entries.copy[at + 4] === 0) continue;
      const top = six.entries.copy[at] ?? 0;
      comparison.entry(six.entries.copy, memory.entries6, at, 4);
      compareFront(comparison, six.front, words6, front6, top);
      compareLengths(comparison, six.lengths, buckets, memory, top);
      if (comparison.missing + comparison.index === before) found.six++;
    }
  }
  return found;
}
