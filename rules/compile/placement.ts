// SPDX-License-Identifier: Apache-2.0
// Where a rule is judged.
//
//  inline       header keywords alone: a verdict in the kernel on the very packet.
//  address      nothing but addresses: entries of the blocklist (address-lists.ts).
//  engine       looks into an HTTP request: judged on the event that the kernel makes of the packet with the request. A
//               drop then cuts the flow; the packet that carried the request has already passed.
//  unsupported  cannot be judged in full where it would have to be. Nothing half-matches.
//
// Order between the two: pass rules come first in the language, and an engine-placed pass is decided after the kernel's
// verdict on the packet. A header rule cannot be moved behind it, since the engine gets no event for every packet that
// such a rule may match; moving it for request packets alone would half-match, and dropping it would let an attacker
// through wherever somebody wrote `pass http`. So the header rule stays inline, the pass holds back engine rules alone,
// and both say so: the pass in a warning, the header rule in its reason. Header rules that cannot match the packet of
// an HTTP request (scans, ICMP, no payload …) are never concerned.

import { Field, Limit } from '../../common/abi.gen.js';
import type { Rule } from '../ast.js';
import { conditionsOf, decidedByLayer4, decidedByProtocol } from './conditions.js';
import type { Placement } from './types.js';

export interface Placed {
  readonly rule: Rule;
  readonly placement: Placement;
  readonly reason?: string;
  /** Keyword that the reason is about. */
  readonly keyword?: string;
}

/** Header fields that the event of a request carries. */
const EVENT_FIELDS: ReadonlySet<Field> = new Set<Field>([
  Field.IP_VERSION,
  Field.TTL,
  Field.IP_ID,
  Field.TOS,
  Field.IP_PROTO,
  Field.TCP_FLAGS,
  Field.TCP_SEQ,
  Field.TCP_ACK,
  Field.TCP_WINDOW,
  Field.DSIZE,
  Field.DECODE0,
  Field.DECODE1,
  Field.VLAN_LAYERS,
]);

function placeInEngine(rule: Rule): Placed {
  for (const match of rule.matches) {
    if (match.kind !== 'header' || match.conditions.every((condition) => EVENT_FIELDS.has(condition.field))) continue;
    const reason = `the event of an HTTP request does not carry what "${match.keyword}" asks for`;
    return { rule, placement: 'unsupported', reason, keyword: match.keyword };
  }
  if (rule.ipProtocols !== undefined && !rule.ipProtocols.includes(6)) {
    return { rule, placement: 'unsupported', reason: `HTTP runs over TCP, not over ${rule.protocol}` };
  }
  return { rule, placement: 'engine' };
}

/** Conditions that the entry of an inline rule has to hold; the others are in the bit vectors. */
export function entryConditions(rule: Rule): ReturnType<typeof conditionsOf> {
  return conditionsOf(rule).filter(
    (condition) => !decidedByLayer4(condition) && (rule.anyFrame || !decidedByProtocol(condition)),
  );
}

/** Where one rule is judged, as far as that does not depend on other rules. */
export function place(rule: Rule): Placed {
  if (rule.http || rule.matches.some((match) => match.kind !== 'header')) return placeInEngine(rule);
  const conditions = entryConditions(rule).length;
  if (conditions > Limit.RULE_CONDS) {
    const reason = `needs ${conditions} header conditions, an entry of the kernel table holds ${Limit.RULE_CONDS}`;
    return { rule, placement: 'unsupported', reason };
  }
  return { rule, placement: 'inline' };
}
