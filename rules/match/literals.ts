// SPDX-License-Identifier: Apache-2.0
// The search for literals by their index; see literal-index.ts. One pass over the buffer, in which literals of fewer than
// four bytes cost one more look into a bit map.

import { FOLD } from './fold-case.js';
import { hashOfRun, MASKED, TAIL_SHIFT, type LiteralIndex, type RunTable, type Tails } from './literal-index.js';

/** Folds letters of a run; signs that fall together are told apart when literals are compared. */
const CASES = 0x20202020;

/** What is told of the literals that a search comes upon. */
export interface Sink {
  /** False if nobody wants to hear of the literal any more. */
  fresh(literal: number): boolean;
  /** The literal, or the part of it that is compared, stands at `at`. */
  found(literal: number, at: number): void;
}

/** Literals found by one search; made once and used again and again. */
export class Finds implements Sink {
  readonly literals: Int32Array;
  count = 0;
  readonly #seen: Uint32Array;
  #turn = 0;

  /** @param size literals of the largest index that it is used with. */
  constructor(size: number) {
    this.literals = new Int32Array(size);
    this.#seen = new Uint32Array(size);
  }

  begin(): void {
    this.count = 0;
    if (++this.#turn < 0xffffffff) return;
    this.#seen.fill(0);
    this.#turn = 1;
  }

  /** True if the literal was not found since begin(). */
  fresh(literal: number): boolean {
    return this.#seen[literal] !== this.#turn;
  }

  found(literal: number): void {
    this.#seen[literal] = this.#turn;
    this.literals[this.count++] = literal;
  }
}

/** Tells `sink` of the literals that lie in `bytes` from `from` on, of each until it is no longer fresh. */
export function findLiterals(index: LiteralIndex, bytes: Uint8Array, from: number, sink: Sink): void {
  const [long] = index.tables;
  const { tails } = index;
  if (long?.length !== 4) {
    if (tails !== undefined) findShort(index, tails, bytes, from, sink);
  } else if (long.stride > 1) {
    findSome(index, long, bytes, from, sink);
    if (tails !== undefined) findShort(index, tails, bytes, from, sink);
  } else if (tails === undefined) findEach(index, long, bytes, from, sink);
  else findBoth(index, long, tails, bytes, from, sink);
}

function findSome(index: LiteralIndex, table: RunTable, bytes: Uint8Array, from: number, sink: Sink): void {
  const { map, shift, stride } = table;
  const last = bytes.length - 4;
  for (let at = from; at <= last; at += stride) {
    const word =
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number);
    const bit = Math.imul(word | CASES, 0x9e3779b1) >>> shift;
    if (((map[bit >>> 5] as number) & (1 << (bit & 31))) !== 0) {
      compareAt(index, table, bytes, at, (word | CASES) >>> 0, sink);
    }
  }
}

function findEach(index: LiteralIndex, table: RunTable, bytes: Uint8Array, from: number, sink: Sink): void {
  const { map, shift, masked } = table;
  const end = bytes.length;
  let word = 0;
  for (let at = from; at < end; at++) {
    word = (word << 8) | (bytes[at] as number);
    const bit = Math.imul(word | CASES, 0x9e3779b1) >>> shift;
    // Before the fourth byte the word holds zeroes, and what is compared with them does not stand there.
    if (((map[bit >>> 5] as number) & (1 << (bit & 31))) !== 0 && (word !== MASKED || masked)) {
      compareAt(index, table, bytes, at - 3, (word | CASES) >>> 0, sink);
    }
  }
}

function findShort(index: LiteralIndex, tails: Tails, bytes: Uint8Array, from: number, sink: Sink): void {
  const { three, bits } = tails;
  const end = bytes.length;
  let word = 0;
  for (let at = from; at < end; at++) {
    word = (word << 8) | (bytes[at] as number);
    const tail = three ? hashOfTail(word) : (word | CASES) & 0xffff;
    if (((bits[tail >>> 5] as number) & (1 << (tail & 31))) !== 0) compareShort(index, bytes, at, word, sink);
  }
}

function hashOfTail(word: number): number {
  return Math.imul((word | CASES) & 0xffffff, 0x9e3779b1) >>> TAIL_SHIFT;
}

function findBoth(
  index: LiteralIndex,
  table: RunTable,
  tails: Tails,
  bytes: Uint8Array,
  from: number,
  sink: Sink,
): void {
  const { map, shift, masked } = table;
  const { three, bits } = tails;
  const end = bytes.length;
  let word = 0;
  for (let at = from; at < end; at++) {
    word = (word << 8) | (bytes[at] as number);
    const bit = Math.imul(word | CASES, 0x9e3779b1) >>> shift;
    if (((map[bit >>> 5] as number) & (1 << (bit & 31))) !== 0 && (word !== MASKED || masked)) {
      compareAt(index, table, bytes, at - 3, (word | CASES) >>> 0, sink);
    }
    const tail = three ? hashOfTail(word) : (word | CASES) & 0xffff;
    if (((bits[tail >>> 5] as number) & (1 << (tail & 31))) !== 0) compareShort(index, bytes, at, word, sink);
  }
}

/** Compares the literals of fewer than four bytes that may end with the byte at `last`; `word` are the bytes up to it. */
function compareShort(index: LiteralIndex, bytes: Uint8Array, last: number, word: number, sink: Sink): void {
  for (const table of index.tables) {
    const { length, map, shift } = table;
    if (length === 4) continue;
    const run = (word | CASES) & ((1 << (8 * length)) - 1);
    const bit = hashOfRun(run) >>> shift;
    if (((map[bit >>> 5] as number) & (1 << (bit & 31))) !== 0) {
      compareAt(index, table, bytes, last + 1 - length, run, sink);
    }
  }
}

/** Compares the literals that have the run which stands at `at`. */
function compareAt(index: LiteralIndex, table: RunTable, bytes: Uint8Array, at: number, run: number, sink: Sink): void {
  const { runs, first, next } = table;
  const last = runs.length - 1;
  let slot = hashOfRun(run) & last;
  while (first[slot] !== 0 && runs[slot] !== run) slot = (slot + 1) & last;
  for (let entry = first[slot] ?? 0; entry !== 0; entry = next[entry - 1] ?? 0) {
    const literal = table.literal[entry - 1] ?? 0;
    if (!sink.fresh(literal)) continue;
    const start = at - (table.offset[entry - 1] ?? 0);
    if (standsAt(index, literal, bytes, start)) sink.found(literal, start);
  }
}

function standsAt(index: LiteralIndex, literal: number, bytes: Uint8Array, at: number): boolean {
  const from = index.starts[literal] ?? 0;
  const length = (index.starts[literal + 1] ?? 0) - from;
  if (at < 0 || at + length > bytes.length) return false;
  for (let i = 0; i < length; i++) if (FOLD[bytes[at + i] as number] !== index.bytes[from + i]) return false;
  return true;
}
