// SPDX-License-Identifier: Apache-2.0
// What an event of the list stage comes to: the alerts of the address rules behind it, and the record of the drop.

import type { Detection, DetectionRule } from '../../alerts/index.js';
import { Action, EventFlag, EventType, Reason, type EventRecord } from '../../common/abi.gen.js';
import type { EngineMatch } from '../../rules/index.js';
import type { Raised } from './judge.js';
import type { KnownRule } from './known-rules.js';

export interface ListedRule {
  readonly match: EngineMatch;
  readonly rule: KnownRule;
}

/** Damage that keeps the kernel from telling a packet's protocol: header rules do not match it, the lists do. */
const UNREADABLE = [
  Reason.DECODE_IP4_IHL,
  Reason.DECODE_IP4_LENGTH,
  Reason.DECODE_IP4_TRUNCATED,
  Reason.DECODE_IP6_TRUNCATED,
];

/** False for a packet that no rule matches: its headers are broken, or a pass rule has ended its judging. */
export function rulesReadIt({ reason, decode0, decode1 }: EventRecord): boolean {
  if (reason === Reason.RULE_PASS) return false;
  return UNREADABLE.every((decode) => {
    const bit = decode - Reason.DECODE;
    return (((bit < 32 ? decode0 : decode1) >>> (bit & 31)) & 1) === 0;
  });
}

/**
 * The detections of one event, alerts first.
 * @param base the event as a detection
 * @param named the address rules that match the packet
 */
export function raiseListed(
  event: EventRecord,
  base: Detection,
  named: readonly ListedRule[],
): Omit<Raised, 'established'>[] {
  const { origin, flags } = event;
  const dropped = event.type === EventType.EVENT_BLOCKED;
  const acted = dropped && (flags & EventFlag.EVENT_WOULD) === 0;
  // As of header rules: of several that would drop, the first one did.
  const decider = dropped ? named.find(({ match }) => match.action === Action.DROP) : undefined;
  const ruleOf = (one: ListedRule): DetectionRule => (acted && one === decider ? one.rule.blocked : one.rule.allowed);
  const out: Omit<Raised, 'established'>[] = named.flatMap((one) => {
    if (!one.match.alert) return [];
    const count = one.match.count > 0 ? { count: one.match.count } : {};
    return [{ detection: { ...base, ...count, kind: 'alert', rule: ruleOf(one) }, origin }];
  });
  if (dropped) {
    out.push({ detection: { ...base, kind: 'drop', ...(decider ? { rule: ruleOf(decider) } : {}) }, origin });
  } else if ((flags & EventFlag.EVENT_ALLOWLISTED) === 0) {
    const would: Detection = { ...base, kind: 'drop', verdict: 'drop', would: true, reason: 'blocklist' };
    out.push({ detection: would, origin, trial: true });
  }
  return out;
}
