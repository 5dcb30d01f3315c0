// SPDX-License-Identifier: Apache-2.0
// Logical lines of a rule file: a physical line that ends in a backslash continues on the next one.

import type { Position, RuleSource } from './ast.js';

/** Longest logical line that is read as a rule. */
export const MAX_LINE = 65_536;

/** Where a physical line begins in the text of a logical one. */
interface Piece {
  readonly offset: number;
  readonly line: number;
  /** Columns before the first character kept (a byte order mark). */
  readonly skipped: number;
}

export interface LogicalLine {
  readonly file: string;
  readonly text: string;
  readonly pieces: readonly Piece[];
}

const BACKSLASH = 0x5c;

/** End of the part of `text[from..to)` that is not white space. */
function trimmedEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && text.charCodeAt(end - 1) <= 0x20) end--;
  return end;
}

/** Calls `visit` with each logical line that is not blank, joined without its backslashes and trailing white space. */
export function eachLine(source: RuleSource, visit: (line: LogicalLine) => void): void {
  const { file, text } = source;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  let joined = '';
  let pieces: Piece[] = [];
  while (at < text.length) {
    const newline = text.indexOf('\n', at);
    const next = newline < 0 ? text.length : newline + 1;
    let end = trimmedEnd(text, at, newline < 0 ? text.length : newline);
    // A comment does not continue: its backslash is part of the comment.
    const comment = pieces.length === 0 && isComment(text, at);
    const continues = !comment && end > at && text.charCodeAt(end - 1) === BACKSLASH;
    if (continues) end--;
    pieces.push({ offset: joined.length, line, skipped: line === 1 && at === 1 ? 1 : 0 });
    joined = joined === '' ? text.slice(at, end) : joined + text.slice(at, end);
    if (!continues || next >= text.length) {
      if (joined !== '') visit({ file, text: joined, pieces });
      joined = '';
      pieces = [];
    }
    at = next;
    line++;
  }
}

function isComment(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x23 || code === 0x3b;
}

/** Position of the character at `offset` of a logical line. */
export function positionOf(line: LogicalLine, offset: number): Position {
  let low = 0;
  let high = line.pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((line.pieces[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const { offset: start = 0, line: number = 1, skipped = 0 } = line.pieces[low] ?? {};
  return { file: line.file, line: number, column: offset - start + skipped + 1 };
}
