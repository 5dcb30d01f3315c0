// SPDX-License-Identifier: Apache-2.0
// Reads the regular expressions of pcre as far as they are regular: what looks ahead by more than a byte, looks back, or
// repeats what was captured is refused by name.

import { readClass } from './class.js';
import { readEscape } from './escape.js';
import { addAll, anyByte, byteSet, emptySet, LF, noLf, setOf, START, Symbol, type SymbolSet } from './sets.js';

/** An expression. Both sides of an assertion have to hold; undefined = whatever stands there. */
export type Node =
  | { readonly type: 'set'; readonly set: SymbolSet }
  | { readonly type: 'cat'; readonly parts: readonly Node[] }
  | { readonly type: 'alt'; readonly parts: readonly Node[] }
  | {
      readonly type: 'repeat';
      readonly node: Node;
      readonly min: number;
      readonly max: number;
      readonly greedy: boolean;
    }
  | { readonly type: 'assert'; readonly before?: SymbolSet; readonly after?: SymbolSet }
  /** Where a capture begins or ends: a search remembers when it came by last. */
  | { readonly type: 'mark' };

/** Why an expression cannot be used: it is wrong, or needs what is not matched in linear time. */
export class PcreProblem extends Error {
  readonly unsupported: boolean;
  readonly at: number;

  constructor(unsupported: boolean, cause: string, at: number) {
    super(cause);
    this.unsupported = unsupported;
    this.at = at;
  }
}

export interface PcreFlags {
  /** i: letters match in both cases. */
  nocase: boolean;
  /** s: a dot matches line feeds. */
  dotAll: boolean;
  /** m: `^` and `$` stand at line feeds too. */
  multiline: boolean;
  /** x: white space and comments are left out. */
  extended: boolean;
  /** G: quantifiers are lazy unless `?` follows. */
  ungreedy: boolean;
  /** E: `$` stands at the very end alone. */
  endOnly: boolean;
}

const MAX_REPEAT = 65535;
const MAX_DEPTH = 200;

export const startOnly: Node = { type: 'assert', before: setOf(START) };
const veryEnd = setOf(Symbol.END);
const ends = setOf(Symbol.END, Symbol.LAST_LF);
const lineEnds = setOf(Symbol.END, Symbol.LAST_LF, LF);
const notEnd = ((): SymbolSet => {
  const set = emptySet();
  addAll(set, anyByte);
  addAll(set, setOf(Symbol.LAST_LF));
  return set;
})();
const lineStart: Node = {
  type: 'alt',
  parts: [startOnly, { type: 'assert', before: setOf(LF), after: notEnd }],
};

class Reader {
  readonly text: string;
  at = 0;
  /** Groups that capture, so far. */
  captures = 0;
  mark: 'begin' | 'end' | undefined = undefined;
  #depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  unsupported(cause: string, at = this.at): never {
    throw new PcreProblem(true, cause, at);
  }

  wrong(cause: string, at = this.at): never {
    throw new PcreProblem(false, cause, at);
  }

  alternatives(flags: PcreFlags): Node {
    if (++this.#depth > MAX_DEPTH) this.unsupported('groups are nested too deeply');
    // Options that are set within a group hold up to its end, in the alternatives that follow too.
    const own = { ...flags };
    const parts = [this.#sequence(own)];
    while (this.text[this.at] === '|') {
      this.at++;
      parts.push(this.#sequence(own));
    }
    this.#depth--;
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { type: 'alt', parts };
  }

  #sequence(flags: PcreFlags): Node {
    const parts: Node[] = [];
    for (;;) {
      if (flags.extended && this.#skipBlank()) continue;
      const char = this.text[this.at];
      if (char === undefined || char === '|' || char === ')') break;
      const from = this.at;
      const node = this.#atom(flags);
      if (node === undefined) continue;
      parts.push(this.#quantified(node, from, flags));
    }
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { type: 'cat', parts };
  }

  #skipBlank(): boolean {
    const char = this.text[this.at];
    if (char === '#') {
      const end = this.text.indexOf('\n', this.at);
      this.at = end < 0 ? this.text.length : end + 1;
      return true;
    }
    if (char === undefined || !/\s/.test(char)) return false;
    this.at++;
    return true;
  }

  /** One element; undefined if it only sets options or is a comment. */
  #atom(flags: PcreFlags): Node | undefined {
    const char = this.text[this.at] ?? '';
    switch (char) {
      case '.':
        this.at++;
        return { type: 'set', set: flags.dotAll ? anyByte : noLf };
      case '^':
        this.at++;
        return flags.multiline ? lineStart : startOnly;
      case '$':
        this.at++;
        return { type: 'assert', after: flags.multiline ? lineEnds : flags.endOnly ? veryEnd : ends };
      case '(':
        return this.#group(flags);
      case '[':
        return { type: 'set', set: readClass(this, flags.nocase) };
      case '\\':
        return readEscape(this, flags.nocase);
      case '*':
      case '+':
      case '?':
        return this.wrong('there is nothing to repeat');
      default:
        this.at++;
        return { type: 'set', set: byteSet(char.charCodeAt(0), flags.nocase) };
    }
  }

  #quantified(node: Node, from: number, flags: PcreFlags): Node {
    let result = node;
    for (;;) {
      while (flags.extended && this.#skipBlank());
      const bounds = this.#bounds();
      if (bounds === undefined) return result;
      let greedy = !flags.ungreedy;
      if (this.text[this.at] === '?') {
        greedy = !greedy;
        this.at++;
      } else if (this.text[this.at] === '+') {
        this.unsupported('possessive quantifiers are not matched');
      }
      if (result.type === 'assert' && bounds.min === 0) result = { type: 'cat', parts: [] };
      else if (result.type !== 'assert') result = { type: 'repeat', node: result, ...bounds, greedy };
      if (this.at - from > this.text.length) return result;
    }
  }

  #bounds(): { min: number; max: number } | undefined {
    switch (this.text[this.at]) {
      case '*':
        this.at++;
        return { min: 0, max: Infinity };
      case '+':
        this.at++;
        return { min: 1, max: Infinity };
      case '?':
        this.at++;
        return { min: 0, max: 1 };
      case '{': {
        // Anything else in braces is text.
        const found = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.text.slice(this.at, this.at + 16));
        if (!found) return undefined;
        const min = Number(found[1]);
        const max = found[2] === undefined ? min : found[3] === '' ? Infinity : Number(found[3]);
        if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT))
          this.wrong('the number of repeats is too large');
        if (max < min) this.wrong('the bounds of a repeat are out of order');
        this.at += found[0].length;
        return { min, max };
      }
      default:
        return undefined;
    }
  }

  #close(): void {
    if (this.text[this.at] !== ')') this.wrong('a group is not closed');
    this.at++;
  }

  #captured(flags: PcreFlags): Node {
    const marked = this.captures++ === 0 ? this.mark : undefined;
    const node = this.alternatives(flags);
    this.#close();
    if (marked === undefined) return node;
    return { type: 'cat', parts: marked === 'begin' ? [{ type: 'mark' }, node] : [node, { type: 'mark' }] };
  }

  #group(flags: PcreFlags): Node | undefined {
    const from = this.at;
    this.at++;
    if (this.text[this.at] === '*') this.unsupported('verbs are not matched', from);
    if (this.text[this.at] !== '?') {
      return this.#captured(flags);
    }
    this.at++;
    const rest = this.text.slice(this.at);
    if (rest.startsWith('#')) {
      const end = this.text.indexOf(')', this.at);
      if (end < 0) this.wrong('a comment is not closed', from);
      this.at = end + 1;
      return undefined;
    }
    const look = /^(<?)([=!])/.exec(rest);
    if (look) return this.#look(look[1] === '<', look[2] === '!', look[0].length, flags, from);
    const named = /^(?:P?<[A-Za-z_]\w*>|'[A-Za-z_]\w*'|:)/.exec(rest);
    if (named) {
      this.at += named[0].length;
      if (named[0] !== ':') return this.#captured(flags);
      const node = this.alternatives(flags);
      this.#close();
      return node;
    }
    if (/^P?[=>&]/.test(rest)) {
      this.unsupported(
        rest.startsWith('>') ? 'atomic groups are not matched' : 'back-references are not matched',
        from,
      );
    }
    const options = /^([imsxUJ^]*)(?:-([imsx]*))?([:)])/.exec(rest);
    if (!options) this.unsupported('recursion, conditions and callouts are not matched', from);
    return this.#options(flags, options, from);
  }

  #options(flags: PcreFlags, [all, on = '', off = '', end]: RegExpExecArray, from: number): Node | undefined {
    if (/[J^]/.test(on)) this.unsupported('this option is not matched', from);
    this.at += all.length;
    const own = end === ':' ? { ...flags } : flags;
    for (const [letters, value] of [
      [on, true],
      [off, false],
    ] as const) {
      if (letters.includes('i')) own.nocase = value;
      if (letters.includes('m')) own.multiline = value;
      if (letters.includes('s')) own.dotAll = value;
      if (letters.includes('x')) own.extended = value;
      if (letters.includes('U')) own.ungreedy = value;
    }
    if (end === ')') return undefined;
    const node = this.alternatives(own);
    this.#close();
    return node;
  }

  /** Looks around by no more than one byte are assertions like any other. */
  #look(behind: boolean, negated: boolean, length: number, flags: PcreFlags, from: number): Node {
    this.at += length;
    const node = this.alternatives(flags);
    this.#close();
    const set = behind ? beforeSet(node) : afterSet(node);
    if (set === undefined) {
      this.unsupported(`${behind ? 'look-behind' : 'look-ahead'} by more than a byte is not matched`, from);
    }
    if (!behind) return { type: 'assert', after: negated ? without(set, [Symbol.END, Symbol.LAST_LF]) : set };
    return { type: 'assert', before: negated ? without(set, [START]) : set };
  }
}

/** Everything that is not in the set: bytes, and these symbols. */
function without(set: SymbolSet, symbols: readonly number[]): SymbolSet {
  const all = emptySet();
  addAll(all, anyByte);
  for (const symbol of symbols) addAll(all, setOf(symbol));
  return all.map((word, i) => (word & ~(set[i] ?? 0)) >>> 0);
}

/** What may come next so that the expression matches there, if no more than that decides it. */
function afterSet(node: Node): SymbolSet | undefined {
  if (node.type === 'set') {
    const set = Uint32Array.from(node.set);
    if (((set[0] ?? 0) & (1 << LF)) !== 0) addAll(set, setOf(Symbol.LAST_LF));
    return set;
  }
  if (node.type === 'assert') return node.before === undefined ? node.after : undefined;
  return node.type === 'alt' ? united(node.parts.map(afterSet)) : undefined;
}

function beforeSet(node: Node): SymbolSet | undefined {
  if (node.type === 'set') return node.set;
  if (node.type === 'assert') return node.after === undefined ? node.before : undefined;
  return node.type === 'alt' ? united(node.parts.map(beforeSet)) : undefined;
}

function united(sets: readonly (SymbolSet | undefined)[]): SymbolSet | undefined {
  const all = emptySet();
  for (const set of sets) {
    if (set === undefined) return undefined;
    addAll(all, set);
  }
  return all;
}

/** What class.ts and escape.ts need of the reader. */
export type TextReader = Pick<Reader, 'text' | 'at' | 'unsupported' | 'wrong'>;

/** How many groups of the expression capture. Throws PcreProblem. */
export function countCaptures(text: string, flags: Readonly<PcreFlags>): number {
  const reader = new Reader(text);
  reader.alternatives({ ...flags });
  return reader.captures;
}

/**
 * The expression `text`, each of whose characters is one byte. Throws PcreProblem.
 * @param mark which end of its first capture is marked
 */
export function parseExpression(text: string, flags: Readonly<PcreFlags>, mark?: 'begin' | 'end'): Node {
  const reader = new Reader(text);
  reader.mark = mark;
  const node = reader.alternatives({ ...flags });
  if (reader.at < text.length) reader.wrong('a group is closed that was not opened');
  return node;
}
