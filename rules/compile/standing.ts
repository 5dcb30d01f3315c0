// SPDX-License-Identifier: Apache-2.0
// What of a content surely stands in the bytes of a message as they were sent.

import type { Buffer as BufferName, ContentMatch } from '../ast.js';
import { lower } from '../patterns/pattern.js';
import { USUAL } from '../usual.js';

/** Bytes of a literal that are looked for where room is scarce: few states, and few messages more. */
export const CHOPPED = 8;
/** As much of a literal as says all that there is to say. */
export const WHOLE = 64;

const usualText = USUAL.toLowerCase();
const pairs = new Map<string, number>();
for (let i = 1; i < usualText.length; i++) {
  const pair = usualText.slice(i - 1, i + 1);
  pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
}

const usual = (text: string): number => {
  let sum = 0;
  for (let i = 1; i < text.length; i++) sum += pairs.get(text.slice(i - 1, i + 1)) ?? 0;
  return sum;
};

/** The part of a literal that says most. */
function chop(text: string, most: number): string {
  let best = text.slice(0, most);
  let least = usual(best);
  for (let at = 1; at + most <= text.length; at++) {
    const part = text.slice(at, at + most);
    const sum = usual(part);
    if (sum < least) [best, least] = [part, sum];
  }
  return best;
}

/** Buffers of one line, and names that are not put together of several. */
const SINGLE: ReadonlySet<BufferName> = new Set<BufferName>([
  ...(['http.method', 'http.uri', 'http.uri.raw', 'http.request_line', 'http.protocol', 'http.response_line'] as const),
  ...(['http.stat_code', 'http.stat_msg', 'tls.sni', 'dns.query'] as const),
]);

/**
 * What surely stands in the message as sent if the content stands in its buffer as the engine sees it: header lines of one
 * name are joined there, and a line with cookies is not there.
 */
export function standing({ buffer, pattern, dotprefix }: ContentMatch, most: number): string {
  let text = Buffer.from(pattern.map(lower)).toString('latin1');
  if (dotprefix && text.startsWith('.')) text = text.slice(1);
  if (SINGLE.has(buffer)) return chop(text, most);
  const parts = text.split(/[\r\n]+|, |,$/);
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best));
  return chop(longest, most);
}

/**
 * Pieces of a text, in small letters, of which each stands in the message as sent if the text stands in its buffer, as long
 * as nothing in the message is odd: then a line ends with CR LF, and a name with a colon and a blank.
 */
export function piecesOf(buffer: BufferName, text: string): string[] {
  if (SINGLE.has(buffer) || buffer === 'payload') return [text];
  const lines = text.split('\r\n');
  return lines.flatMap((line, number) => {
    const before = number > 0 ? '\r\n' : '';
    const behind = number < lines.length - 1 ? (buffer === 'http.header_names' ? ': ' : '\r\n') : '';
    if (line === '') return [];
    if (buffer === 'http.header_names') return [`${before}${line}${behind}`];
    // Values of lines with one name are joined.
    const parts = line.split(/, |,$/);
    return parts.map((part, at) => `${at === 0 ? before : ''}${part}${at === parts.length - 1 ? behind : ''}`);
  });
}
