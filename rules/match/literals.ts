// SPDX-License-Identifier: Apache-2.0
// The search for literals by their index; see literal-index.ts.

import { FOLD } from './fold-case.js';
import { hashOfRun, type LiteralIndex, type RunTable } from './literal-index.js';

/** Folds letters of a run; signs that fall together are told apart when literals are compared. */
const CASES = 0x20202020;

/** Literals found by one search; made once and used again and again. */
export class Finds {
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

  add(literal: number): void {
    this.#seen[literal] = this.#turn;
    this.literals[this.count++] = literal;
  }
}

/** Adds the literals that lie in `bytes` from `from` on to `finds`, each once since finds.begin(). */
export function findLiterals(index: LiteralIndex, bytes: Uint8Array, from: number, finds: Finds): void {
  for (const table of index.tables) {
    if (table.length < 4) findShort(index, table, bytes, from, finds);
    else if (table.stride === 1) findEach(index, table, bytes, from, finds);
    else findSome(index, table, bytes, from, finds);
  }
}

function findSome(index: LiteralIndex, table: RunTable, bytes: Uint8Array, from: number, finds: Finds): void {
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
      compareAt(index, table, bytes, at, (word | CASES) >>> 0, finds);
    }
  }
}

function findEach(index: LiteralIndex, table: RunTable, bytes: Uint8Array, from: number, finds: Finds): void {
  const { map, shift } = table;
  const end = bytes.length;
  let at = from;
  let word = 0;
  for (const first = Math.min(end, from + 3); at < first; at++) word = (word << 8) | (bytes[at] as number);
  for (; at < end; at++) {
    word = (word << 8) | (bytes[at] as number);
    const bit = Math.imul(word | CASES, 0x9e3779b1) >>> shift;
    if (((map[bit >>> 5] as number) & (1 << (bit & 31))) !== 0) {
      compareAt(index, table, bytes, at - 3, (word | CASES) >>> 0, finds);
    }
  }
}

function findShort(index: LiteralIndex, table: RunTable, bytes: Uint8Array, from: number, finds: Finds): void {
  const { map, shift, length } = table;
  const mask = (1 << (8 * length)) - 1;
  const end = bytes.length;
  let word = 0;
  for (let at = from; at < end; at++) {
    word = ((word << 8) | (bytes[at] as number) | 0x20) & mask;
    if (at - from + 1 < length) continue;
    const bit = Math.imul(word, 0x9e3779b1) >>> shift;
    if (((map[bit >>> 5] as number) & (1 << (bit & 31))) !== 0) {
      compareAt(index, table, bytes, at + 1 - length, word, finds);
    }
  }
}

/** Compares the literals that have the run which stands at `at`. */
function compareAt(
  index: LiteralIndex,
  table: RunTable,
  bytes: Uint8Array,
  at: number,
  run: number,
  finds: Finds,
): void {
  const { runs, first, next } = table;
  const last = runs.length - 1;
  let slot = hashOfRun(run) & last;
  while (first[slot] !== 0 && runs[slot] !== run) slot = (slot + 1) & last;
  for (let entry = first[slot] ?? 0; entry !== 0; entry = next[entry - 1] ?? 0) {
    const literal = table.literal[entry - 1] ?? 0;
    if (!finds.fresh(literal)) continue;
    if (standsAt(index, literal, bytes, at - (table.offset[entry - 1] ?? 0))) finds.add(literal);
  }
}

function standsAt(index: LiteralIndex, literal: number, bytes: Uint8Array, at: number): boolean {
  const from = index.starts[literal] ?? 0;
  const length = (index.starts[literal + 1] ?? 0) - from;
  if (at < 0 || at + length > bytes.length) return false;
  for (let i = 0; i < length; i++) if (FOLD[bytes[at + i] as number] !== index.bytes[from + i]) return false;
  return true;
}
