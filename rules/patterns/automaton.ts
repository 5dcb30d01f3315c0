// SPDX-License-Identifier: Apache-2.0
// An Aho-Corasick automaton over byte classes as one flat table, with a root for each buffer. It folds letters and, if
// there are too many different bytes, takes the rare ones for one: whoever is told of a hit compares what that hides.

import { L7Limit, Region } from '../../common/abi.gen.js';
import { lower, type Pattern } from './pattern.js';

/** Steps in a row of the table. */
export const WIDTH = L7Limit.PATTERN_CLASSES;
/** Class of the bytes that share one. */
const SHARED = WIDTH - 1;
const REGIONS: number = Region.REGIONS;

export interface Automaton {
  readonly byteClass: Uint8Array;
  /** True for a byte whose class is that of others. */
  readonly shared: (byte: number) => boolean;
  /** States in use. State 0 is where nothing is looked for; it leads to itself. */
  readonly states: number;
  /** next[state * WIDTH + class] */
  readonly next: Int32Array;
  readonly roots: Int32Array;
  /** State before the first byte of a buffer: the root, or what a dot leads to if it may stand before the buffer. */
  readonly starts: Int32Array;
  /** First entry of `outputs` of each state; 0 = none. */
  readonly output: Int32Array;
  /** Patterns that end in a state, the last one as its complement (~pattern). */
  readonly outputs: readonly number[];
}

interface Classes {
  readonly byteClass: Uint8Array;
  readonly shared: (byte: number) => boolean;
}

function classesOf(patterns: readonly Pattern[]): Classes {
  const uses = new Float64Array(256);
  for (const { bytes } of patterns) for (const byte of bytes) uses[lower(byte)]! += 1;
  const used = [...uses.keys()].filter((byte) => uses[byte]! > 0).sort((a, b) => uses[b]! - uses[a]!);
  const byteClass = new Uint8Array(256);
  const alone = used.length < WIDTH ? used.length : SHARED - 1;
  used.forEach((byte, i) => (byteClass[byte] = i < alone ? i + 1 : SHARED));
  for (let byte = 0x41; byte <= 0x5a; byte++) byteClass[byte] = byteClass[byte | 0x20]!;
  const rare = new Set(used.slice(alone));
  return { byteClass, shared: (byte) => rare.has(lower(byte)) };
}

/** A table that grows; rows are zero until they are written. */
class Rows {
  next: Int32Array;
  count = 1;

  constructor(room: number) {
    this.next = new Int32Array(Math.max(room, 16) * WIDTH);
  }

  add(): number {
    if ((this.count + 1) * WIDTH > this.next.length) {
      const larger = new Int32Array(2 * this.next.length);
      larger.set(this.next);
      this.next = larger;
    }
    return this.count++;
  }
}

interface Trie extends Classes {
  readonly rows: Rows;
  readonly roots: Int32Array;
  /** Patterns by the state that they end in: the first, and the one after each. */
  readonly first: Map<number, number>;
  readonly after: Int32Array;
}

function growTrie(patterns: readonly Pattern[]): Trie {
  const classes = classesOf(patterns);
  const rows = new Rows(patterns.reduce((sum, { bytes }) => sum + bytes.length, REGIONS));
  const roots = new Int32Array(REGIONS);
  const first = new Map<number, number>();
  const after = new Int32Array(patterns.length).fill(-1);
  patterns.forEach(({ region, bytes }, number) => {
    let state = (roots[region] ||= rows.add());
    for (const byte of bytes) {
      const at = state * WIDTH + classes.byteClass[byte]!;
      let to = rows.next[at]!;
      if (to === 0) {
        to = rows.add();
        rows.next[at] = to;
      }
      state = to;
    }
    after[number] = first.get(state) ?? -1;
    first.set(state, number);
  });
  return { ...classes, rows, roots, first, after };
}

/** States behind their failure states, each with that one: those of a root, breadth first. Completes the rows. */
function completeRows(next: Int32Array, root: number, fail: Int32Array, order: number[]): void {
  const begin = order.length;
  for (let cls = 0; cls < WIDTH; cls++) {
    const to = next[root * WIDTH + cls]!;
    if (to === 0) next[root * WIDTH + cls] = root;
    else {
      fail[to] = root;
      order.push(to);
    }
  }
  for (let i = begin; i < order.length; i++) {
    const row = order[i]! * WIDTH;
    const back = fail[order[i]!]! * WIDTH;
    for (let cls = 0; cls < WIDTH; cls++) {
      const to = next[row + cls]!;
      if (to === 0) next[row + cls] = next[back + cls]!;
      else {
        fail[to] = next[back + cls]!;
        order.push(to);
      }
    }
  }
}

/** The automaton of these patterns; states and outputs are as many as they need. */
export function buildAutomaton(patterns: readonly Pattern[]): Automaton {
  const { rows, roots, first, after, byteClass, shared } = growTrie(patterns);
  const { next, count } = rows;
  const fail = new Int32Array(count);
  const order: number[] = [];
  for (const root of roots) if (root > 0) completeRows(next, root, fail, order);
  const output = new Int32Array(count);
  const outputs: number[] = [0];
  for (const state of order) {
    const from = output[fail[state]!]!;
    let own = first.get(state) ?? -1;
    if (own < 0) {
      output[state] = from;
      continue;
    }
    output[state] = outputs.length;
    for (; own >= 0; own = after[own]!) outputs.push(own);
    if (from === 0) outputs.push(~outputs.pop()!);
    else for (let at = from; ; at++) if (outputs.push(outputs[at]!) > 0 && outputs[at]! < 0) break;
  }
  const starts = roots.slice();
  const dot = byteClass[0x2e]!;
  for (const { region, dot: dotted } of patterns) if (dotted) starts[region] = next[roots[region]! * WIDTH + dot]!;
  return { byteClass, shared, states: count, next, roots, starts, output, outputs };
}
