// SPDX-License-Identifier: Apache-2.0
// What the kernel looks for on behalf of the engine: a message in which no literal of a rule stands need not leave it.

import { L7Setting, Region } from '../../common/abi.gen.js';
import type { ContentMatch, Rule } from '../ast.js';
import { kindsOf } from '../match/kinds.js';
import { Kind } from '../match/message.js';
import { leadOf as ruleLead } from '../match/lead.js';
import { lower, NO_END, patternKey, type Pattern } from '../patterns/pattern.js';
import { USUAL } from '../usual.js';
import { kernelBuffers } from './messages.js';

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

/**
 * What surely stands in the buffer as sent if the content stands in it as the engine sees it: header lines of one name are
 * joined there, and a line with cookies is not there.
 */
function literalOf({ buffer, pattern, dotprefix }: ContentMatch, most: number): string {
  let text = Buffer.from(pattern.map(lower)).toString('latin1');
  if (dotprefix && text.startsWith('.')) text = text.slice(1);
  if (buffer !== 'http.header') return chop(text, most);
  const parts = text.split(/[\r\n]+|, /);
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best));
  return chop(longest, most);
}

/** Buffers in which values are masked: a hit there says what the engine cannot see, so case counts where it can. */
const MASKED: ReadonlySet<Region> = new Set<Region>([Region.URI, Region.HEADERS]);

/** What to look for so that a message in which the content could stand is handed over. */
function leadOf(content: ContentMatch, region: Region, most: number): Pattern | undefined {
  const literal = literalOf(content, most);
  if (literal === '') return undefined;
  const whole = literal.length === content.pattern.length;
  const nocase = content.nocase || content.transforms !== undefined || !whole || !MASKED.has(region);
  const bytes = Uint8Array.from(nocase ? Buffer.from(literal, 'latin1') : content.pattern);
  return { region, bytes, nocase, from: 0, until: NO_END, ends: false, dot: false, engine: true };
}

const bit = (...kinds: number[]): number => kinds.reduce((bits, kind) => bits | (1 << kind), 0);

/** Kinds of messages that a literal in one of these regions stands for, and the flag that hands over all of them. */
const HANDED_OVER: readonly { readonly kinds: number; readonly regions: readonly Region[]; readonly all: number }[] = [
  {
    kinds: bit(Kind.HTTP_REQUEST),
    regions: [Region.METHOD, Region.URI, Region.HOST, Region.USER_AGENT, Region.HEADERS],
    all: L7Setting.L7_ALL_HEADS,
  },
  // A body is not understood without its heads.
  { kinds: bit(Kind.HTTP_REQUEST_BODY), regions: [], all: L7Setting.L7_ALL_HEADS },
  { kinds: bit(Kind.HTTP_RESPONSE), regions: [Region.HEADERS], all: L7Setting.L7_ALL_RESPONSES },
  {
    kinds: bit(Kind.HTTP_RESPONSE_BODY),
    regions: [],
    all: L7Setting.L7_ALL_HEADS | L7Setting.L7_ALL_RESPONSES,
  },
  { kinds: bit(Kind.TLS_HELLO), regions: [Region.SNI], all: L7Setting.L7_ALL_HELLOS },
  { kinds: bit(Kind.TLS_ANSWER, Kind.TLS_CERTS), regions: [], all: L7Setting.L7_ALL_HELLOS },
  { kinds: bit(Kind.DNS_QUERY), regions: [Region.QUERY], all: L7Setting.L7_ALL_QUERIES },
  { kinds: bit(Kind.DNS_ANSWER), regions: [], all: L7Setting.L7_ALL_ANSWERS },
];

export interface Heads {
  /** What to look for; a message with none of it is not needed. */
  readonly literals: readonly Pattern[];
  /** enum ids_l7_setting: messages that are needed in any case. */
  readonly all: number;
}

/** What the engine's rules need of messages. @param most bytes of a literal */
export function headsOf(rules: readonly Rule[], most: number): Heads {
  const literals = new Map<string, Pattern>();
  let all = 0;
  for (const rule of rules) {
    const kinds = kindsOf(rule);
    const fast = ruleLead(rule);
    const region = fast && kernelBuffers[fast.buffer];
    const lead = fast && region !== undefined ? leadOf(fast, region, most) : undefined;
    for (const { kinds: of, regions, all: flag } of HANDED_OVER) {
      if ((kinds & of) === 0) continue;
      if (lead === undefined || !regions.includes(lead.region)) {
        all |= flag;
        continue;
      }
      literals.set(patternKey(lead), lead);
    }
  }
  return { literals: [...literals.values()], all };
}

/** What hands over all that literals stand for, where there is no room for them. */
export function allOf(rules: readonly Rule[]): number {
  return rules.reduce((all, rule) => {
    const kinds = kindsOf(rule);
    return HANDED_OVER.reduce((flags, { kinds: of, all: flag }) => ((kinds & of) === 0 ? flags : flags | flag), all);
  }, 0);
}
