// SPDX-License-Identifier: Apache-2.0
// Batches as sets: union, difference, a choice of entries. All linear in the entries.

import { BatchBuilder } from './batch-builder.js';
import type { BatchExtra, PrefixBatch } from './prefix-batch.js';

export const EMPTY_BATCH: PrefixBatch = {
  count: 0,
  addr4: new Uint32Array(0),
  len4: new Uint8Array(0),
  addr6: new Uint32Array(0),
  len6: new Uint8Array(0),
};

/** The entries of all batches, each once; of what equal ones say the longer life wins. */
export function unionBatches(batches: readonly PrefixBatch[]): PrefixBatch {
  const [only] = batches;
  if (only && batches.length === 1) return only;
  const builder = new BatchBuilder(batches.reduce((sum, { len4 }) => sum + len4.length, 0));
  for (const batch of batches) builder.addBatch(batch);
  return builder.build();
}

/** Orders entry `i` of one batch and `j` of another: negative, zero (the same prefix) or positive. */
function compare4(a: PrefixBatch, i: number, b: PrefixBatch, j: number): number {
  return (a.addr4[i] ?? 0) - (b.addr4[j] ?? 0) || (a.len4[i] ?? 0) - (b.len4[j] ?? 0);
}

function compare6(a: PrefixBatch, i: number, b: PrefixBatch, j: number): number {
  for (let word = 0; word < 4; word++) {
    const diff = (a.addr6[4 * i + word] ?? 0) - (b.addr6[4 * j + word] ?? 0);
    if (diff !== 0) return diff;
  }
  return (a.len6[i] ?? 0) - (b.len6[j] ?? 0);
}

function common(
  a: PrefixBatch,
  b: PrefixBatch,
  lengths: readonly [number, number],
  compare: typeof compare4,
): { inA: Uint8Array; inB: Uint8Array } {
  const [n, m] = lengths;
  const inA = new Uint8Array(n);
  const inB = new Uint8Array(m);
  for (let i = 0, j = 0; i < n && j < m;) {
    const order = compare(a, i, b, j);
    if (order === 0) inA[i] = inB[j] = 1;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return { inA, inB };
}

/** A byte an entry, 1 = chosen. */
export interface Choice {
  readonly four: Uint8Array;
  readonly six: Uint8Array;
}

/** Which entries of `a` are in `b` as well (the same prefix), and the other way round. */
export function inBoth(a: PrefixBatch, b: PrefixBatch): { readonly inA: Choice; readonly inB: Choice } {
  const four = common(a, b, [a.len4.length, b.len4.length], compare4);
  const six = common(a, b, [a.len6.length, b.len6.length], compare6);
  return { inA: { four: four.inA, six: six.inA }, inB: { four: four.inB, six: six.inB } };
}

function indexes(choice: Uint8Array, wanted: 0 | 1): Uint32Array {
  let count = 0;
  for (let i = 0; i < choice.length; i++) if (choice[i] === wanted) count++;
  const list = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < choice.length; i++) if (choice[i] === wanted) list[at++] = i;
  return list;
}

type Column = Uint8Array | Uint32Array | Float64Array;

/** Entries of a column, `words` numbers each, by their indexes. (Loops: `from` with a function takes ten times as long.) */
function pick<T extends Column>(column: T, which: Uint32Array, out: T, words: number): T {
  for (let i = 0; i < which.length; i++) {
    const from = (which[i] ?? 0) * words;
    for (let word = 0; word < words; word++) out[i * words + word] = column[from + word] ?? 0;
  }
  return out;
}

/** The entries whose choice is `wanted` (default 1), in order, with what they say. */
export function choose(batch: PrefixBatch, choice: Choice, wanted: 0 | 1 = 1): PrefixBatch {
  const four = indexes(choice.four, wanted);
  const six = indexes(choice.six, wanted);
  if (four.length === batch.len4.length && six.length === batch.len6.length) return batch;
  const chosen = {
    count: four.length + six.length,
    addr4: pick(batch.addr4, four, new Uint32Array(four.length), 1),
    len4: pick(batch.len4, four, new Uint8Array(four.length), 1),
    addr6: pick(batch.addr6, six, new Uint32Array(4 * six.length), 4),
    len6: pick(batch.len6, six, new Uint8Array(six.length), 1),
  };
  const { extra } = batch;
  if (!extra) return chosen;
  const chosenExtra: BatchExtra = {
    expires4: pick(extra.expires4, four, new Float64Array(four.length), 1),
    expires6: pick(extra.expires6, six, new Float64Array(six.length), 1),
    reason4: pick(extra.reason4, four, new Uint32Array(four.length), 1),
    reason6: pick(extra.reason6, six, new Uint32Array(six.length), 1),
    reasons: extra.reasons,
  };
  return { ...chosen, extra: chosenExtra };
}

/** What changes from `before` to `after`. */
export function compareBatches(
  before: PrefixBatch,
  after: PrefixBatch,
): { readonly added: PrefixBatch; readonly removed: PrefixBatch; readonly kept: PrefixBatch } {
  const { inA, inB } = inBoth(before, after);
  return { added: choose(after, inB, 0), removed: choose(before, inA, 0), kept: choose(after, inB) };
}

/** The first entry of the IPv4 columns that is not before (address, length). */
export function lowerBound4({ addr4, len4 }: PrefixBatch, address: number, length: number): number {
  let low = 0;
  let high = len4.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const diff = (addr4[middle] ?? 0) - address || (len4[middle] ?? 0) - length;
    if (diff < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first entry of the IPv6 columns that is not before (address, length). */
export function lowerBound6(batch: PrefixBatch, words: readonly number[], length: number): number {
  const probe = { ...EMPTY_BATCH, addr6: Uint32Array.from(words), len6: Uint8Array.of(length) };
  let low = 0;
  let high = batch.len6.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare6(batch, middle, probe, 0) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
