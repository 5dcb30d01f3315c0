// SPDX-License-Identifier: Apache-2.0
// What `ipset save` prints: create and add lines, with timeouts and comments of the entries.

import type { BatchBuilder } from '../batch-builder.js';
import { bound, MAX_LINE, type Source } from './formats.js';
import { isComment, lineEnd, skipBlanks } from './plain.js';
import { PrefixScanner } from './prefix-scanner.js';
import { readWord, remaining, textOf } from './words.js';

const STRIDE = 0x3fff;

const ADD = new Set(['add', '-A', '--add']);
/** Lines that say nothing about what is listed. */
const OTHER = new Set([
  'create',
  '-N',
  '--create',
  'flush',
  '-F',
  'swap',
  '-W',
  'rename',
  '-E',
  'destroy',
  '-X',
  'COMMIT',
]);

/** Adds the entries of all sets in the file; returns how many lines it has. */
export function readIpset(
  { bytes, start: from, problems, onProgress, maxEntries, now }: Source,
  builder: BatchBuilder,
): number {
  const scanner = new PrefixScanner();
  let line = 0;
  for (let start = from; start < bytes.length;) {
    line++;
    if ((line & STRIDE) === 0) {
      onProgress(start);
      bound(builder.count, maxEntries);
    }
    const end = lineEnd(bytes, start);
    const bad = (at: number, cause: string): void => problems.add(line, start, at, end, cause);
    if (end - start > MAX_LINE) bad(start, `a line longer than ${MAX_LINE} bytes`);
    else if (!isComment(bytes, skipBlanks(bytes, start, end), end))
      readLine(bytes, start, end, now, scanner, builder, bad);
    start = end + 1;
  }
  bound(builder.count, maxEntries);
  return line;
}

function readLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  now: number,
  scanner: PrefixScanner,
  builder: BatchBuilder,
  bad: (at: number, cause: string) => void,
): void {
  const verb = readWord(bytes, start, end);
  if (!verb) return;
  const name = textOf(bytes, verb);
  if (OTHER.has(name)) return;
  if (!ADD.has(name)) return bad(verb.start, 'not a line of ipset save: add, create …');
  let word = readWord(bytes, verb.next, end);
  if (word && textOf(bytes, word) === '-exist') word = readWord(bytes, word.next, end);
  const item = word && readWord(bytes, word.next, end);
  if (!item) return bad(end, 'add needs a set and an entry');
  const options = readOptions(bytes, item.next, end, now);
  if (options.exception >= 0)
    return bad(options.exception, 'an exception (nomatch) cannot be listed: use the allowlist');
  const comma = bytes.subarray(item.start, item.end).indexOf(0x2c);
  if (comma >= 0)
    return bad(item.start + comma, 'an entry of an address and more (port, set, interface) cannot be listed');
  const mark = builder.mark();
  if (!scanner.item(bytes, item.start, item.end, builder)) return bad(scanner.at, scanner.cause);
  builder.describe(mark, options.expires, options.reason);
}

/** `timeout 300 comment "…"`; other options come in pairs and say nothing to us. */
function readOptions(
  bytes: Uint8Array,
  at: number,
  end: number,
  now: number,
): { expires: number; reason: string; exception: number } {
  let expires = NaN;
  let reason = '';
  let exception = -1;
  for (let word = readWord(bytes, at, end); word; word = readWord(bytes, at, end)) {
    const name = textOf(bytes, word);
    at = word.next;
    if (name === 'nomatch') exception = word.start;
    if (name !== 'timeout' && name !== 'comment') continue;
    const value = readWord(bytes, at, end);
    if (!value) break;
    at = value.next;
    if (name === 'comment') reason = textOf(bytes, value);
    else {
      const left = remaining(textOf(bytes, value));
      // ipset writes 0 for an entry that never ends.
      expires = left > 0 ? now + left : left === 0 ? Infinity : NaN;
    }
  }
  return { expires, reason, exception };
}
