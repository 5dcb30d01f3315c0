// SPDX-License-Identifier: Apache-2.0
// What the engine needs to judge messages, as plain data that can be handed to another thread.

import { App, type Action, type Threshold, type Track, type Unique } from '../../common/abi.gen.js';
import type { Condition, ContentMatch, Match, RateSpec, Rule, Suppression, Way } from '../ast.js';
import { appNumbers } from '../compile/app-rules.js';
import type { List } from '../../common/packed-list.js';
import type { DatasetSpec } from '../datasets/declarations.js';
import { conditionsOf } from '../compile/conditions.js';
import { thresholdName } from '../compile/thresholds.js';
import { kindsOf, matchesOnce, needsOf, streamUse } from './kinds.js';
import { groupsOf } from './groups.js';
import type { ChainTest } from './inspect.js';
import type { BufferId } from './message.js';
import type { Transforms } from '../transforms/transform.js';
import { stateOf, useOf, type StateTests } from './state.js';
import { GuardBuilder, type Guards } from './guards.js';
import { makePrefilters, type KindFilter } from './prefilter.js';

export interface ContentTest {
  /** In lower case if `nocase`. */
  readonly pattern: Uint8Array;
  readonly negated: boolean;
  readonly nocase: boolean;
  readonly startswith: boolean;
  readonly endswith: boolean;
  readonly offset: number;
  /** The match ends at this byte at the latest. */
  readonly end: number;
  /** Number of the kernel's pattern that is the same, where values are masked in its buffer; else -1. */
  readonly literal: number;
}

export interface SizeTest {
  readonly lo: number;
  readonly hi: number;
  readonly negate: boolean;
}

/** Tests that one buffer, or one instance of it, has to pass. */
export interface TestGroup {
  readonly buffer: BufferId;
  /** Any instance of the buffer will do. */
  readonly several: boolean;
  /** The buffer has a dot before it. */
  readonly dot: boolean;
  /** What is done to the buffer first. */
  readonly transforms: Transforms | undefined;
  /** It holds without the buffer, and `alone`: not with it. */
  readonly absent: 'alone' | 'or-else' | undefined;
  readonly contents: readonly ContentTest[];
  readonly sizes: readonly SizeTest[];
  /** Tests that depend on each other, in their order; contents and sizes are empty then. */
  readonly chain: readonly ChainTest[] | undefined;
}

export interface EngineThreshold {
  readonly name: string;
  readonly type: Threshold;
  readonly track: Track;
  readonly unique: Unique;
  readonly count: number;
  readonly seconds: number;
  readonly multiplier: number;
  readonly rate?: RateSpec;
}

/** What a rule asks of flow bits, and what it does to them. */
export interface FlowbitTests {
  /** Of each, one of the names is set. */
  readonly isset: readonly (readonly string[])[];
  /** Of each, one of the names is not set. */
  readonly isnotset: readonly (readonly string[])[];
  readonly changes: readonly { readonly command: 'set' | 'unset' | 'toggle'; readonly name: string }[];
}

/** All rules have all properties, in this order: the evaluator reads them faster then. */
export interface EngineRule {
  /** Index into Compilation.rules. */
  readonly index: number;
  /** Names the rule in the state of flows, across reloads: gid * 2^32 + sid. */
  readonly key: number;
  readonly action: Action;
  readonly noalert: boolean;
  readonly ways: readonly Way[];
  /** IP protocols; undefined = any. */
  readonly protocols: readonly number[] | undefined;
  /** Application protocol that the flow must have. */
  readonly app: App;
  readonly conditions: readonly Condition[];
  readonly groups: readonly TestGroup[];
  readonly flowbits: FlowbitTests | undefined;
  /** What else is asked of the flow, or of what is remembered about addresses. */
  readonly state: StateTests | undefined;
  /** Once it matched, nothing more is asked of the flow. */
  readonly bypass: boolean;
  /** It matches each direction of a flow once. */
  readonly once: boolean;
  /** STREAM: judged on the stream from its beginning, on the payload of single segments. */
  readonly stream: boolean;
  readonly packet: boolean;
  /** The kernel judges it too: not asked where message.decided names it. */
  readonly kernel: boolean;
  readonly threshold: EngineThreshold | undefined;
  readonly suppress: readonly Suppression[] | undefined;
}

export interface EngineTables {
  /** In the order in which they act. */
  readonly rules: List<EngineRule>;
  /** By kind of message. */
  readonly kinds: readonly KindFilter[];
  /** By rule: what is asked before it is tried. */
  readonly guards: Guards;
  /** Bits of Need: what has to be handed over. */
  readonly needs: number;
  /** Sets of values that rules ask. */
  readonly datasets: readonly DatasetSpec[];
  /** Names of the rules' thresholds, and of the bits of addresses that they ask or change. */
  readonly thresholds: readonly string[];
  readonly bits: readonly string[];
}

/** The same as it is compiled, all rules there. */
export interface EngineProgram extends EngineTables {
  readonly rules: readonly EngineRule[];
}

/** The number of the kernel's pattern that finds exactly the content, -1 if there is none. */
export type PatternNumber = (content: ContentMatch) => number;

/** A rule for the engine. */
export interface Candidate {
  readonly rule: Rule;
  /** Index into Compilation.rules. */
  readonly index: number;
  /** It is judged in the kernel as well. */
  readonly kernel?: boolean;
}

/** A rule's threshold as the engine counts it. */
export function engineThreshold(rule: Rule): EngineThreshold | undefined {
  const { threshold } = rule;
  return (
    threshold && {
      name: thresholdName(rule, threshold),
      type: threshold.type,
      track: threshold.track,
      unique: threshold.unique,
      count: threshold.count,
      seconds: threshold.seconds,
      multiplier: threshold.multiplier,
      ...(threshold.rate === undefined ? {} : { rate: threshold.rate }),
    }
  );
}

function flowbitsOf(rule: Rule): FlowbitTests | undefined {
  const all = rule.matches.filter((match) => match.kind === 'flowbits');
  if (all.length === 0) return undefined;
  const named = (command: 'isset' | 'isnotset'): (readonly string[])[] =>
    all.filter((match) => match.command === command).map(({ names }) => names);
  const changes = all.flatMap(({ command, names }) =>
    command === 'isset' || command === 'isnotset' ? [] : names.map((name) => ({ command, name })),
  );
  return { isset: named('isset'), isnotset: named('isnotset'), changes };
}

function engineRule({ rule, index, kernel }: Candidate, numberOf: PatternNumber): EngineRule {
  const { stream, packet } = streamUse(rule);
  return {
    index,
    key: rule.meta.gid * 2 ** 32 + rule.meta.sid,
    action: rule.action,
    noalert: rule.meta.noalert,
    ways: rule.ways,
    protocols: rule.ipProtocols,
    app: rule.app === undefined ? App.UNKNOWN : appNumbers[rule.app],
    conditions: conditionsOf(rule),
    groups: groupsOf(rule, numberOf),
    flowbits: flowbitsOf(rule),
    state: stateOf(rule),
    bypass: rule.matches.some(({ kind }) => kind === 'bypass'),
    once: matchesOnce(rule),
    stream,
    packet,
    kernel: kernel === true,
    threshold: engineThreshold(rule),
    suppress: rule.suppress,
  };
}

/** What is remembered, in the order in which Suricata sorts rules by it. */
const remembered: readonly ((match: Match) => 'reads' | 'writes' | undefined)[] = [
  (match) => (match.kind === 'flowbits' ? useOf(match) : undefined),
  (match) => (match.kind === 'flowint' ? useOf(match) : undefined),
  (match) => (match.kind === 'addressbit' && match.track !== 'pair' ? useOf(match) : undefined),
  (match) => (match.kind === 'addressbit' && match.track === 'pair' ? useOf(match) : undefined),
];

/** Rules that set bits come before those that ask for them, as in Suricata: within an action, and before the priority. */
function stateRank({ rule }: Candidate): number {
  return remembered.reduce((rank, of) => {
    const uses = rule.matches.map(of);
    const reads = uses.includes('reads');
    return rank * 4 + (uses.includes('writes') ? (reads ? 1 : 0) : reads ? 2 : 3);
  }, 0);
}

/** The order in which rules of the engine act. */
export function byEngineRank(a: Candidate, b: Candidate): number {
  return (
    a.rule.action - b.rule.action ||
    stateRank(a) - stateRank(b) ||
    a.rule.meta.priority - b.rule.meta.priority ||
    a.index - b.index
  );
}

/**
 * The engine's program for rules in the order in which they act.
 * @param keep takes the rules, which are made one after the other
 */
export function makeProgram<Kept>(
  rules: readonly Candidate[],
  numberOf: PatternNumber,
  datasets: readonly DatasetSpec[],
  keep: (rules: Iterable<EngineRule>) => Kept,
): Omit<EngineTables, 'rules'> & { readonly rules: Kept } {
  const asked = new Set(
    rules.flatMap(({ rule }) => rule.matches.flatMap((match) => ('use' in match ? [match.name] : []))),
  );
  const searched = rules.map(({ rule }) => ({ rule, kinds: kindsOf(rule) }));
  const guards = new GuardBuilder(rules.length);
  const thresholds = new Set<string>();
  const bits = new Set<string>();
  function* made(): Generator<EngineRule> {
    for (const [number, candidate] of rules.entries()) {
      const rule = engineRule(candidate, numberOf);
      guards.add(rule, number);
      if (rule.threshold !== undefined) thresholds.add(rule.threshold.name);
      for (const { table } of rule.state?.bits ?? []) bits.add(table);
      yield rule;
    }
  }
  const kept = keep(made());
  return {
    rules: kept,
    guards: guards.build(),
    kinds: makePrefilters(searched, numberOf),
    needs: rules.reduce((needs, { rule }) => needs | needsOf(rule), 0),
    datasets: datasets.filter(({ name }) => asked.has(name)),
    thresholds: [...thresholds],
    bits: [...bits],
  };
}
