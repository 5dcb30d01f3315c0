// SPDX-License-Identifier: Apache-2.0
// What the one group of an expression captures. Two searches take the same way through the expression and the buffer, and
// each remembers one end of the group instead of where the match begins.

import { flagsOf, type Expression } from './pcre.js';
import { compileProgram } from './program.js';
import { Search } from './search.js';
import { parseExpression } from './syntax.js';

class Capture {
  readonly #begin: Search;
  readonly #end: Search;

  constructor({ text, modifiers }: Expression) {
    const made = (mark: 'begin' | 'end'): Search =>
      new Search(compileProgram(parseExpression(text, flagsOf(modifiers), mark), false));
    [this.#begin, this.#end] = [made('begin'), made('end')];
  }

  /** What was captured; undefined if the expression does not match, or not through its group. */
  of(bytes: Uint8Array): Uint8Array | undefined {
    const begin = this.#begin.find(bytes, 0, 0, false)?.start ?? -1;
    const end = begin < 0 ? -1 : (this.#end.find(bytes, 0, 0, false)?.start ?? -1);
    return end < begin || end < 0 ? undefined : bytes.subarray(begin, end);
  }
}

const made = new WeakMap<Expression, Capture>();

/** What the group of an expression captures, which was checked when its rule was read. */
export function captured(expression: Expression, bytes: Uint8Array): Uint8Array | undefined {
  let capture = made.get(expression);
  if (capture === undefined) made.set(expression, (capture = new Capture(expression)));
  return capture.of(bytes);
}
