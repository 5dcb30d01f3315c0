// SPDX-License-Identifier: Apache-2.0
// What stands behind a backslash.

import { byteSet, emptySet, escapeClasses, addAll, LF, setOf, START, Symbol, wordBytes, inverted } from './sets.js';
import type { SymbolSet } from './sets.js';
import type { Node, TextReader } from './syntax.js';

const simple: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };

/** The byte of the escape at the reader's place, which is then behind it. */
export function readByteEscape(reader: TextReader, inClass: boolean): number {
  const from = reader.at;
  const next = reader.text[from + 1];
  if (next === undefined) reader.wrong('a backslash ends the expression');
  const rest = reader.text.slice(from + 1, from + 12);
  const take = (length: number, value: number): number => {
    if (value > 255) reader.wrong('a character is larger than a byte', from);
    reader.at = from + 1 + length;
    return value;
  };
  const plain = simple[next];
  if (plain !== undefined) return take(1, plain);
  if (next === 'x') {
    const braces = /^x\{([0-9a-fA-F]+)\}/.exec(rest);
    if (braces) return take(braces[0].length, parseInt(braces[1] ?? '', 16));
    const hex = /^x[0-9a-fA-F]{0,2}/.exec(rest)?.[0] ?? 'x';
    return take(hex.length, hex.length === 1 ? 0 : parseInt(hex.slice(1), 16));
  }
  if (next === 'c') {
    const letter = reader.text[from + 2] ?? '';
    return take(2, letter.toUpperCase().charCodeAt(0) ^ 64);
  }
  const octal = (inClass ? /^[0-7]{1,3}/ : /^0[0-7]{0,2}/).exec(rest)?.[0];
  if (octal !== undefined) return take(octal.length, parseInt(octal, 8));
  if (/[0-9]/.test(next)) {
    // Three octal digits are a byte, unless so many groups were opened.
    const three = /^[1-3][0-7]{2}/.exec(rest)?.[0];
    if (three !== undefined) return take(3, parseInt(three, 8));
    reader.unsupported('back-references are not matched');
  }
  if (/[A-Za-z]/.test(next)) reader.unsupported(`\\${next} is not matched`);
  return take(1, next.charCodeAt(0));
}

const words: SymbolSet = wordBytes;
/** No part of a word, as what comes before and after. */
const noWordBefore = ((): SymbolSet => {
  const set = inverted(words);
  addAll(set, setOf(START));
  return set;
})();
const noWordAfter = ((): SymbolSet => {
  const set = inverted(words);
  addAll(set, setOf(Symbol.END, Symbol.LAST_LF));
  return set;
})();

const boundary: Node = {
  type: 'alt',
  parts: [
    { type: 'assert', before: words, after: noWordAfter },
    { type: 'assert', before: noWordBefore, after: words },
  ],
};
const noBoundary: Node = {
  type: 'alt',
  parts: [
    { type: 'assert', before: words, after: words },
    { type: 'assert', before: noWordBefore, after: noWordAfter },
  ],
};

/** `\Q…\E` is text. */
function readQuoted(reader: TextReader, nocase: boolean): Node {
  const end = reader.text.indexOf('\\E', reader.at);
  const text = reader.text.slice(reader.at, end < 0 ? undefined : end);
  reader.at = end < 0 ? reader.text.length : end + 2;
  return {
    type: 'cat',
    parts: [...text].map((char): Node => ({ type: 'set', set: byteSet(char.charCodeAt(0), nocase) })),
  };
}

/** CR LF, or one byte that ends a line; the two are never told apart. */
const lineBreak: Node = ((): Node => {
  const cr: Node = { type: 'set', set: setOf(13) };
  const others = Uint32Array.from(escapeClasses.get('v') ?? emptySet());
  others[0] = (others[0] ?? 0) & ~(1 << 13);
  const noLfNext = inverted(setOf(LF));
  addAll(noLfNext, setOf(Symbol.END));
  return {
    type: 'alt',
    parts: [
      { type: 'cat', parts: [cr, { type: 'set', set: setOf(LF) }] },
      { type: 'cat', parts: [cr, { type: 'assert', after: noLfNext }] },
      { type: 'set', set: others },
    ],
  };
})();

/** The escape at the reader's place; undefined if it says nothing. */
export function readEscape(reader: TextReader, nocase: boolean): Node | undefined {
  const next = reader.text[reader.at + 1] ?? '';
  const set = escapeClasses.get(next);
  const take = <T>(node: T): T => {
    reader.at += 2;
    return node;
  };
  if (set !== undefined) return take({ type: 'set', set });
  switch (next) {
    case 'A':
      return take({ type: 'assert', before: setOf(START) });
    case 'z':
      return take({ type: 'assert', after: setOf(Symbol.END) });
    case 'Z':
      return take({ type: 'assert', after: setOf(Symbol.END, Symbol.LAST_LF) });
    case 'b':
      return take(boundary);
    case 'B':
      return take(noBoundary);
    case 'R':
      return take(lineBreak);
    case 'Q':
      reader.at += 2;
      return readQuoted(reader, nocase);
    case 'E':
      return take(undefined);
    case 'k':
    case 'g':
      return reader.unsupported('back-references are not matched');
    default:
      return { type: 'set', set: byteSet(readByteEscape(reader, false), nocase) };
  }
}
