// SPDX-License-Identifier: Apache-2.0
// The entries of the kernel table in their order: one a rule, two for a bidirectional rule.

import type { Condition, Endpoint, Rule } from '../ast.js';
import { conditionsOf } from './conditions.js';
import type { MessagePlan } from './messages.js';

/** One entry; its place in the list is its position. */
export interface Entry {
  readonly rule: Rule;
  /** Index of the rule among those compiled. */
  readonly index: number;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly mirror: boolean;
  readonly conditions: readonly Condition[];
  /** Judged on messages: its header part alone is in the table. */
  readonly message?: MessagePlan;
}

/** A rule for the kernel table. */
export interface TableRule {
  readonly rule: Rule;
  /** Index into Compilation.rules. */
  readonly index: number;
  readonly message?: MessagePlan;
}

const sameList = (
  a: readonly { from: unknown; to: unknown }[],
  b: readonly { from: unknown; to: unknown }[],
): boolean => a.length === b.length && a.every((range, i) => range.from === b[i]?.from && range.to === b[i]?.to);

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.anyAddress === b.anyAddress &&
    a.anyPort === b.anyPort &&
    sameList(a.addresses, b.addresses) &&
    sameList(a.ports, b.ports)
  );
}

/** True if the rule needs a second entry for the way back. */
export function needsMirror(rule: Rule): boolean {
  return rule.bidirectional && !sameEndpoint(rule.source, rule.destination);
}

/** The order in which rules act: action (pass, drop, reject, alert), then priority, then the order of the files. */
export function byRank(a: { rule: Rule; index: number }, b: { rule: Rule; index: number }): number {
  return a.rule.action - b.rule.action || a.rule.meta.priority - b.rule.meta.priority || a.index - b.index;
}

/** Entries of `rules` by rank. `index` of an entry is the rule's index in `rules`. */
export function entriesOf(rules: readonly TableRule[]): Entry[] {
  const entries: Entry[] = [];
  for (const { rule, index, message } of [...rules].sort(byRank)) {
    const { source, destination } = rule;
    const rest = { rule, index, conditions: conditionsOf(rule), ...(message === undefined ? {} : { message }) };
    entries.push({ ...rest, source, destination, mirror: false });
    if (needsMirror(rule)) entries.push({ ...rest, source: destination, destination: source, mirror: true });
  }
  return entries;
}
