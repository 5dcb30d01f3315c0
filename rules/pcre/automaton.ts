// SPDX-License-Identifier: Apache-2.0
// Whether an expression matches at all: a deterministic automaton that is made as far as buffers need it. All automata
// together hold a bounded number of states; where there are more they begin anew, which costs time and changes nothing.

import { Op, type Program } from './program.js';
import { has, LF, START, Symbol } from './sets.js';

const NEW = 0;
const MATCHED = 1;
const DEAD = 2;
const FIRST = 3;

/** States of one automaton, and words that the tables of all may take: 32 MiB. */
const MAX_STATES = 2000;
const MAX_WORDS = 8 << 20;

const NOBODY = new Int32Array(0);

let words = 0;
let holders: Automaton[] = [];

/** Frees the states of all automata. */
function dropAll(): void {
  for (const holder of holders) holder.drop();
  holders = [];
  words = 0;
}

export class Automaton {
  readonly #program: Program;
  /** Instructions of each state (SET and ASSERT alone), from FIRST on. */
  #members: Int32Array[] = [];
  /** By state, which sets hold the symbol before. */
  #before: number[] = [];
  #next = new Int32Array(0);
  #known = new Map<string, number>();
  readonly #marks: Uint32Array;
  #turn = 0;
  /** How often the states began anew. */
  #epoch = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#marks = new Uint32Array(program.op.length);
  }

  drop(): void {
    this.#members = [];
    this.#before = [];
    this.#next = new Int32Array(0);
    this.#known = new Map();
    this.#epoch++;
  }

  /**
   * True if it matches somewhere from `from` on in a buffer that begins at `base`.
   * @param open the buffer goes on behind what is there
   */
  test(bytes: Uint8Array, base: number, from: number, open: boolean): boolean {
    const { classes } = this.#program;
    const end = bytes.length;
    const plain = !open && end > from && bytes[end - 1] === LF ? end - 1 : end;
    let state = this.#startAt(from === base ? START : (bytes[from - 1] as number));
    const width = this.#program.classCount;
    for (let at = from; at < plain; at++) {
      if (state < FIRST) return state === MATCHED;
      const symbol = bytes[at] as number;
      const next = this.#next[(state - FIRST) * width + (classes[symbol] as number)] as number;
      state = next === NEW ? this.#step(state, symbol) : next;
    }
    if (plain < end && state >= FIRST) state = this.#step(state, Symbol.LAST_LF);
    if (state >= FIRST) state = this.#step(state, open ? Symbol.UNKNOWN : Symbol.END);
    return state === MATCHED;
  }

  #startAt(before: number): number {
    const list: number[] = [];
    this.#turn++;
    return this.#close(0, list) ? MATCHED : this.#stateOf(list, this.#program.beforeBits[this.#classOf(before)] ?? 0);
  }

  #classOf(symbol: number): number {
    return this.#program.classes[symbol] as number;
  }

  /** Adds what follows an instruction without taking a symbol; true if the expression ends there. */
  #close(first: number, list: number[]): boolean {
    const { op, x, y } = this.#program;
    const stack = [first];
    for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
      if (this.#marks[pc] === this.#turn) continue;
      this.#marks[pc] = this.#turn;
      switch (op[pc]) {
        case Op.MATCH:
          return true;
        case Op.JUMP:
          stack.push(x[pc] as number);
          break;
        case Op.SPLIT:
          stack.push(y[pc] as number, x[pc] as number);
          break;
        default:
          list.push(pc);
      }
    }
    return false;
  }

  #stateOf(list: number[], before: number): number {
    if (list.length === 0) return DEAD;
    list.sort((a, b) => a - b);
    const key = `${before} ${list.join(' ')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const width = this.#program.classCount;
    const size = width + list.length + 32;
    if (words + size > MAX_WORDS) dropAll();
    else if (this.#members.length >= MAX_STATES) this.drop();
    if (this.#members.length === 0) holders.push(this);
    words += size;
    const number = this.#members.push(Int32Array.from(list)) - 1;
    this.#before[number] = before;
    if ((number + 1) * width > this.#next.length) {
      const larger = new Int32Array(Math.max(8, 2 * (number + 1)) * width);
      larger.set(this.#next);
      this.#next = larger;
    }
    this.#known.set(key, number + FIRST);
    return number + FIRST;
  }

  /** Where `symbol` leads from a state. */
  #step(state: number, symbol: number): number {
    const width = this.#program.classCount;
    const slot = (state - FIRST) * width + this.#classOf(symbol);
    const known = this.#next[slot] ?? NEW;
    if (known !== NEW) return known;
    const epoch = this.#epoch;
    const next = this.#make(this.#members[state - FIRST] ?? NOBODY, this.#before[state - FIRST] ?? 0, symbol);
    // Where the states began anew, this one is no more.
    if (this.#epoch === epoch) this.#next[slot] = next;
    return next;
  }

  #make(members: Int32Array, before: number, symbol: number): number {
    const { op, x, sets, anchored, beforeBits } = this.#program;
    const taking = this.#expand(members, before, symbol);
    if (taking === undefined) return MATCHED;
    if (symbol === Symbol.END || symbol === Symbol.UNKNOWN) return DEAD;
    const byte = symbol === Symbol.LAST_LF ? LF : symbol;
    const list: number[] = [];
    this.#turn++;
    for (const pc of taking) {
      if (op[pc] === Op.SET && has(sets[x[pc] as number] as Uint32Array, byte) && this.#close(pc + 1, list))
        return MATCHED;
    }
    if (!anchored && this.#close(0, list)) return MATCHED;
    return this.#stateOf(list, beforeBits[this.#classOf(byte)] ?? 0);
  }

  /** The members and what follows assertions that hold here; undefined if the expression ends there. */
  #expand(members: Int32Array, before: number, symbol: number): number[] | undefined {
    const { op, x, y, sets, beforeSets } = this.#program;
    const list = [...members];
    this.#turn++;
    for (const pc of members) this.#marks[pc] = this.#turn;
    // The list grows while it is read.
    for (let i = 0; i < list.length; i++) {
      const pc = list[i] as number;
      if (op[pc] !== Op.ASSERT) continue;
      const [first, second] = [x[pc] as number, y[pc] as number];
      if (first >= 0 && (before & (1 << beforeSets.indexOf(first))) === 0) continue;
      if (second >= 0 && !has(sets[second] as Uint32Array, symbol)) continue;
      if (this.#close(pc + 1, list)) return undefined;
    }
    return list;
  }
}
