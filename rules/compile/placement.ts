// SPDX-License-Identifier: Apache-2.0
// Where a rule is judged.
//
//  inline       a verdict in the kernel on the very packet: header keywords alone, or a drop or reject whose contents look
//               into one buffer that the kernel has (messages.ts).
//  address      nothing but addresses: entries of the blocklist (address-lists.ts).
//  engine       looks into messages or payload, or names an application protocol: judged on what the kernel hands over.
//               A drop then cuts the flow; the packet that completed the message has already passed.
//  unsupported  cannot be judged in full where it would have to be. Nothing half-matches.
//
// Order between the two: pass rules come first in the language, and an engine-placed pass is decided after the kernel's
// verdict on the packet. A header rule cannot be moved behind it, since the engine gets no event for every packet that
// such a rule may match; moving it for request packets alone would half-match, and dropping it would let an attacker
// through wherever somebody wrote `pass http`. So the header rule stays inline, the pass holds back engine rules alone,
// and both say so: the pass in a warning, the header rule in its reason. Header rules that cannot match the packet of
// an HTTP request (scans, ICMP, no payload …) are never concerned.

import { Action, Limit } from '../../common/abi.gen.js';
import type { Rule } from '../ast.js';
import { bufferInfo, bufferMatches } from '../buffers.js';
import { eventFields } from '../match/event-fields.js';
import { isIpOnly, isState, kindsOf, needsMessage, wholePackets } from '../match/kinds.js';
import { Kind } from '../match/message.js';
import { keywordOf, useOf } from '../match/state.js';
import { conditionsOf, decidedByLayer4, decidedByProtocol, entryList } from './conditions.js';
import type { MessagePlan } from './messages.js';
import { canCarryPayload } from './overlap.js';
import type { Placement } from './types.js';

export interface Placed {
  readonly rule: Rule;
  readonly placement: Placement;
  readonly reason?: string;
  /** Keyword that the reason is about. */
  readonly keyword?: string;
  /** Inline: what is judged on messages. */
  readonly message?: MessagePlan;
}

const TCP = 6;
const HEADERS = 1 << Kind.HEADERS;
/** TCP and UDP: their payload comes by the inspection depth. */
const BY_DEPTH: ReadonlySet<number> = new Set([TCP, 17]);

/** In words, for listings: what the engine judges the rule on. */
function judgedOn(rule: Rule): string {
  const buffers = [...new Set(bufferMatches(rule.matches).map(({ buffer }) => buffer))];
  if (buffers.some((buffer) => bufferInfo[buffer].header !== undefined)) {
    return `judged by the engine on ${buffers.join(', ')} of packets whose headers the kernel has found fit`;
  }
  if (buffers.length === 0) {
    if (rule.app !== undefined) return `judged by the engine on messages of ${rule.app}`;
    return 'judged by the engine on packets that carry payload, up to the inspection depth';
  }
  const depth = buffers.some((buffer) => bufferInfo[buffer].payload) ? ', up to the inspection depth' : '';
  return `judged by the engine on ${buffers.join(', ')}${depth}`;
}

function placeInEngine(rule: Rule): Placed {
  const { matches, ipProtocols } = rule;
  const kinds = kindsOf(rule);
  // With whole packets comes all that the kernel knows of them.
  const whole = kinds === HEADERS || (ipProtocols !== undefined && !ipProtocols.some((number) => BY_DEPTH.has(number)));
  for (const match of whole ? [] : matches) {
    if (match.kind !== 'header' || match.conditions.every((condition) => eventFields.has(condition.field))) continue;
    const reason = `a message does not come with what "${match.keyword}" asks for`;
    return { rule, placement: 'unsupported', reason, keyword: match.keyword };
  }
  const payload = bufferMatches(matches).some(({ buffer }) => buffer === 'payload');
  if (kinds === HEADERS && payload && wholePackets(rule)?.includes(TCP) === true) {
    const reason = 'headers and payload of one TCP packet are not judged together';
    return { rule, placement: 'unsupported', reason, keyword: 'content' };
  }
  if (ipProtocols?.length === 0) {
    return { rule, placement: 'unsupported', reason: `${rule.app ?? 'it'} does not run over ${rule.protocol}` };
  }
  if (kinds === 0) {
    return { rule, placement: 'unsupported', reason: 'no message has all of its buffers', keyword: 'content' };
  }
  return { rule, placement: 'engine', reason: judgedOn(rule) };
}

/** Conditions that the entry of an inline rule has to hold; the others are in the bit vectors. */
export function entryConditions(rule: Rule): ReturnType<typeof conditionsOf> {
  return conditionsOf(rule).filter(
    (condition) => !decidedByLayer4(condition) && (rule.anyFrame || !decidedByProtocol(condition)),
  );
}

const UNSET = 'its flow bit is not set: they are kept for rules that look into messages or payload';

/**
 * Where a rule on headers goes that asks for or changes what the engine keeps: to the engine, which sees what carries
 * payload. One that does something else as well, and whose bits nobody asks for, keeps its place.
 */
function placeState(rule: Rule, asked: ReadonlySet<string>): Placed | undefined {
  const state = rule.matches.filter(isState);
  const [first] = state;
  if (first === undefined) return undefined;
  const sets = state.filter((match) => match.kind === 'flowbits' && useOf(match) === 'writes');
  const keyword = keywordOf(first);
  const silent = rule.action === Action.ALERT && rule.meta.noalert;
  if (sets.length === state.length && !silent) {
    const wanted = sets.some((match) => match.kind === 'flowbits' && match.names.some((name) => asked.has(name)));
    const stays =
      rule.action !== Action.ALERT ||
      (isIpOnly(rule) && !rule.ways.every(({ source }) => source.anyAddress)) ||
      !wanted ||
      !canCarryPayload(rule);
    if (stays) return undefined;
  }
  if (canCarryPayload(rule)) return placeInEngine(rule);
  const reason = `the engine, which keeps ${keyword}, sees packets with payload alone, and this rule matches none`;
  return { rule, placement: 'unsupported', reason, keyword };
}

/**
 * Where one rule is judged, as far as that does not depend on where others are.
 * @param asked flow bits that some rule asks for
 */
export function place(rule: Rule, asked: ReadonlySet<string>): Placed {
  if (needsMessage(rule)) return placeInEngine(rule);
  const engine = placeState(rule, asked);
  if (engine !== undefined) return engine;
  const conditions = entryList(entryConditions(rule)).length;
  if (conditions > Limit.RULE_CONDS) {
    const reason = `needs ${conditions} header conditions, an entry of the kernel table holds ${Limit.RULE_CONDS}`;
    return { rule, placement: 'unsupported', reason };
  }
  return { rule, placement: 'inline', ...(rule.matches.some(isState) ? { reason: UNSET } : {}) };
}
