// SPDX-License-Identifier: Apache-2.0
// The exact test of one content or size on one buffer. A buffer may be open: it goes on behind what was captured. Then
// only what its visible part proves counts, whatever may follow; nothing else matches.

import type { ContentTest, SizeTest } from './program.js';

function sameAt(test: ContentTest, bytes: Uint8Array, at: number): boolean {
  const { pattern, nocase } = test;
  for (let i = 0; i < pattern.length; i++) {
    let byte = bytes[at + i] ?? 0;
    if (nocase && byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (byte !== pattern[i]) return false;
  }
  return true;
}

/** True if the pattern stands in `bytes` where the test wants it. */
function occurs(test: ContentTest, bytes: Uint8Array): boolean {
  const { length } = test.pattern;
  let from = test.offset;
  let last = Math.min(bytes.length, test.end) - length;
  if (test.startswith) last = Math.min(last, 0);
  if (test.endswith) from = Math.max(from, bytes.length - length);
  for (let at = from; at <= last; at++) if (sameAt(test, bytes, at)) return true;
  return false;
}

/** True if the buffer surely passes the content test. */
export function contentHolds(test: ContentTest, bytes: Uint8Array, open: boolean): boolean {
  if (!open) return occurs(test, bytes) !== test.negated;
  if (!test.negated) return !test.endswith && occurs(test, bytes);
  // A negated content is certain once the whole window in which it must not stand is visible.
  const window = test.startswith ? test.pattern.length : test.end;
  return !test.endswith && window <= bytes.length && !occurs(test, bytes);
}

/** True if the buffer surely passes the size test. */
export function sizeHolds(test: SizeTest, bytes: Uint8Array, open: boolean): boolean {
  const { length } = bytes;
  if (!open) return (length >= test.lo && length <= test.hi) !== test.negate;
  return test.negate ? length > test.hi : length >= test.lo && test.hi >= 0xffffffff;
}
