// SPDX-License-Identifier: Apache-2.0
// Which header rules could match the very packets that an engine-placed pass rule wants to pass.

import { Action, Field } from '../../common/abi.gen.js';
import type { Condition, Endpoint, Problem, Rule } from '../ast.js';
import { conditionsOf, holds } from './conditions.js';

interface Range<T> {
  readonly from: T;
  readonly to: T;
}

/** True if two sorted sets have something in common. */
export function intersect<T extends bigint | number>(a: readonly Range<T>[], b: readonly Range<T>[]): boolean {
  let [i, j] = [0, 0];
  for (;;) {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) return false;
    if (x.from <= y.to && y.from <= x.to) return true;
    if (x.to < y.to) i++;
    else j++;
  }
}

const meet = (a: Endpoint, b: Endpoint): boolean =>
  a === b || (intersect(a.ports, b.ports) && intersect(a.addresses, b.addresses));

const ICMP: readonly number[] = [1, 58];
const FIN_SYN_RST_ACK = 0x17;
const ACK = 0x10;

/** True if a packet of these IP protocols that carries payload can meet the condition; in doubt, true. */
function allowsPayload(condition: Condition, protocols: readonly number[] | undefined): boolean {
  switch (condition.field) {
    case Field.TCP_FLAGS:
      for (let flags = 0; flags < 256; flags++) {
        if ((flags & FIN_SYN_RST_ACK & ~1) === ACK && holds(condition, flags)) return true;
      }
      return false;
    case Field.IP_PROTO:
      return protocols?.some((number) => holds(condition, number)) ?? true;
    case Field.ICMP_TYPE:
    case Field.ICMP_CODE:
    case Field.ICMP_ID:
    case Field.ICMP_SEQ:
      return protocols?.some((number) => ICMP.includes(number)) ?? true;
    case Field.DSIZE:
      return condition.negate ? condition.lo > 1 || condition.hi < 0xffff : condition.hi >= 1;
    case Field.FRAGOFFSET:
      return holds(condition, 0);
    default:
      return true;
  }
}

/** True if the rule can match a packet that carries payload. */
export function canCarryPayload(rule: Rule): boolean {
  return !rule.anyFrame && conditionsOf(rule).every((condition) => allowsPayload(condition, rule.ipProtocols));
}

/** True if the header rule can match a packet whose payload the pass looks into. */
function canMatchPayload(header: Rule, { ipProtocols }: Rule): boolean {
  const own = header.ipProtocols;
  if (own !== undefined && ipProtocols !== undefined && !own.some((number) => ipProtocols.includes(number)))
    return false;
  return conditionsOf(header).every((condition) => allowsPayload(condition, ipProtocols));
}

/** True if one packet can have the addresses and ports of both. */
export function overlap(header: Rule, pass: Rule): boolean {
  return header.ways.some((own) =>
    pass.ways.some((other) => meet(own.source, other.source) && meet(own.destination, other.destination)),
  );
}

export interface Overlaps {
  /** Reason by rule: what it means that the rule stays inline. */
  readonly reasons: ReadonlyMap<Rule, string>;
  readonly problems: readonly Problem[];
}

const SHOWN = 3;

/** Finds inline rules that decide before an engine-placed pass can; see placement.ts. */
export function findOverlaps(inline: readonly Rule[], engine: readonly Rule[]): Overlaps {
  const passes = engine.filter((rule) => rule.action === Action.PASS);
  const reasons = new Map<Rule, string>();
  const before = new Map<Rule, Rule[]>();
  if (passes.length === 0) return { reasons, problems: [] };
  for (const rule of inline) {
    if (rule.action === Action.PASS) continue;
    const pass = passes.find((candidate) => canMatchPayload(rule, candidate) && overlap(rule, candidate));
    if (pass === undefined) continue;
    reasons.set(
      rule,
      `decides in the kernel, before pass rule ${pass.meta.sid} is judged: that pass does not exempt from it`,
    );
    before.set(pass, [...(before.get(pass) ?? []), rule]);
  }
  const problems = [...before].map(([pass, rules]): Problem => {
    const sids = rules.slice(0, SHOWN).map((rule) => String(rule.meta.sid));
    if (rules.length > SHOWN) sids.push('…');
    return {
      ...pass.position,
      severity: 'warning',
      sid: pass.meta.sid,
      cause: `this pass looks into messages and is judged after ${rules.length} header rule(s) (sid ${sids.join(', ')}): it does not exempt from them`,
      remedy: 'pass by header instead (pass tcp ADDRESS any -> …), or narrow those rules',
    };
  });
  return { reasons, problems };
}
