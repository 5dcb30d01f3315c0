// SPDX-License-Identifier: Apache-2.0
// nft files: the elements of sets, `add element … { … }` and `define name = { … }`.

import type { BatchBuilder } from '../batch-builder.js';
import { bound, type Source } from './formats.js';
import { PrefixScanner } from './prefix-scanner.js';
import { readWord, remaining, textOf } from './words.js';

const NEWLINE = 0x0a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const HASH = 0x23;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** True if the text in front of a brace says that elements follow. */
function opensElements(before: string): boolean {
  return before === '' || /(?:=|\belement\s+(?:\S+\s+)?\S+\s+\S+)\s*$/.test(before);
}

/** Adds all elements of the file; returns how many lines it has. */
export function readNft(source: Source, builder: BatchBuilder): number {
  const { bytes, problems, maxEntries, onProgress, now } = source;
  const scanner = new PrefixScanner();
  let line = 1;
  let lineStart = source.start;
  /** Where the element or statement that is being read begins. */
  let begin = source.start;
  let elements = false;
  let filled = false;
  const finish = (end: number): void => {
    const start = begin;
    begin = end + 1;
    if (!elements || !filled) return;
    const error = readElement(bytes, start, end, now, scanner, builder);
    if (error === undefined) return;
    const stop = bytes.indexOf(NEWLINE, end);
    // The place is told within the line where the element ends: elements seldom cross lines.
    const at = Math.max(lineStart, error.at);
    problems.add(line, lineStart, at, stop < 0 ? bytes.length : stop, error.cause);
  };
  for (let at = source.start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === NEWLINE) {
      line++;
      if ((line & 0x3fff) === 0) onProgress(at);
      lineStart = at + 1;
      if (!elements) begin = at + 1;
    } else if (byte === HASH) {
      if (elements && filled) finish(at);
      const end = bytes.indexOf(NEWLINE, at);
      at = (end < 0 ? bytes.length : end) - 1;
      begin = at + 1;
      filled = false;
    } else if (byte === QUOTE) {
      filled = true;
      at++;
      while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== NEWLINE) at++;
      if (bytes[at] === NEWLINE) at--;
    } else if (byte === OPEN) {
      elements = opensElements(textOf(bytes, { start: Math.max(begin, at - 200), end: at }).trim());
      begin = at + 1;
      filled = false;
    } else if (byte === CLOSE || byte === COMMA || (byte === 0x3b && !elements)) {
      finish(at);
      filled = false;
      if (byte === CLOSE) elements = false;
      bound(builder.count, maxEntries);
    } else if (byte > 0x20) {
      filled = true;
    }
  }
  return bytes.at(-1) === NEWLINE ? line - 1 : line;
}

/** One element with its options; what is wrong, if something is. */
function readElement(
  bytes: Uint8Array,
  start: number,
  end: number,
  now: number,
  scanner: PrefixScanner,
  builder: BatchBuilder,
): { at: number; cause: string } | undefined {
  const item = readWord(bytes, start, end);
  if (!item) return undefined;
  const mark = builder.mark();
  let expires = NaN;
  let reason = '';
  for (let word = readWord(bytes, item.next, end); word; word = readWord(bytes, word.next, end)) {
    const name = textOf(bytes, word);
    if (name === '.' || name === ':')
      return { at: word.start, cause: 'an element of an address and more cannot be listed' };
    if (name !== 'timeout' && name !== 'expires' && name !== 'comment') continue;
    const value = readWord(bytes, word.next, end);
    if (!value) break;
    if (name === 'comment') reason = textOf(bytes, value);
    else {
      const left = remaining(textOf(bytes, value));
      // What is left of the time counts, not what it was at first; it stands behind it.
      if (!Number.isNaN(left)) expires = now + left;
    }
    word = value;
  }
  if (!scanner.item(bytes, item.start, item.end, builder)) return { at: scanner.at, cause: scanner.cause };
  builder.describe(mark, expires, reason);
  return undefined;
}
