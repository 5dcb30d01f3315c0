// SPDX-License-Identifier: Apache-2.0
// One entry a line: address, CIDR or a-b range, then perhaps a comment or other text. The fast path of million-line files.

import type { BatchBuilder } from '../batch-builder.js';
import { bound, MAX_LINE, type Source } from './formats.js';
import { PrefixScanner } from './prefix-scanner.js';

const NEWLINE = 0x0a;
const SLASH = 0x2f;
const DASH = 0x2d;
const RETURN = 0x0d;
const COMMA = 0x2c;
const BAR = 0x7c;

/** Lines between two reports of progress and checks of the bound. */
const STRIDE = 0x3fff;

/** True for a space, tab or carriage return. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

export function skipBlanks(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isBlank(bytes[at] ?? 0)) at++;
  return at;
}

/** True if a comment (# ; //) or nothing is at `at`. */
export function isComment(bytes: Uint8Array, at: number, end: number): boolean {
  const byte = bytes[at];
  return at >= end || byte === 0x23 || byte === 0x3b || (byte === SLASH && bytes[at + 1] === SLASH);
}

/** Where the line that `at` is in ends: at its newline or at the end of the bytes. */
export function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(NEWLINE, at);
  return end < 0 ? bytes.length : end;
}

/** What to say about a byte that cannot begin an entry. */
function hint(bytes: Uint8Array, at: number, cause: string): string {
  const byte = bytes[at] ?? 0;
  if (byte === 0x21) return 'an exception (!) cannot be listed: use the allowlist';
  if (byte === 0x3c) return 'this looks like HTML, not like a list';
  if (byte === 0x22 || byte === 0x27) return 'a quote: for CSV say --format csv';
  return cause;
}

/** Adds the entries of a plain list; returns how many lines it has. */
export function readPlain(source: Source, builder: BatchBuilder): number {
  const { bytes, problems, onProgress, maxEntries } = source;
  const scanner = new PrefixScanner();
  const total = bytes.length;
  let line = 0;
  for (let start = source.start; start < total;) {
    line++;
    if ((line & STRIDE) === 0) {
      onProgress(start);
      bound(builder.count, maxEntries);
    }
    // Most lines are an address and nothing else: their end is found by reading them.
    if (scanner.prefix(bytes, start, total)) {
      const { at } = scanner;
      const next = at < total ? bytes[at] : NEWLINE;
      if (next === NEWLINE || (next === RETURN && bytes[at + 1] === NEWLINE)) {
        scanner.add(builder);
        start = at + (next === RETURN ? 2 : 1);
        continue;
      }
    }
    const end = lineEnd(bytes, start);
    if (end - start > MAX_LINE) problems.add(line, start, start, end, `a line longer than ${MAX_LINE} bytes`);
    else if (!readLine(bytes, scanner, builder, start, end)) {
      problems.add(line, start, scanner.at, end, hint(bytes, scanner.at, scanner.cause));
    }
    start = end + 1;
  }
  bound(builder.count, maxEntries);
  return line;
}

const second = new PrefixScanner();

/** DShield's columns are first, last and length: the length if these three fit together, else -1. */
function columnsLength(bytes: Uint8Array, first: number, last: PrefixScanner, end: number): number {
  let at = skipBlanks(bytes, last.at, end);
  let bits = 0;
  const start = at;
  for (; at < end && at - start < 3; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    bits = bits * 10 + digit;
  }
  const whole = at > start && bits <= 32 && (at >= end || isBlank(bytes[at] ?? 0));
  const size = 2 ** (32 - bits);
  const fits = whole && last.family === 4 && first % size === 0 && last.value === first + size - 1;
  return fits ? bits : -1;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 122;
}

/** A line that is more than an address; false with the scanner's `at` and `cause` if it is wrong. */
function readLine(
  bytes: Uint8Array,
  scanner: PrefixScanner,
  builder: BatchBuilder,
  start: number,
  end: number,
): boolean {
  const first = skipBlanks(bytes, start, end);
  if (isComment(bytes, first, end)) return true;
  if (!scanner.prefix(bytes, first, end)) return false;
  if (bytes[scanner.at] === DASH && scanner.at < end) return scanner.range(bytes, scanner.at + 1, end, builder);
  if (!scanner.delimited(bytes, end)) return false;
  let rest = skipBlanks(bytes, scanner.at, end);
  if (isComment(bytes, rest, end)) {
    scanner.add(builder);
    return true;
  }
  const { family, value, length } = scanner;
  const words = scanner.words.slice();
  const fail = (at: number, cause: string): false => {
    scanner.at = at;
    scanner.cause = cause;
    return false;
  };
  if (bytes[rest] === DASH && isBlank(bytes[rest + 1] ?? 0)) {
    const last = skipBlanks(bytes, rest + 1, end);
    if (second.address(bytes, last, end)) return scanner.range(bytes, last, end, builder);
  }
  while (rest < end && (isBlank(bytes[rest] ?? 0) || bytes[rest] === COMMA || bytes[rest] === BAR)) rest++;
  if (second.prefix(bytes, rest, end) && second.delimited(bytes, end)) {
    const bits = family === 4 ? columnsLength(bytes, value, second, end) : -1;
    if (bits < 0) return fail(rest, 'two addresses on a line: write a range as a-b, or say --format csv and --column');
    builder.add4(value, bits);
    return true;
  }
  const loopback =
    family === 4
      ? value === 0 || value === 0x7f000001
      : words.every((word, i) => word === 0 || (i === 3 && word === 1));
  if (loopback && length >= 32 && isLetter(bytes[rest] ?? 0)) {
    return fail(rest, 'a line of a hosts file: it blocks a name, and names cannot be listed');
  }
  scanner.add(builder);
  return true;
}
