// SPDX-License-Identifier: Apache-2.0
// The entries of the kernel table in their order: one a way of a rule.

import { Limit } from '../../common/abi.gen.js';
import type { Condition, Rule, Way } from '../ast.js';
import { wholePackets } from '../match/kinds.js';
import { conditionsOf } from './conditions.js';
import type { MessagePlan } from './messages.js';

/** One entry; its place in the list is its position. */
export interface Entry extends Way {
  readonly rule: Rule;
  /** Index of the rule among those compiled. */
  readonly index: number;
  /** Not the first of its rule. */
  readonly mirror: boolean;
  readonly conditions: readonly Condition[];
  /** Judged on messages: its header part alone is in the table. */
  readonly message?: MessagePlan;
  /** A rule of the engine: packets that its header part matches are handed over. */
  readonly handOver: boolean;
}

/** A rule for the kernel table. */
export interface TableRule {
  readonly rule: Rule;
  /** Index into Compilation.rules. */
  readonly index: number;
  readonly message?: MessagePlan;
  readonly handOver?: true;
}

/** The order in which rules act: action (pass, drop, reject, alert), then priority, then the order of the files. */
export function byRank(a: { rule: Rule; index: number }, b: { rule: Rule; index: number }): number {
  return a.rule.action - b.rule.action || a.rule.meta.priority - b.rule.meta.priority || a.index - b.index;
}

/** Entries of `rules` by rank. `index` of an entry is the rule's index in `rules`. */
export function entriesOf(rules: readonly TableRule[]): Entry[] {
  const entries: Entry[] = [];
  for (const { rule, index, message, handOver = false } of [...rules].sort(byRank)) {
    // The engine asks again for what it gets.
    const conditions = handOver ? conditionsOf(rule).slice(0, Limit.RULE_CONDS) : conditionsOf(rule);
    const rest = { rule, index, conditions, handOver, ...(message === undefined ? {} : { message }) };
    rule.ways.forEach((way, number) => entries.push({ ...rest, ...way, mirror: number > 0 }));
  }
  return entries;
}

/** The header parts of the engine's rules that want whole packets; `index` is that of the rule. */
export function handedOver(engine: readonly TableRule[]): TableRule[] {
  return engine.flatMap(({ rule, index }): TableRule[] => {
    const ipProtocols = wholePackets(rule);
    return ipProtocols === undefined ? [] : [{ rule: { ...rule, ipProtocols }, index, handOver: true }];
  });
}
