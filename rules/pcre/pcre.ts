// SPDX-License-Identifier: Apache-2.0
// An expression of a rule, ready to be looked for. What a rule set holds are texts: programs are made when a rule first
// gets as far as its expression.

import { Automaton } from './automaton.js';
import { compileProgram } from './program.js';
import { Search, type Found } from './search.js';
import { parseExpression, type PcreFlags } from './syntax.js';

/** Plain data. */
export interface Expression {
  /** Each character is one byte. */
  readonly text: string;
  /** Letters of the modifiers that change what it means: i s m x A E G. */
  readonly modifiers: string;
}

export function flagsOf(modifiers: string): PcreFlags {
  return {
    nocase: modifiers.includes('i'),
    dotAll: modifiers.includes('s'),
    multiline: modifiers.includes('m'),
    extended: modifiers.includes('x'),
    ungreedy: modifiers.includes('G'),
    endOnly: modifiers.includes('E'),
  };
}

export class Pcre {
  readonly #automaton: Automaton;
  readonly #search: Search;

  /** Throws PcreProblem. */
  constructor({ text, modifiers }: Expression) {
    const program = compileProgram(parseExpression(text, flagsOf(modifiers)), modifiers.includes('A'));
    this.#automaton = new Automaton(program);
    this.#search = new Search(program);
  }

  /** See Automaton.test. */
  test(bytes: Uint8Array, base: number, from: number, open: boolean): boolean {
    return this.#automaton.test(bytes, base, from, open);
  }

  /** See Search.find. */
  find(bytes: Uint8Array, base: number, from: number, open: boolean): Found | undefined {
    return this.#automaton.test(bytes, base, from, open) ? this.#search.find(bytes, base, from, open) : undefined;
  }
}

const made = new WeakMap<Expression, Pcre>();

/** The matcher of an expression that was checked when its rule was read. */
export function pcreOf(expression: Expression): Pcre {
  let pcre = made.get(expression);
  if (pcre === undefined) made.set(expression, (pcre = new Pcre(expression)));
  return pcre;
}
