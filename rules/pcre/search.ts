// SPDX-License-Identifier: Apache-2.0
// Where an expression matches, as Perl has it: the first place, and there what its alternatives and quantifiers prefer.
// Threads run side by side in the order in which a backtracking matcher would try them (Pike).

import { Op, type Program } from './program.js';
import { has, LF, START, Symbol } from './sets.js';

export interface Found {
  readonly start: number;
  readonly end: number;
}

export class Search {
  readonly #program: Program;
  readonly #marks: Uint32Array;
  #turn = 0;
  #threads: number[] = [];
  #next: number[] = [];
  readonly #stack: number[] = [];
  /** It is a mark that counts, not where the match begins. */
  readonly #marked: boolean;
  /** Where the search is, and what the thread that matched remembers. */
  #at = 0;
  #start = 0;
  /** A thread that would be preferred waits for a byte that is not there. */
  #waits = false;

  constructor(program: Program) {
    this.#program = program;
    this.#marked = program.op.includes(Op.MARK);
    this.#marks = new Uint32Array(program.op.length);
  }

  /**
   * The match that begins first (`start` is -1, or where it came by a mark last, if the program has one), from `from` on, in a buffer that begins at `base`.
   * @param open the buffer goes on: a match that what follows could change counts for none
   */
  find(bytes: Uint8Array, base: number, from: number, open: boolean): Found | undefined {
    const { anchored, beforeBits, classes } = this.#program;
    const end = bytes.length;
    let found: Found | undefined;
    this.#threads.length = 0;
    this.#waits = false;
    for (let at = from; at <= end; at++) {
      const before = at === base ? START : (bytes[at - 1] as number);
      const bits = beforeBits[classes[before] as number] as number;
      const symbol = at < end ? symbolAt(bytes, at, open) : open ? Symbol.UNKNOWN : Symbol.END;
      if (++this.#turn > 0xfffffff0) this.#restart();
      this.#next.length = 0;
      this.#at = at;
      const threads = this.#threads;
      let cut = false;
      for (let i = 0; i < threads.length && !cut; i += 2) {
        const start = threads[i + 1] as number;
        if (!this.#run(threads[i] as number, start, bits, symbol)) continue;
        found = { start: this.#start, end: at };
        cut = true;
      }
      if (
        !cut &&
        found === undefined &&
        (!anchored || at === from) &&
        this.#run(0, this.#marked ? -1 : at, bits, symbol)
      ) {
        found = { start: this.#start, end: at };
      }
      [this.#threads, this.#next] = [this.#next, this.#threads];
      if (this.#threads.length === 0 && (found !== undefined || anchored)) break;
    }
    return open && this.#waits ? undefined : found;
  }

  #restart(): void {
    this.#marks.fill(0);
    this.#turn = 1;
  }

  /** Follows a thread until it takes the symbol; true if the expression ends before it. */
  #run(first: number, start: number, bits: number, symbol: number): boolean {
    const { op, x, y, sets, beforeSets } = this.#program;
    const stack = this.#stack;
    const byte = symbol === Symbol.LAST_LF ? LF : symbol;
    const base = stack.length;
    stack.push(first);
    while (stack.length > base) {
      const pc = stack.pop() as number;
      if (this.#marks[pc] === this.#turn) continue;
      this.#marks[pc] = this.#turn;
      const [a, b] = [x[pc] as number, y[pc] as number];
      switch (op[pc]) {
        case Op.MARK:
          if (!this.#run(pc + 1, this.#at, bits, symbol)) break;
          stack.length = base;
          return true;
        case Op.MATCH:
          stack.length = base;
          this.#start = start;
          return true;
        case Op.JUMP:
          stack.push(a);
          break;
        case Op.SPLIT:
          stack.push(b, a);
          break;
        case Op.ASSERT:
          if (a >= 0 && (bits & (1 << beforeSets.indexOf(a))) === 0) break;
          if (b >= 0 && symbol === Symbol.UNKNOWN) this.#waits = true;
          else if (b < 0 || has(sets[b] as Uint32Array, symbol)) stack.push(pc + 1);
          break;
        default:
          if (symbol === Symbol.UNKNOWN) this.#waits = true;
          else if (byte < 256 && has(sets[a] as Uint32Array, byte)) this.#next.push(pc + 1, start);
      }
    }
    return false;
  }
}

function symbolAt(bytes: Uint8Array, at: number, open: boolean): number {
  const byte = bytes[at] as number;
  return byte === LF && !open && at === bytes.length - 1 ? Symbol.LAST_LF : byte;
}
