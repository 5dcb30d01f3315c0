// SPDX-License-Identifier: Apache-2.0
// The entries of the kernel table in their order: one a way of a rule, and more if the kernel has to tell apart whom a
// threshold counts from those of whom no alert is raised.

import { Limit } from '../../common/abi.gen.js';
import type { AddressSet, Condition, Endpoint, Rule, Suppression, Way } from '../ast.js';
import { wholePackets } from '../match/kinds.js';
import { intersection, subtract, union } from '../sets.js';
import { appCondition } from './app-rules.js';
import { conditionsOf, entryList } from './conditions.js';
import type { MessagePlan } from './messages.js';

/** One entry; its place in the list is its position. */
export interface Entry extends Way {
  readonly rule: Rule;
  /** Index of the rule among those compiled. */
  readonly index: number;
  /** Entries of the same rule before this one: it does not match where one of them has. */
  readonly back: number;
  /** It raises no alert, and its threshold counts nothing. */
  readonly suppressed: boolean;
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

interface Part extends Way {
  readonly suppressed: boolean;
}

function within(end: Endpoint, addresses: AddressSet): Endpoint {
  return { ...end, anyAddress: false, addresses: intersection(end.addresses, addresses) };
}

/** What has no addresses at all is still there, if it was. */
function without(end: Endpoint, addresses: AddressSet): Endpoint {
  return { ...end, addresses: subtract(end.addresses, addresses) };
}

/** The same packets as `way`, those of a suppressed source or destination by themselves. */
function split({ source, destination }: Way, suppress: readonly Suppression[]): Part[] {
  const of = (track: 'src' | 'dst'): AddressSet =>
    union(suppress.flatMap((one) => (one.track === track || one.track === 'either' ? one.addresses : [])));
  const [sources, destinations] = [of('src'), of('dst')];
  const others = without(source, sources);
  const all: Part[] = [
    { source: within(source, sources), destination, suppressed: true },
    { source: others, destination: within(destination, destinations), suppressed: true },
    { source: others, destination: without(destination, destinations), suppressed: false },
  ];
  return all.filter((one) => one.source.addresses.length > 0 && one.destination.addresses.length > 0);
}

/**
 * Whether the kernel has to tell suppressed packets of the rule apart: without a threshold all matches are alike there,
 * and whoever raises the alerts leaves those out.
 */
function setsApart({ rule, handOver }: TableRule): readonly Suppression[] | undefined {
  return handOver || rule.threshold === undefined ? undefined : rule.suppress;
}

/** How many entries a rule has. */
export function entryCount(one: TableRule): number {
  const apart = setsApart(one);
  const { ways } = one.rule;
  return apart ? ways.reduce((sum, way) => sum + split(way, apart).length, 0) : ways.length;
}

/** The entries of one rule. */
export function entriesOfRule(one: TableRule): Entry[] {
  const { rule, index, message, handOver } = one;
  const app = rule.app !== undefined && message === undefined && !handOver ? [appCondition(rule.app)] : [];
  // The engine asks again for what it gets.
  const fits = (_: Condition, i: number, all: readonly Condition[]): boolean =>
    entryList(all.slice(0, i + 1)).length <= Limit.RULE_CONDS;
  const conditions = handOver ? conditionsOf(rule).filter(fits) : [...conditionsOf(rule), ...app];
  const apart = setsApart(one);
  const parts = apart
    ? rule.ways.flatMap((way) => split(way, apart))
    : rule.ways.map(({ source, destination }) => ({ source, destination, suppressed: false }));
  // Field by field: thousands of entries are made here, and copying objects costs a multiple.
  return parts.map(({ source, destination, suppressed }, back): Entry => {
    const entry = { rule, index, back, source, destination, suppressed, conditions, handOver: handOver === true };
    return message === undefined ? entry : { ...entry, message };
  });
}

/** Entries of `rules` by rank. `index` of an entry is the rule's index in `rules`. */
export function entriesOf(rules: readonly TableRule[]): Entry[] {
  return [...rules].sort(byRank).flatMap(entriesOfRule);
}

/** The header parts of the engine's rules that want whole packets; `index` is that of the rule. */
export function handedOver(engine: readonly TableRule[]): TableRule[] {
  return engine.flatMap(({ rule, index }): TableRule[] => {
    const ipProtocols = wholePackets(rule);
    return ipProtocols === undefined ? [] : [{ rule: { ...rule, ipProtocols }, index, handOver: true }];
  });
}
