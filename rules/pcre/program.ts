// SPDX-License-Identifier: Apache-2.0
// An expression as instructions for a set of threads (Thompson's construction): what a search costs goes by the length of
// the buffer times that of the program, whatever both hold.

import { has, START, SYMBOLS, type SymbolSet } from './sets.js';
import { PcreProblem, type Node } from './syntax.js';

export const Op = {
  /** Takes a symbol of sets[x]. */
  SET: 0,
  /** Goes on at x, and with less right at y. */
  SPLIT: 1,
  JUMP: 2,
  /** Needs the symbol before to be in sets[x] and the one behind in sets[y]; -1 = any. */
  ASSERT: 3,
  MATCH: 4,
  /** The search remembers the place. */
  MARK: 5,
} as const;

export interface Program {
  readonly op: Uint8Array;
  readonly x: Int32Array;
  readonly y: Int32Array;
  readonly sets: readonly SymbolSet[];
  /** It matches nowhere but at the start of the buffer. */
  readonly anchored: boolean;
  /** By symbol (START included), its class: symbols of one class are the same to the program. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** By class, bits of what `before` sets hold it. */
  readonly beforeBits: Uint32Array;
  /** Set numbers that are asked about the symbol before, by bit. */
  readonly beforeSets: readonly number[];
}

/** Instructions of a program at most: it bounds what a byte costs. */
const MAX_SIZE = 20_000;
const MAX_BEFORE = 30;

/** How many instructions a node takes. */
export function sizeOf(node: Node): number {
  switch (node.type) {
    case 'set':
    case 'assert':
    case 'mark':
      return 1;
    case 'cat':
      return node.parts.reduce((sum, part) => sum + sizeOf(part), 0);
    case 'alt':
      return node.parts.reduce((sum, part) => sum + sizeOf(part) + 2, 0);
    case 'repeat': {
      const size = sizeOf(node.node) + 2;
      return node.max === Infinity ? size * Math.max(1, node.min) + 2 : size * Math.max(1, node.max);
    }
  }
}

/** Refuses what would be too large. */
export function checkSize(node: Node): void {
  if (!(sizeOf(node) <= MAX_SIZE)) throw new PcreProblem(true, 'the expression is too large', 0);
}

/** True if the node matches at the start of the buffer alone. */
function startsAtStart(node: Node): boolean {
  switch (node.type) {
    case 'assert': {
      const { before } = node;
      return before !== undefined && has(before, START) && before.every((word, i) => i === START >>> 5 || word === 0);
    }
    case 'cat':
      for (const part of node.parts) {
        if (startsAtStart(part)) return true;
        if (part.type !== 'assert' && part.type !== 'mark') return false;
      }
      return false;
    case 'alt':
      return node.parts.every(startsAtStart);
    case 'repeat':
      return node.min > 0 && startsAtStart(node.node);
    case 'set':
    case 'mark':
      return false;
  }
}

class Assembler {
  readonly op: number[] = [];
  readonly x: number[] = [];
  readonly y: number[] = [];
  readonly sets: SymbolSet[] = [];
  readonly #numbers = new Map<string, number>();

  #set(set: SymbolSet | undefined): number {
    if (set === undefined) return -1;
    const key = set.join();
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.sets.push(set) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  emit(op: number, x = -1, y = -1): number {
    this.op.push(op);
    this.x.push(x);
    this.y.push(y);
    return this.op.length - 1;
  }

  node(node: Node): void {
    switch (node.type) {
      case 'set':
        this.emit(Op.SET, this.#set(node.set));
        return;
      case 'assert':
        this.emit(Op.ASSERT, this.#set(node.before), this.#set(node.after));
        return;
      case 'mark':
        this.emit(Op.MARK);
        return;
      case 'cat':
        for (const part of node.parts) this.node(part);
        return;
      case 'alt':
        this.#alternatives(node.parts);
        return;
      case 'repeat':
        this.#repeat(node);
    }
  }

  #alternatives(parts: readonly Node[]): void {
    const jumps: number[] = [];
    parts.forEach((part, i) => {
      const last = i === parts.length - 1;
      const split = last ? -1 : this.emit(Op.SPLIT, this.op.length + 1);
      this.node(part);
      if (last) return;
      jumps.push(this.emit(Op.JUMP));
      this.y[split] = this.op.length;
    });
    for (const jump of jumps) this.x[jump] = this.op.length;
  }

  #split(greedy: boolean): { at: number; out: (to: number) => void } {
    const at = this.emit(Op.SPLIT);
    const inside = at + 1;
    if (greedy) this.x[at] = inside;
    else this.y[at] = inside;
    return { at, out: (to) => (greedy ? (this.y[at] = to) : (this.x[at] = to)) };
  }

  #repeat({ node, min, max, greedy }: Node & { type: 'repeat' }): void {
    for (let i = 1; i < min; i++) this.node(node);
    if (max === Infinity) {
      if (min > 0) {
        const from = this.op.length;
        this.node(node);
        const split = this.#split(greedy);
        split.out(split.at + 1);
        if (greedy) this.x[split.at] = from;
        else this.y[split.at] = from;
        return;
      }
      const split = this.#split(greedy);
      this.node(node);
      this.emit(Op.JUMP, split.at);
      split.out(this.op.length);
      return;
    }
    if (min > 0) this.node(node);
    const splits = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#split(greedy));
      this.node(node);
    }
    for (const split of splits) split.out(this.op.length);
  }
}

/** Classes of symbols that no set tells apart; 0 to 258 as what comes, START as what came before. */
function classesOf(sets: readonly SymbolSet[]): { classes: Uint8Array; count: number; members: number[] } {
  const classes = new Uint8Array(SYMBOLS);
  const known = new Map<string, number>();
  const members: number[] = [];
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    let key = symbol < 256 ? '' : `${symbol}`;
    for (const set of sets) key += has(set, symbol) ? '1' : '0';
    // A class of a byte more than the table has room for cannot be: symbols of the end have classes of their own.
    let number = known.get(key);
    if (number === undefined) {
      number = members.push(symbol) - 1;
      known.set(key, number);
    }
    classes[symbol] = Math.min(number, 255);
  }
  return { classes, count: members.length, members };
}

/** The program of an expression. @param anchored it has to match where the search begins (modifier A) */
export function compileProgram(node: Node, anchored: boolean): Program {
  checkSize(node);
  const out = new Assembler();
  out.node(node);
  out.emit(Op.MATCH);
  const { op, x, y, sets } = out;
  const { classes, count, members } = classesOf(sets);
  if (count > 255) throw new PcreProblem(true, 'the expression tells too many bytes apart', 0);
  const beforeSets = [...new Set(op.flatMap((one, i) => (one === Op.ASSERT && (x[i] ?? -1) >= 0 ? [x[i] ?? 0] : [])))];
  if (beforeSets.length > MAX_BEFORE) throw new PcreProblem(true, 'the expression is too large', 0);
  const beforeBits = Uint32Array.from(members, (symbol) =>
    beforeSets.reduce((bits, set, i) => (has(sets[set] as SymbolSet, symbol) ? bits | (1 << i) : bits), 0),
  );
  return {
    op: Uint8Array.from(op),
    x: Int32Array.from(x),
    y: Int32Array.from(y),
    sets,
    anchored: anchored || startsAtStart(node),
    classes,
    classCount: count,
    beforeBits,
    beforeSets,
  };
}
