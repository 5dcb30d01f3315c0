// SPDX-License-Identifier: Apache-2.0
// The reference for rules on messages: written from the meaning of the keywords, with latin1 strings and slices.

import { bufferInfo, bufferMatches } from '../../../../rules/buffers.js';
import type { Buffer as BufferName, BufferMatch, ContentMatch, Rule } from '../../../../rules/ast.js';

/** Instances of each buffer as latin1; what is missing the message lacks. */
export type Buffers = Partial<Record<BufferName, readonly string[]>>;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const fold = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Places at which the content stands in the buffer and may. */
export function places(content: ContentMatch, buffer: string): number[] {
  const text = content.dotprefix ? `.${buffer}` : buffer;
  const pattern = latin1(content.pattern);
  const [where, what] = content.nocase ? [fold(text), fold(pattern)] : [text, pattern];
  const found: number[] = [];
  for (let at = 0; at + what.length <= where.length; at++) {
    if (where.slice(at, at + what.length) !== what) continue;
    const end = at + what.length;
    const { offset = 0, depth, startswith, endswith } = content;
    if (at < offset || (depth !== undefined && end > offset + depth)) continue;
    if ((startswith && at > 0) || (endswith && end < where.length)) continue;
    found.push(at);
  }
  return found;
}

/** True if the buffer, all of it there, passes a test that depends on no other. */
function testHolds(match: BufferMatch, buffer: string): boolean {
  if (match.kind === 'content') return places(match, buffer).length > 0 !== match.negated;
  if (match.kind !== 'size') throw new Error(`the reference does not know ${match.kind}`);
  const length = buffer.length + (match.dotprefix ? 1 : 0);
  return (length >= match.lo && length <= match.hi) !== match.negate;
}

/** Tests that one instance has to pass together. */
export function groups(rule: Rule): BufferMatch[][] {
  const known = new Map<string, BufferMatch[]>();
  for (const match of bufferMatches(rule.matches)) {
    const own = bufferInfo[match.buffer].several ? String(match.group) : '';
    const key = `${match.buffer} ${match.dotprefix} ${own}`;
    known.set(key, [...(known.get(key) ?? []), match]);
  }
  return [...known.values()];
}

/** True if the tests from number `index` on hold, the one before having ended at `here`. */
function chainHolds(tests: readonly BufferMatch[], buffer: string, index: number, here: number): boolean {
  const match = tests[index];
  if (match === undefined) return true;
  const rest = (end: number): boolean => chainHolds(tests, buffer, index + 1, end);
  if (match.kind === 'isdataat') {
    const size = buffer.length + (match.dotprefix ? 1 : 0);
    const at = Number(match.at);
    return (match.relative ? here + at <= size : at < size) !== match.negated && rest(here);
  }
  if (match.kind !== 'content') return testHolds(match, buffer) && rest(here);
  const { distance, within, pattern } = match;
  const relative = distance !== undefined || within !== undefined;
  const from = Math.max(0, here + (distance ?? 0));
  const until = within === undefined ? Infinity : here + (distance ?? 0) + within;
  const found = places(match, buffer).filter((at) => !relative || (at >= from && at + pattern.length <= until));
  if (match.negated) return found.length === 0 && rest(here);
  return found.some((at) => rest(at + pattern.length));
}

/** True if the buffer passes all tests of a group. */
export function groupMatches(tests: readonly BufferMatch[], buffer: string): boolean {
  return chainHolds(tests, buffer, 0, 0);
}

/** True if the rule matches a message with these buffers. */
export function naiveHolds(rule: Rule, buffers: Buffers): boolean {
  return groups(rule).every((tests) => {
    const instances = (tests[0] && buffers[tests[0].buffer]) ?? [];
    return instances.some((buffer) => groupMatches(tests, buffer));
  });
}

/**
 * What a rule on raw content does on a stream that grows chunk by chunk: the chunks at which it matches. It matches where
 * the last thing that it looks for comes to its end, and looks from then on at what follows.
 */
export function naiveStream(rule: Rule, chunks: readonly string[]): number[] {
  const contents = bufferMatches(rule.matches) as ContentMatch[];
  const anchored = contents.some(
    ({ offset = 0, depth, startswith }) => offset > 0 || depth !== undefined || startswith,
  );
  // As in the reference, offset:0 makes single segments count too.
  const segments = anchored || contents.some(({ offset }) => offset !== undefined);
  const positive = contents.filter(({ negated }) => !negated);
  const holds = (text: string): boolean => groupMatches(contents, text);
  const reaches = (text: string, fresh: number): boolean =>
    positive.length === 0 ||
    positive.some((content) => places(content, text).some((at) => at + content.pattern.length > fresh));
  const found: number[] = [];
  let stream = '';
  let matched = 0;
  chunks.forEach((chunk, number) => {
    const fresh = stream.length;
    stream += chunk;
    const text = stream.slice(matched);
    const may = rule.stream !== 'never' && !(anchored && matched > 0);
    if (may && holds(text) && reaches(text, Math.max(0, fresh - matched))) {
      found.push(number);
      matched = stream.length;
    } else if (rule.stream !== 'only' && (rule.stream === 'never' || segments) && holds(chunk)) {
      found.push(number);
    }
  });
  return found;
}
