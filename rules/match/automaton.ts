// SPDX-License-Identifier: Apache-2.0
// An Aho-Corasick automaton over bytes without case, as flat tables: one lookup a byte, whatever the number of patterns.

/** Plain data; can be cloned into another thread. */
export interface Automaton {
  /** Class of each byte; letters of both cases share one, bytes of no pattern are class 0. */
  readonly classOf: Uint8Array;
  readonly width: number;
  /** States are numbered in steps of `width`: next[state + class]. Those from `accepting` on end at least one pattern. */
  readonly next: Int32Array;
  readonly accepting: number;
  /** Patterns that end in accepting state number n of those: hits[hitsFrom[n]] to hits[hitsFrom[n + 1] - 1]. */
  readonly hitsFrom: Int32Array;
  readonly hits: Int32Array;
}

const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

/** Lower case of ASCII letters, other bytes as they are. */
export function foldCase(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (isUpper(byte) ? byte | 0x20 : byte));
}

function classesOf(patterns: readonly Uint8Array[]): { classOf: Uint8Array; width: number } {
  const classOf = new Uint8Array(256);
  let width = 1;
  for (const pattern of patterns) {
    for (const byte of pattern) if (classOf[byte] === 0) classOf[byte] = width++;
  }
  for (let byte = 0x41; byte <= 0x5a; byte++) classOf[byte] = classOf[byte | 0x20] ?? 0;
  return { classOf, width };
}

interface Trie {
  readonly edges: Map<number, number>[];
  readonly ends: number[][];
}

function trieOf(patterns: readonly Uint8Array[], classOf: Uint8Array): Trie {
  const edges: Map<number, number>[] = [new Map<number, number>()];
  const ends: number[][] = [[]];
  patterns.forEach((pattern, id) => {
    let state = 0;
    for (const byte of pattern) {
      const label = classOf[byte] ?? 0;
      let to = edges[state]?.get(label);
      if (to === undefined) {
        to = edges.length;
        edges.push(new Map());
        ends.push([]);
        edges[state]?.set(label, to);
      }
      state = to;
    }
    ends[state]?.push(id);
  });
  return { edges, ends };
}

/** The automaton of `patterns`, which must be in lower case (foldCase) and not empty; undefined if there are none. */
export function buildAutomaton(patterns: readonly Uint8Array[]): Automaton | undefined {
  if (patterns.length === 0) return undefined;
  const { classOf, width } = classesOf(patterns);
  const { edges, ends } = trieOf(patterns, classOf);
  const states = edges.length;
  const table = new Int32Array(states * width);
  const fail = new Int32Array(states);
  const queue: number[] = [];
  // Breadth first: a state's failure state is shallower, so its row is complete when it is copied.
  for (const [label, to] of edges[0] ?? []) {
    table[label] = to;
    queue.push(to);
  }
  for (let i = 0; i < queue.length; i++) {
    const state = queue[i] ?? 0;
    const back = fail[state] ?? 0;
    ends[state]?.push(...(ends[back] ?? []));
    table.copyWithin(state * width, back * width, (back + 1) * width);
    for (const [label, to] of edges[state] ?? []) {
      fail[to] = table[back * width + label] ?? 0;
      table[state * width + label] = to;
      queue.push(to);
    }
  }
  return renumber({ classOf, width, table, ends });
}

/** Puts the accepting states last, so that one comparison a byte finds them. */
function renumber(raw: {
  classOf: Uint8Array;
  width: number;
  table: Int32Array;
  ends: readonly number[][];
}): Automaton {
  const { classOf, width, table, ends } = raw;
  const order = [...ends.keys()].sort((a, b) => Number(ends[a]?.length !== 0) - Number(ends[b]?.length !== 0) || a - b);
  const place = new Int32Array(order.length);
  order.forEach((state, i) => (place[state] = i));
  const accepting = ends.filter((list) => list.length === 0).length;
  const next = new Int32Array(table.length);
  order.forEach((state, i) => {
    for (let label = 0; label < width; label++) {
      next[i * width + label] = (place[table[state * width + label] ?? 0] ?? 0) * width;
    }
  });
  const lists = order.slice(accepting).map((state) => [...new Set(ends[state])]);
  const hitsFrom = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => (hitsFrom[i + 1] = (hitsFrom[i] ?? 0) + list.length));
  return { classOf, width, next, accepting: accepting * width, hitsFrom, hits: Int32Array.from(lists.flat()) };
}

/** Calls `hit` with the number of each pattern that occurs in `bytes`, perhaps several times. */
export function scan(automaton: Automaton, bytes: Uint8Array, hit: (pattern: number) => void): void {
  const { classOf, width, next, accepting, hitsFrom, hits } = automaton;
  let state = 0;
  for (let at = 0; at < bytes.length; at++) {
    state = next[state + (classOf[bytes[at] ?? 0] ?? 0)] ?? 0;
    if (state < accepting) continue;
    const number = (state - accepting) / width;
    const to = hitsFrom[number + 1] ?? 0;
    for (let i = hitsFrom[number] ?? 0; i < to; i++) hit(hits[i] ?? 0);
  }
}
