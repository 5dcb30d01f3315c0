// SPDX-License-Identifier: Apache-2.0
// The exact test of one content or size on one buffer. A buffer may be open: it goes on behind what was captured. Then
// only what its visible part proves counts, whatever may follow; nothing else matches. A dotted buffer (dotprefix) has a
// dot before its first byte, which is not copied there.

import { FOLD } from './fold-case.js';
import type { ContentTest, SizeTest } from './program.js';

const DOT = 0x2e;
/** From this many bytes on, the search of the runtime is faster than a loop. */
const LONG = 64;

const { indexOf } = Buffer.prototype as {
  readonly indexOf: (this: Uint8Array, pattern: Uint8Array, from: number) => number;
};

/** True if the pattern, from its byte `first` on, stands in `bytes` at `at`. */
function sameAt(test: ContentTest, first: number, bytes: Uint8Array, at: number): boolean {
  const { pattern, nocase } = test;
  for (let i = first; i < pattern.length; i++) {
    const byte = bytes[at + i - first] as number;
    if ((nocase ? (FOLD[byte] as number) : byte) !== pattern[i]) return false;
  }
  return true;
}

/** The first of the places from `from` to `last` at which the pattern begins, or -1. Nothing is read behind the buffer. */
export function findContent(test: ContentTest, bytes: Uint8Array, from: number, last: number): number {
  const { pattern, nocase } = test;
  if (!nocase && last - from >= LONG) {
    // A Uint8Array has no search for more than one byte, and what is handed over is not always a Buffer.
    const at = indexOf.call(bytes, pattern, from);
    return at <= last ? at : -1;
  }
  const first = pattern[0] as number;
  if (nocase) {
    for (let at = from; at <= last; at++) {
      if (FOLD[bytes[at] as number] === first && sameAt(test, 0, bytes, at)) return at;
    }
    return -1;
  }
  for (let at = from; at <= last; at++) if (bytes[at] === first && sameAt(test, 0, bytes, at)) return at;
  return -1;
}

/** True if the pattern stands in the buffer where the test wants it, and ends behind `behind`. */
export function occurs(test: ContentTest, bytes: Uint8Array, dot: boolean, behind = 0): boolean {
  const { length } = test.pattern;
  const shift = dot ? 1 : 0;
  const size = bytes.length + shift;
  let from = Math.max(test.offset, behind === 0 ? 0 : behind + shift - length + 1);
  let last = Math.min(size, test.end) - length;
  if (test.startswith) last = Math.min(last, 0);
  if (test.endswith) from = Math.max(from, size - length);
  if (from > last) return false;
  if (dot && from === 0) {
    if (test.pattern[0] === DOT && sameAt(test, 1, bytes, 0)) return true;
    from = 1;
  }
  return from <= last && findContent(test, bytes, from - shift, last - shift) >= 0;
}

/** True if the buffer surely passes the content test. */
export function contentHolds(test: ContentTest, bytes: Uint8Array, open: boolean, dot: boolean): boolean {
  if (!open) return occurs(test, bytes, dot) !== test.negated;
  if (!test.negated) return !test.endswith && occurs(test, bytes, dot);
  // A negated content is certain once the whole window in which it must not stand is visible.
  const window = test.startswith ? test.pattern.length : test.end;
  return !test.endswith && window <= bytes.length + (dot ? 1 : 0) && !occurs(test, bytes, dot);
}

/** True if the buffer surely passes the size test. */
export function sizeHolds(test: SizeTest, bytes: Uint8Array, open: boolean, dot: boolean): boolean {
  const length = bytes.length + (dot ? 1 : 0);
  if (!open) return (length >= test.lo && length <= test.hi) !== test.negate;
  return test.negate ? length > test.hi : length >= test.lo && test.hi >= 0xffffffff;
}
