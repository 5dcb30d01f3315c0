// SPDX-License-Identifier: Apache-2.0
// Classes of bytes in brackets.

import { readByteEscape } from './escape.js';
import {
  add,
  addAll,
  addCases,
  addRange,
  emptySet,
  escapeClasses,
  inverted,
  posixClasses,
  type SymbolSet,
} from './sets.js';
import type { TextReader } from './syntax.js';

/** `[:name:]` at the reader's place, which is then behind it. */
function readPosix(reader: TextReader): SymbolSet | undefined {
  const found = /^\[:(\^?)([a-z]+):\]/.exec(reader.text.slice(reader.at, reader.at + 16));
  const set = found ? posixClasses.get(found[2] ?? '') : undefined;
  if (!found || set === undefined) return undefined;
  reader.at += found[0].length;
  return found[1] === '^' ? inverted(set) : set;
}

/** One member: a byte, or a set of them. */
function readMember(reader: TextReader): number | SymbolSet {
  const char = reader.text[reader.at] ?? '';
  if (char === '[') {
    const posix = readPosix(reader);
    if (posix !== undefined) return posix;
  }
  if (char !== '\\') {
    reader.at++;
    return char.charCodeAt(0);
  }
  const next = reader.text[reader.at + 1] ?? '';
  const set = next === 'N' ? undefined : escapeClasses.get(next);
  if (set !== undefined) {
    reader.at += 2;
    return set;
  }
  if (next === 'b') {
    reader.at += 2;
    return 8;
  }
  return readByteEscape(reader, true);
}

/** The class that begins at the reader's place. */
export function readClass(reader: TextReader, nocase: boolean): SymbolSet {
  const from = reader.at++;
  const negated = reader.text[reader.at] === '^';
  if (negated) reader.at++;
  const set = emptySet();
  for (let first = true; first || reader.text[reader.at] !== ']'; first = false) {
    if (reader.at >= reader.text.length) reader.wrong('a class is not closed', from);
    if (reader.text.startsWith('\\Q', reader.at) || reader.text.startsWith('\\E', reader.at)) {
      reader.unsupported('quoting within a class is not matched');
    }
    const low = readMember(reader);
    const range = reader.text[reader.at] === '-' && reader.text[reader.at + 1] !== ']';
    if (typeof low !== 'number') {
      addAll(set, low);
      continue;
    }
    if (!range || reader.at + 1 >= reader.text.length) {
      add(set, low);
      continue;
    }
    const dash = reader.at++;
    const high = readMember(reader);
    if (typeof high !== 'number') {
      // A hyphen before a class stands for itself.
      add(set, low);
      add(set, 0x2d);
      addAll(set, high);
      continue;
    }
    if (high < low) reader.wrong('a range of a class is out of order', dash);
    addRange(set, low, high);
  }
  reader.at++;
  if (nocase) addCases(set);
  return negated ? inverted(set) : set;
}
