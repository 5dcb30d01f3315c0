// SPDX-License-Identifier: Apache-2.0
// What the kernel looks for on behalf of the engine: a message in which no literal of a rule stands need not leave it.

import { GramKind, InspectFlag, L7Setting, Region } from '../../common/abi.gen.js';
import type { ContentMatch, Rule } from '../ast.js';
import { kindsOf } from '../match/kinds.js';
import { Kind } from '../match/message.js';
import { leadOf as ruleLead } from '../match/lead.js';
import { NO_END, patternKey, type Pattern } from '../patterns/pattern.js';
import { kernelBuffers } from './messages.js';
import { prefilterOf, type Asked } from './prefilter.js';
import type { Grams } from '../patterns/grams.js';
import { standing } from './standing.js';

/** Buffers in which values are masked: a hit there says what the engine cannot see, so case counts where it can. */
const MASKED: ReadonlySet<Region> = new Set<Region>([Region.URI, Region.HEADERS]);

/** What to look for so that a message in which the content could stand is handed over. */
function leadOf(content: ContentMatch, region: Region, most: number): Pattern | undefined {
  const literal = standing(content, most);
  if (literal === '') return undefined;
  const whole = literal.length === content.pattern.length;
  const nocase = content.nocase || content.transforms !== undefined || !whole || !MASKED.has(region);
  const bytes = Uint8Array.from(nocase ? Buffer.from(literal, 'latin1') : content.pattern);
  return { region, bytes, nocase, from: 0, until: NO_END, ends: false, dot: false, engine: true };
}

const bit = (...kinds: number[]): number => kinds.reduce((bits, kind) => bits | (1 << kind), 0);

interface HandedOver {
  readonly kinds: number;
  readonly regions: readonly Region[];
  readonly all: number;
  readonly gram?: GramKind;
}

/**
 * Kinds of messages that a literal in one of these regions stands for, the flag that hands over all of them, and what the
 * prefilter calls them. Bodies are read out of the payload, with their heads.
 */
const HANDED_OVER: readonly HandedOver[] = [
  {
    kinds: bit(Kind.HTTP_REQUEST),
    regions: [Region.METHOD, Region.URI, Region.HOST, Region.USER_AGENT, Region.HEADERS],
    all: L7Setting.L7_ALL_HEADS,
    gram: GramKind.GRAM_REQUEST,
  },
  {
    kinds: bit(Kind.HTTP_RESPONSE),
    regions: [Region.HEADERS],
    all: L7Setting.L7_ALL_RESPONSES,
    gram: GramKind.GRAM_RESPONSE,
  },
  { kinds: bit(Kind.TLS_HELLO), regions: [Region.SNI], all: L7Setting.L7_ALL_HELLOS, gram: GramKind.GRAM_SNI },
  { kinds: bit(Kind.TLS_ANSWER, Kind.TLS_CERTS), regions: [], all: L7Setting.L7_ALL_HELLOS },
  { kinds: bit(Kind.DNS_QUERY), regions: [Region.QUERY], all: L7Setting.L7_ALL_QUERIES, gram: GramKind.GRAM_QUERY },
  { kinds: bit(Kind.DNS_ANSWER), regions: [], all: L7Setting.L7_ALL_ANSWERS },
];

export interface Heads {
  /** What to look for; a message with none of it is not needed. */
  readonly literals: readonly Pattern[];
  /** enum ids_l7_setting: messages that are needed in any case. */
  readonly all: number;
  /** What the prefilter looks for, and in which kinds of messages. */
  readonly grams?: Grams;
  /** Rules that want every head of the flows that their header part fits, with enum ids_inspect_flag. */
  readonly every?: ReadonlyMap<Rule, number>;
}

/** Kinds of heads that are handed over by flow where a rule wants all of them. */
const EVERY_HEAD: ReadonlyMap<GramKind, number> = new Map<GramKind, number>([
  [GramKind.GRAM_REQUEST, InspectFlag.REQUESTS],
  [GramKind.GRAM_RESPONSE, InspectFlag.RESPONSES],
]);

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

/** What the engine's rules need of messages where there is no room for the literals of all of them. */
export function siftedOf(rules: readonly Rule[]): Heads {
  const asked: Asked[] = [];
  let [all, kinds] = [0, 0];
  for (const rule of rules) {
    const of = kindsOf(rule);
    for (const { kinds: some, all: flag, gram } of HANDED_OVER) {
      if ((of & some) === 0) continue;
      if (gram === undefined) all |= flag;
      else asked.push({ rule, kind: gram });
    }
  }
  const { grams, patterns, unled, payload } = prefilterOf(asked);
  for (const { kind } of asked) kinds |= 1 << kind;
  const every = new Map<Rule, number>();
  for (const { rule, kind } of unled) {
    const flag = EVERY_HEAD.get(kind);
    if (flag !== undefined) every.set(rule, (every.get(rule) ?? 0) | flag);
    else for (const { all: of, gram } of HANDED_OVER) if (gram === kind) all |= of;
  }
  // Of messages that are handed over in any case nothing needs to be found.
  const handed = HANDED_OVER.filter(({ all: of }) => (all & of) !== 0);
  for (const { gram } of handed) if (gram !== undefined) kinds &= ~(1 << gram);
  const list = grams.flatMap((gram) => ((gram.kinds & kinds) === 0 ? [] : [{ ...gram, kinds: gram.kinds & kinds }]));
  const literals = new Map<string, Pattern>();
  for (const pattern of patterns)
    if (!handed.some(({ regions }) => regions.includes(pattern.region))) literals.set(patternKey(pattern), pattern);
  const inspected = (payload & kinds) << GramKind.GRAM_INSPECTED;
  return { literals: [...literals.values()], all, grams: { list, kinds: kinds | inspected }, every };
}

/** What hands over all messages that rules are judged on. */
export function allOf(rules: readonly Rule[]): number {
  return rules.reduce((all, rule) => {
    const kinds = kindsOf(rule);
    return HANDED_OVER.reduce((flags, { kinds: of, all: flag }) => ((kinds & of) === 0 ? flags : flags | flag), all);
  }, 0);
}
