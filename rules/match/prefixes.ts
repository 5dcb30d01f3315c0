// SPDX-License-Identifier: Apache-2.0
// Literals with which a buffer has to begin, and that are too short or too usual to be looked for in a whole head: by the
// first bytes of the buffer.

import { USUAL } from '../usual.js';
import { FOLD } from './fold-case.js';
import { BufferId } from './message.js';
import type { Entry } from './prefilter.js';

/** Such literals of one buffer, in columns. */
export interface PrefixFilter {
  readonly buffer: BufferId;
  /** Entries by keyOf() of the first bytes, as many as KEY or all of the literal. */
  readonly byKey: ReadonlyMap<number, Uint32Array>;
  readonly literals: readonly Uint8Array[];
  /** By entry, as LedRules. */
  readonly rules: Uint32Array;
  readonly least: Uint32Array;
  readonly most: Uint32Array;
}

export interface Prefix extends Entry {
  readonly literal: Uint8Array;
}

const KEY = 3;
const usual = USUAL.toLowerCase();
/** Buffers of which a head says exactly where they begin. */
const BUFFERS: ReadonlySet<BufferId> = new Set<BufferId>([BufferId.URI, BufferId.HOST, BufferId.USER_AGENT]);

/** True if the literal is better looked for here. */
export function isPrefix(literal: Uint8Array, { buffer, until }: Entry): boolean {
  if (until !== literal.length || !BUFFERS.has(buffer)) return false;
  return literal.length <= KEY || usual.includes(Buffer.from(literal).toString('latin1'));
}

/** The `length` bytes at `at` as a number; other lengths give other numbers. */
function keyOf(bytes: Uint8Array, at: number, length: number): number {
  let key = length;
  for (let i = 0; i < length; i++) key = key * 256 + (FOLD[bytes[at + i] as number] as number);
  return key;
}

export function prefixFilter(buffer: BufferId, list: readonly Prefix[]): PrefixFilter {
  const keys = new Map<number, number[]>();
  list.forEach(({ literal }, entry) => {
    const key = keyOf(literal, 0, Math.min(KEY, literal.length));
    keys.set(key, [...(keys.get(key) ?? []), entry]);
  });
  return {
    buffer,
    byKey: new Map([...keys].map(([key, entries]) => [key, Uint32Array.from(entries)])),
    literals: list.map(({ literal }) => literal),
    rules: Uint32Array.from(list, ({ rule }) => rule),
    least: Uint32Array.from(list, ({ least }) => least),
    most: Uint32Array.from(list, ({ most }) => most),
  };
}

/** Tells `found` of the entries whose literal the buffer begins with, which stands in bytes[from..to). */
export function findPrefixes(
  { byKey, literals }: PrefixFilter,
  bytes: Uint8Array,
  from: number,
  to: number,
  found: (entry: number) => void,
): void {
  for (let length = 1; length <= KEY && from + length <= to; length++) {
    const entries = byKey.get(keyOf(bytes, from, length));
    if (entries === undefined) continue;
    for (const entry of entries) if (beginsWith(bytes, from, to, literals[entry])) found(entry);
  }
}

function beginsWith(bytes: Uint8Array, from: number, to: number, literal: Uint8Array | undefined): boolean {
  if (literal === undefined || from + literal.length > to) return false;
  for (let i = KEY; i < literal.length; i++) if (FOLD[bytes[from + i] as number] !== literal[i]) return false;
  return true;
}
