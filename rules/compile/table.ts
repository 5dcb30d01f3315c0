// SPDX-License-Identifier: Apache-2.0
// Lays one rule set out as the kernel reads it: exactly one struct ids_ruleset and the records of its address trie.

import {
  Action,
  AddressClassLayout,
  CondFlag,
  CondLayout,
  Limit,
  PrefixLayout,
  RuleFlag,
  RuleLayout,
  RulesetFlag,
  RulesetLayout,
} from '../../common/abi.gen.js';
import { asksAddresses, isIpOnly, isOnFlow } from '../match/kinds.js';
import { patternTable } from '../patterns/table.js';
import { compileAddresses, type AddressClasses } from './addresses.js';
import { decidedByLayer4, decidedByProtocol, entryList } from './conditions.js';
import { entriesOf, type Entry, type TableRule } from './entries.js';
import type { Inspection } from './inspect.js';
import { compileLayer4, compileProtocols, matchesProtocol } from './layer4.js';
import { collectPatterns } from './collect-patterns.js';
import { compilePlain } from './plain.js';
import { compilePorts } from './ports.js';
import { rejectSides } from './reject.js';
import { layThresholds, type ThresholdPlace } from './thresholds.js';
import type { CompiledRuleset } from './types.js';
import type { Grams } from '../patterns/grams.js';
import type { Pattern } from '../patterns/pattern.js';
import { CapacityError, setBit, VECTOR_HALVES, VectorPool } from './vectors.js';

const PREFIX_RECORD = PrefixLayout.SIZE + AddressClassLayout.SIZE;

/** What the table holds beside rules. */
export interface TableExtras {
  /** The engine wants HTTP requests. */
  readonly http: boolean;
  /** Literals that the kernel looks for on its behalf. */
  readonly literals: readonly Pattern[];
  /** What its prefilter looks for. */
  readonly grams?: Grams | undefined;
  readonly inspections: readonly Inspection[];
}

export interface BuiltRuleset {
  readonly ruleset: CompiledRuleset;
  /** Index of each pattern by its patternKey. */
  readonly numbers: ReadonlyMap<string, number>;
}

const TCP = 6;
const UDP = 17;

/**
 * The kernel's part of a rule set.
 * @param rules inline rules with their index in Compilation.rules, in the order of the files.
 * @throws CapacityError if a table is too small.
 */
export function buildRuleset(rules: readonly TableRule[], extras: TableExtras): BuiltRuleset {
  const { inspections } = extras;
  const entries = entriesOf(rules);
  const count = entries.length + inspections.length;
  if (count > Limit.MAX_RULES) throw new CapacityError(`more than ${Limit.MAX_RULES} header rules`);
  const blob = new Uint8Array(RulesetLayout.SIZE);
  const shorts = (offset: number, length: number): Uint16Array => new Uint16Array(blob.buffer, offset, length);
  const words = new Uint32Array(blob.buffer, RulesetLayout.vector, Limit.MAX_VECTORS * VECTOR_HALVES);
  const pool = new VectorPool(count, words);
  const all = [...entries, ...inspections];
  const sources = all.map((entry) => entry.source);
  const destinations = all.map((entry) => entry.destination);

  compileProtocols(entries, pool, shorts(RulesetLayout.proto, Limit.PROTO_KEYS));
  const l4None = compileLayer4(entries, inspections.length, pool, shorts(RulesetLayout.l4, 3 * 256));
  const sourceNone = compilePorts(sources, pool, shorts(RulesetLayout.sport, 65536));
  const destinationNone = compilePorts(destinations, pool, shorts(RulesetLayout.dport, 65536));
  const addresses = compileAddresses(
    sources.map((side) => side.addresses),
    destinations.map((side) => side.addresses),
    pool,
  );
  if (addresses.entries.length > Limit.RULE_PREFIXES) {
    throw new CapacityError(`addresses of rules need more than ${Limit.RULE_PREFIXES} prefixes`);
  }
  const vectorOf = (holds: (position: number) => boolean): number => {
    const vector = new Uint32Array(VECTOR_HALVES);
    for (let position = 0; position < count; position++) if (holds(position)) setBit(vector, position);
    return pool.intern(vector);
  };
  const entryOf = (holds: (entry: Entry) => boolean): number =>
    vectorOf((position) => entries[position] !== undefined && holds(entries[position]));
  const messages = ({ message }: Entry): boolean => message !== undefined;

  const view = new DataView(blob.buffer);
  view.setUint32(RulesetLayout.words, Math.ceil(count / 64), true);
  view.setUint32(RulesetLayout.rules, count, true);
  const trie = addresses.entries.length > 0 ? RulesetFlag.RULESET_ADDRESSES : 0;
  const once = entries.some(alertsOnce) ? RulesetFlag.RULESET_ONCE : 0;
  view.setUint32(RulesetLayout.flags, trie | once | (extras.http ? RulesetFlag.RULESET_HTTP : 0), true);
  view.setUint16(RulesetLayout.addressDefault, addresses.rest >>> 16, true);
  view.setUint16(RulesetLayout.addressDefault + 2, addresses.rest & 0xffff, true);
  view.setUint16(RulesetLayout.portNone, sourceNone, true);
  view.setUint16(RulesetLayout.portNone + 2, destinationNone, true);
  view.setUint16(RulesetLayout.l4None, l4None, true);
  view.setUint16(RulesetLayout.plain, compilePlain(entries, pool), true);
  [TCP, UDP].forEach((protocol, i) => {
    const judged = entryOf((entry) => messages(entry) && matchesProtocol(entry, protocol));
    view.setUint16(RulesetLayout.messages + 2 * i, judged, true);
    const looked = vectorOf((position) => {
      const one = inspections[position - entries.length];
      return one !== undefined && (one.ipProtocols?.includes(protocol) ?? true);
    });
    view.setUint16(RulesetLayout.inspect + 2 * i, looked, true);
    const ofApp = ({ rule, message, handOver }: Entry): boolean =>
      rule.app !== undefined && message === undefined && !handOver;
    const apps = entryOf((entry) => ofApp(entry) && matchesProtocol(entry, protocol));
    view.setUint16(RulesetLayout.apps + 2 * i, apps, true);
  });
  const places = layThresholds(entries.filter(({ handOver }) => !handOver));
  const ruleAt = (position: number): number => RulesetLayout.rule + position * RuleLayout.SIZE;
  entries.forEach((entry, position) => writeRule(view, ruleAt(position), entry, places.get(entry.rule)));
  inspections.forEach(({ flags }, i) => view.setUint8(ruleAt(entries.length + i) + RuleLayout.flags, flags));

  const { patterns, rules: judged, numbers } = collectPatterns(entries, extras.literals);
  const table = patternTable(patterns, judged, extras.grams);
  const ruleset = {
    blob,
    addresses: writePrefixes(addresses),
    ...(table === undefined ? {} : { patterns: table }),
    count: entries.length,
    sids: Uint32Array.from(entries, (entry) => entry.rule.meta.sid),
    rules: Uint32Array.from(entries, (entry) => entry.index),
  };
  return { ruleset, numbers };
}

/**
 * True if the rule alerts on the first packet of each direction of a flow alone: Suricata calls it IP-only. One with
 * negated addresses it asks of every packet. A threshold counts packets here.
 */
function alertsOnce({ rule, message, handOver }: Entry): boolean {
  return rule.action === Action.ALERT && message === undefined && !handOver && isIpOnly(rule);
}

/** As in Suricata, a pass by addresses and ports alone is about the flow, answers included. */
function passesFlow({ rule, message }: Entry): boolean {
  return rule.action === Action.PASS && message === undefined && isOnFlow(rule);
}

/**
 * True if a drop is about the flow: rules on messages and on what a flow was recognised as, and those of addresses alone,
 * as in Suricata. Others drop the packet, unless they say otherwise.
 */
function dropsFlow({ rule, message }: Entry): boolean {
  if (rule.action === Action.PASS) return false;
  if (rule.scope !== undefined) return rule.scope === 'flow';
  return message !== undefined || rule.app !== undefined || asksAddresses(rule);
}

function flagsOf(entry: Entry): number {
  const { rule, suppressed } = entry;
  const reject = rejectSides(rule);
  return (
    (alertsOnce(entry) ? RuleFlag.RULE_ONCE : 0) |
    (entry.handOver ? RuleFlag.RULE_HAND_OVER : 0) |
    (rule.meta.noalert || suppressed ? RuleFlag.RULE_NOALERT : 0) |
    (passesFlow(entry) || dropsFlow(entry) ? RuleFlag.RULE_FLOW : 0) |
    (reject.source ? RuleFlag.RULE_REJECT_SRC : 0) |
    (reject.destination ? RuleFlag.RULE_REJECT_DST : 0) |
    (reject.ends ? RuleFlag.RULE_REJECT_ENDS : 0)
  );
}

function writeRule(view: DataView, at: number, entry: Entry, place: ThresholdPlace | undefined): void {
  const { rule, suppressed } = entry;
  const threshold = suppressed ? undefined : rule.threshold;
  const conditions = entryList(
    entry.conditions.filter(
      (condition) => !decidedByLayer4(condition) && (rule.anyFrame || !decidedByProtocol(condition)),
    ),
  );
  view.setUint32(at + RuleLayout.sid, rule.meta.sid, true);
  view.setUint32(at + RuleLayout.gid, rule.meta.gid, true);
  view.setUint8(at + RuleLayout.action, rule.action);
  view.setUint8(at + RuleLayout.conds, conditions.length);
  view.setUint8(at + RuleLayout.flags, flagsOf(entry));
  view.setUint8(at + RuleLayout.back, entry.back);
  if (threshold !== undefined && place !== undefined) {
    view.setUint8(at + RuleLayout.threshold, threshold.type);
    view.setUint32(at + RuleLayout.key, place.key, true);
    view.setUint8(at + RuleLayout.track, threshold.track);
    view.setUint8(at + RuleLayout.unique, threshold.unique);
    view.setUint16(at + RuleLayout.multiplier, threshold.multiplier, true);
    view.setUint32(at + RuleLayout.count, threshold.count, true);
    view.setUint32(at + RuleLayout.seconds, threshold.seconds, true);
    view.setUint32(at + RuleLayout.timeout, threshold.rate?.timeout ?? 0, true);
    view.setUint8(at + RuleLayout.newAction, threshold.rate?.action ?? rule.action);
    view.setUint32(at + RuleLayout.setBase, place.setBase, true);
    view.setUint32(at + RuleLayout.setSize, place.setSize, true);
    view.setUint32(at + RuleLayout.setFirst, place.setFirst, true);
    view.setUint32(at + RuleLayout.setBuckets, place.setBuckets, true);
  }
  conditions.forEach((condition, i) => {
    const to = at + RuleLayout.cond + i * CondLayout.SIZE;
    view.setUint8(to + CondLayout.field, condition.field);
    view.setUint8(
      to + CondLayout.flags,
      (condition.negate ? CondFlag.COND_NEGATE : 0) | (condition.or ? CondFlag.COND_OR : 0),
    );
    view.setUint32(to + CondLayout.mask, condition.mask, true);
    view.setUint32(to + CondLayout.lo, condition.lo, true);
    view.setUint32(to + CondLayout.hi, condition.hi, true);
  });
}

function writePrefixes({ entries }: AddressClasses): Uint8Array {
  const out = new Uint8Array(entries.length * PREFIX_RECORD);
  const view = new DataView(out.buffer);
  entries.forEach(({ base, length, key }, i) => {
    const at = i * PREFIX_RECORD;
    view.setUint32(at + PrefixLayout.prefix, length, true);
    view.setBigUint64(at + PrefixLayout.addr, base >> 64n);
    view.setBigUint64(at + PrefixLayout.addr + 8, base & 0xffffffffffffffffn);
    view.setUint16(at + PrefixLayout.SIZE + AddressClassLayout.src, key >>> 16, true);
    view.setUint16(at + PrefixLayout.SIZE + AddressClassLayout.dst, key & 0xffff, true);
  });
  return out;
}
