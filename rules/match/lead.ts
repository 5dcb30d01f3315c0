// SPDX-License-Identifier: Apache-2.0
// What of a rule is looked for first: one literal, without which it cannot match.

import type { ContentMatch, Rule } from '../ast.js';
import { bufferMatches, isPlain } from '../buffers.js';
import { changesCaseAlone } from '../transforms/transform.js';
import { ALWAYS, OFTEN } from '../usual.js';
import { foldCase } from './fold-case.js';
import { keyOf } from './groups.js';
import { BufferId } from './message.js';

const LF = 0x0a;
const DOT = 0x2e;
const COLON = 0x3a;
const ASTERISK = 0x2a;
/** Bytes beyond which a longer literal says no more. */
const ENOUGH = 16;
const always = ALWAYS.toLowerCase();
const often = OFTEN.toLowerCase();
/** What a literal of this many bytes lacks beside its length. */
const SHORT = [0, 16, 10, 4];

/** How much it says that a text stands somewhere. */
function saying(text: string): number {
  const length = Math.min(text.length, ENOUGH) - (SHORT[text.length] ?? 0);
  return always.includes(text) ? length - 40 : often.includes(text) ? length - 12 : length;
}

/** Of names between line ends the one that says most, with the ends of lines that the content has beside it. */
function rarestName(names: Uint8Array): Uint8Array {
  const text = Buffer.from(names).toString('latin1');
  let [best, most] = ['', -Infinity];
  for (const [piece, name = '', end = ''] of text.matchAll(/(?:\r\n)?([^\r\n]+)(?=(\r\n)?)/g)) {
    const says = saying(name) + piece.length - name.length + end.length;
    if (says > most) [best, most] = [piece + end, says];
  }
  return Buffer.from(best, 'latin1');
}

/** What surely stands in the buffer if the content does: dotprefix puts a dot there that is not. */
export function literalOf({ buffer, dotprefix, pattern }: ContentMatch): Uint8Array {
  const bytes = Uint8Array.from(dotprefix && pattern[0] === DOT ? pattern.slice(1) : pattern);
  const folded = foldCase(bytes);
  return buffer === 'http.header_names' ? rarestName(folded) : folded;
}

/** How what literalOf gives of a buffer stands in a head as it was sent: the end of a name is a colon there. */
export function inSection(buffer: BufferId, literal: Uint8Array): Uint8Array {
  const { length } = literal;
  if (buffer !== BufferId.HEADER_NAMES || literal[length - 1] !== LF) return literal;
  const standing = literal.slice(0, length - 1);
  standing[length - 2] = COLON;
  return standing;
}

/** How much it says that the content is there. */
function weight(match: ContentMatch, literal: Uint8Array): number {
  const { buffer, fastPattern } = match;
  let sum = saying(Buffer.from(literal).toString('latin1').trim()) + (fastPattern ? 2 : 0);
  if (buffer === 'http.method' || buffer === 'http.protocol' || buffer === 'http.stat_code') sum -= 100;
  else if (buffer === 'payload') sum -= 20;
  else if (buffer === 'http.header_names') sum -= 4;
  // Runs of one byte are common in binary data.
  if (literal.length > 1 && literal.every((byte) => byte === literal[0])) sum -= 8;
  return sum;
}

const known = new WeakMap<Rule, ContentMatch>();

/**
 * The content to look for first. What a transform has made does not stand in the buffer as sent, and a buffer that may be
 * absent need not hold anything.
 */
export function leadOf(rule: Rule): ContentMatch | undefined {
  const found = known.get(rule);
  if (found !== undefined) return found;
  const lead = findLead(rule);
  if (lead !== undefined) known.set(rule, lead);
  return lead;
}

function findLead({ matches }: Rule): ContentMatch | undefined {
  const looks = bufferMatches(matches);
  const absent = new Set(looks.filter(({ kind }) => kind === 'absent').map(keyOf));
  let best: ContentMatch | undefined;
  let most = -Infinity;
  for (const match of looks) {
    if (match.kind !== 'content' || match.negated) continue;
    if (match.transforms !== undefined && !changesCaseAlone(match.transforms)) continue;
    if (absent.size > 0 && absent.has(keyOf(match))) continue;
    const literal = literalOf(match);
    // Asterisks alone are what masked values are full of.
    if (literal.every((byte) => byte === ASTERISK)) continue;
    const says = weight(match, literal);
    if (says > most) [best, most] = [match, says];
  }
  return best;
}

/** Where in its buffer the lead must stand, and how long that must be, in bytes. */
export interface Bounds {
  /** Lengths of the buffer, inclusive. */
  readonly least: number;
  readonly most: number;
  /** The literal ends here at the latest. */
  readonly until: number;
}

const NO_BOUND = 0xffffffff;

/** What the rule says about the buffer in which its lead stands. */
export function boundsOf(rule: Rule, lead: ContentMatch): Bounds {
  let [least, most] = [0, NO_BOUND];
  if (lead.transforms !== undefined) return { least, most, until: NO_BOUND };
  const key = keyOf(lead);
  const shift = lead.dotprefix ? 1 : 0;
  for (const match of bufferMatches(rule.matches)) {
    if (keyOf(match) !== key) continue;
    if (match.kind === 'size' && !match.negate) {
      least = Math.max(least, match.lo - shift);
      most = Math.min(most, match.hi - shift);
    } else if (match.kind === 'content' && !match.negated && match.endswith && isPlain(match)) {
      most = Math.min(most, lastByte(match) - shift);
    }
  }
  const until = isPlain(lead) && lead.buffer !== 'http.header_names' ? lastByte(lead) - shift : NO_BOUND;
  return { least: Math.max(0, least), most: Math.max(0, most), until: Math.max(0, until) };
}

/** Where a content that does not depend on others ends at the latest. */
function lastByte({ startswith, depth, offset = 0, pattern }: ContentMatch): number {
  if (startswith) return pattern.length;
  return depth === undefined ? NO_BOUND : offset + depth;
}
