// SPDX-License-Identifier: Apache-2.0
// Finds which of many literals occur in a buffer, without case. A literal is known by a few runs of four of its bytes that
// few others have (a shorter one by all it has), at consecutive places, so that it is enough to look at every second or
// fourth byte of a buffer. A bit map over hashes of the runs says nearly everywhere that nothing is there; what it lets
// through is compared. An automaton would take 200 MB for 30,000 literals of arbitrary bytes, this takes 4 MB, and its
// tables for a usual rule set stay in the first cache.

import { USUAL } from '../usual.js';

/** Plain data; can be cloned into another thread. */
export interface LiteralIndex {
  readonly tables: readonly RunTable[];
  /** Of literals of fewer than four bytes, how they end; undefined if there is none. */
  readonly tails: Tails | undefined;
  /** Bytes of all literals (at most MAX_COMPARED of each), folded: literal n is bytes[starts[n]] to bytes[starts[n + 1]]. */
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  /** Longest literal, in bytes that are compared. */
  readonly longest: number;
}

/** Bits by the last bytes, folded, of short literals: two bytes themselves, or the hash of three if none is shorter. */
export interface Tails {
  readonly three: boolean;
  readonly bits: Uint32Array;
}

/** Hashes of three bytes are shifted right by this. */
export const TAIL_SHIFT = 18;

/** Literals by runs of one length. */
export interface RunTable {
  /** Bytes of a run: 4, or fewer for literals that are shorter. */
  readonly length: number;
  /** Every so many bytes of a buffer are looked at; a literal has as many runs. */
  readonly stride: number;
  /** Hashes are shifted right by this. */
  readonly shift: number;
  readonly map: Uint32Array;
  /** True if a run is four asterisks, which masked values are full of. */
  readonly masked: boolean;
  /** Open addressing by hash: the run, and its first entry plus 1; 0 = free. */
  readonly runs: Uint32Array;
  readonly first: Uint32Array;
  /** By entry: the literal, where the run stands in it, the next entry with the same run plus 1. */
  readonly literal: Uint32Array;
  /** -1 of a literal of three bytes: the run is that and the byte before it. */
  readonly offset: Int8Array;
  readonly next: Uint32Array;
}

/** Bytes of a literal that are compared; what is longer is told apart by the exact test. */
const MAX_COMPARED = 32;
/** Four asterisks. */
export const MASKED = 0x2a2a2a2a;
const MIN_BITS = 12;
const MAX_BITS = 21;

export const hashOfRun = (run: number): number => Math.imul(run, 0x9e3779b1) >>> 0;

/** The run of `length` bytes at `at` as a number, the first byte highest. */
function runOf(bytes: Uint8Array, at: number, length: number): number {
  let run = 0;
  for (let i = 0; i < length; i++) run = (run << 8) | (bytes[at + i] ?? 0) | 0x20;
  return run >>> 0;
}

function countRuns(literals: readonly Uint8Array[]): Map<number, number> {
  const counts = new Map<number, number>();
  const add = (bytes: Uint8Array, weight: number): void => {
    for (let at = 0; at + 4 <= bytes.length; at++) {
      const run = runOf(bytes, at, 4);
      counts.set(run, (counts.get(run) ?? 0) + weight);
    }
  };
  for (const literal of literals) add(literal, 1);
  add(Buffer.from(`${USUAL}****`), 1000);
  return counts;
}

/** Where in the literal the rarest `stride` consecutive runs begin. */
function rarest(literal: Uint8Array, stride: number, counts: ReadonlyMap<number, number>): number {
  let [best, least] = [0, Infinity];
  for (let at = 0; at + stride + 3 <= literal.length; at++) {
    let sum = 0;
    for (let i = 0; i < stride; i++) {
      sum += counts.get(runOf(literal, at + i, 4)) ?? 0;
      // Runs of one byte are common in binary data.
      if (literal[at + i] === literal[at + i + 1] && literal[at + i] === literal[at + i + 2]) sum += 500;
    }
    if (sum < least) [best, least] = [at, sum];
  }
  return best;
}

/** A part of a literal: what is compared, and where its runs begin in that. */
interface Part {
  readonly bytes: Uint8Array;
  readonly run: number;
}

const NO_PART: Part = { bytes: new Uint8Array(0), run: 0 };

function partOf(literal: Uint8Array, stride: number, counts: ReadonlyMap<number, number>): Part {
  const run = rarest(literal, stride, counts);
  const from = Math.max(0, Math.min(run - MAX_COMPARED / 2, literal.length - MAX_COMPARED));
  return { bytes: literal.subarray(from, from + MAX_COMPARED), run: run - from };
}

/** Literals of three bytes that are worth a run with every byte that may stand before them. */
const EXPANDED = 16;

/** A run of a literal. */
interface Run {
  readonly literal: number;
  readonly offset: number;
  readonly run: number;
}

function runsOf(literal: number, { bytes, run }: Part, length: number, stride: number): Run[] {
  if (bytes.length < length) {
    const rest = runOf(bytes, 0, 3);
    const before = [...new Set(Array.from({ length: 256 }, (_, byte) => byte | 0x20))];
    return before.map((byte) => ({ literal, offset: -1, run: ((byte << 24) | rest) >>> 0 }));
  }
  return Array.from({ length: stride }, (_, i) => ({ literal, offset: run + i, run: runOf(bytes, run + i, length) }));
}

function tableOf(length: number, stride: number, members: readonly number[], parts: readonly Part[]): RunTable {
  const all = members.flatMap((literal) => runsOf(literal, parts[literal] ?? NO_PART, length, stride));
  const entries = all.length;
  const bits = Math.min(MAX_BITS, Math.max(MIN_BITS, Math.ceil(Math.log2(entries)) + 5));
  const slots = 2 ** Math.ceil(Math.log2(2 * entries + 2));
  const shift = 32 - bits;
  const map = new Uint32Array(2 ** (bits - 5));
  const [runs, first] = [new Uint32Array(slots), new Uint32Array(slots)];
  const [literals, offsets, next] = [new Uint32Array(entries), new Int8Array(entries), new Uint32Array(entries)];
  all.forEach(({ literal, offset, run }, entry) => {
    const hash = hashOfRun(run);
    const bit = hash >>> shift;
    map[bit >>> 5] = (map[bit >>> 5] ?? 0) | (1 << (bit & 31));
    let slot = hash & (slots - 1);
    while (first[slot] !== 0 && runs[slot] !== run) slot = (slot + 1) & (slots - 1);
    runs[slot] = run;
    next[entry] = first[slot] ?? 0;
    first[slot] = entry + 1;
    literals[entry] = literal;
    offsets[entry] = offset;
  });
  const masked = runs.some((run, slot) => run === MASKED && first[slot] !== 0);
  return { length, stride, shift, map, masked, runs, first, literal: literals, offset: offsets, next };
}

/** The bits of LiteralIndex.tails. @param short literals of fewer than four bytes */
function tailsOf(short: readonly Uint8Array[]): Tails | undefined {
  if (short.length === 0) return undefined;
  const three = short.every(({ length }) => length === 3);
  const bits = new Uint32Array((three ? 2 ** (32 - TAIL_SHIFT) : 65_536) / 32);
  const set = (tail: number): void => {
    bits[tail >>> 5] = (bits[tail >>> 5] ?? 0) | (1 << (tail & 31));
  };
  for (const literal of short) {
    if (three) set(hashOfRun(runOf(literal, 0, 3)) >>> TAIL_SHIFT);
    else if (literal.length > 1) set(runOf(literal, literal.length - 2, 2));
    else for (let before = 0; before < 256; before++) set(((before | 0x20) << 8) | runOf(literal, 0, 1));
  }
  return { three, bits };
}

/** The index of `literals`, which must be in lower case (foldCase) and not empty; undefined if there are none. */
export function indexLiterals(literals: readonly Uint8Array[]): LiteralIndex | undefined {
  if (literals.length === 0) return undefined;
  const counts = countRuns(literals);
  const shortest = literals.reduce((least, { length }) => (length >= 4 && length < least ? length : least), Infinity);
  const stride = shortest >= 7 ? 4 : shortest >= 5 ? 2 : 1;
  const parts = literals.map((literal) => partOf(literal, literal.length >= 4 ? stride : 1, counts));
  const starts = new Uint32Array(literals.length + 1);
  parts.forEach((part, number) => (starts[number + 1] = (starts[number] ?? 0) + part.bytes.length));
  const short = literals.filter(({ length }) => length < 4);
  const expands = stride === 1 && short.length <= EXPANDED && short.every(({ length }) => length === 3);
  const lengthOf = ({ length }: Uint8Array): number => (expands ? 4 : Math.min(4, length));
  const tables = [4, 3, 2, 1].flatMap((length) => {
    const members = [...literals.keys()].filter((number) => lengthOf(literals[number] ?? NO_PART.bytes) === length);
    return members.length === 0 ? [] : [tableOf(length, length === 4 ? stride : 1, members, parts)];
  });
  return {
    tables,
    tails: expands ? undefined : tailsOf(short),
    bytes: Uint8Array.from(Buffer.concat(parts.map((part) => part.bytes))),
    starts,
    longest: parts.reduce((most, part) => Math.max(most, part.bytes.length), 0),
  };
}
