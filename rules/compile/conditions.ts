// SPDX-License-Identifier: Apache-2.0
// The conditions of a rule beyond protocol, addresses and ports, and which of them the layer-4 key already decides.

import { Field } from '../../common/abi.gen.js';
import type { Condition, Rule } from '../ast.js';

const VERSION_OF_PROTOCOL: Readonly<Record<string, number>> = { ipv4: 4, ip4: 4, ipv6: 6, ip6: 6 };

/** True if a field with this value meets the condition. */
export function holds(condition: Condition, value: number): boolean {
  const masked = (value & condition.mask) >>> 0;
  return (masked >= condition.lo && masked <= condition.hi) !== condition.negate;
}

function sameTest(a: Condition, b: Condition): boolean {
  return a.field === b.field && a.mask === b.mask && a.negate === b.negate && a.or === b.or;
}

/** The conditions as an entry of the kernel table has them, a joined one behind the other. */
export function entryList(conditions: readonly Condition[]): Condition[] {
  return conditions.flatMap((condition) => (condition.or ? [condition, condition.or] : [condition]));
}

/** All conditions of a rule, duplicates and overlapping ranges of one field merged. */
export function conditionsOf(rule: Rule): Condition[] {
  const all: Condition[] = [];
  const add = (condition: Condition): void => {
    if (condition.or) return void all.push(condition);
    const at = all.findIndex((other) => sameTest(other, condition) && mergeable(other, condition));
    const other = all[at];
    if (other === undefined) all.push(condition);
    else all[at] = { ...other, lo: Math.max(other.lo, condition.lo), hi: Math.min(other.hi, condition.hi) };
  };
  for (const match of rule.matches) if (match.kind === 'header') match.conditions.forEach(add);
  const version = VERSION_OF_PROTOCOL[rule.protocol];
  if (version !== undefined) {
    add({ field: Field.IP_VERSION, negate: false, mask: 0xffffffff, lo: version, hi: version });
  }
  return all;
}

/** Two ranges that must both hold are their intersection; two negated ones merge only if they are the same. */
function mergeable(a: Condition, b: Condition): boolean {
  if (a.negate) return a.lo === b.lo && a.hi === b.hi;
  return Math.max(a.lo, b.lo) <= Math.min(a.hi, b.hi);
}

/** Conditions that the layer-4 key decides; such a rule matches only packets that have that key. */
export function decidedByLayer4(condition: Condition): boolean {
  return condition.field === Field.TCP_FLAGS || condition.field === Field.ICMP_TYPE;
}

/** Conditions that the protocol key decides, if the rule does not also match frames without IP. */
export function decidedByProtocol(condition: Condition): boolean {
  return condition.field === Field.IP_PROTO;
}
