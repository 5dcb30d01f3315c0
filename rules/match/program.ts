// SPDX-License-Identifier: Apache-2.0
// What the engine needs to judge HTTP requests, as plain data that can be handed to another thread.

import type { Action, Threshold, Track, Unique } from '../../common/abi.gen.js';
import type { Buffer as BufferName, Condition, ContentMatch, Endpoint, Rule } from '../ast.js';
import { conditionsOf } from '../compile/conditions.js';
import { thresholdName } from '../compile/thresholds.js';
import { buildAutomaton, foldCase, type Automaton } from './automaton.js';
import { BUFFERS, type BufferId } from './message.js';

export interface ContentTest {
  readonly buffer: BufferId;
  /** In lower case if `nocase`. */
  readonly pattern: Uint8Array;
  readonly negated: boolean;
  readonly nocase: boolean;
  readonly startswith: boolean;
  readonly endswith: boolean;
  readonly offset: number;
  /** The match ends at this byte at the latest. */
  readonly end: number;
}

export interface SizeTest {
  readonly buffer: BufferId;
  readonly lo: number;
  readonly hi: number;
  readonly negate: boolean;
}

export interface EngineThreshold {
  readonly name: string;
  readonly type: Threshold;
  readonly track: Track;
  readonly unique: Unique;
  readonly count: number;
  readonly seconds: number;
  readonly multiplier: number;
}

export interface EngineRule {
  /** Index into Compilation.rules. */
  readonly index: number;
  readonly action: Action;
  readonly noalert: boolean;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly bidirectional: boolean;
  readonly conditions: readonly Condition[];
  readonly contents: readonly ContentTest[];
  readonly sizes: readonly SizeTest[];
  readonly threshold?: EngineThreshold;
}

/** The prefilter of one buffer. */
export interface Prefilter {
  readonly buffer: BufferId;
  readonly automaton: Automaton;
  /** Rules by pattern. */
  readonly rules: readonly (readonly number[])[];
}

export interface EngineProgram {
  /** In the order in which they act. */
  readonly rules: readonly EngineRule[];
  readonly prefilters: readonly Prefilter[];
  /** Rules without a literal to look for first: tried on every request. */
  readonly always: readonly number[];
}

const NO_END = 0xffffffff;

const bufferNumber = (name: BufferName): BufferId => BUFFERS.indexOf(name) as BufferId;

function contentOf(match: ContentMatch): ContentTest {
  const offset = match.offset ?? 0;
  return {
    buffer: bufferNumber(match.buffer),
    pattern: match.nocase ? foldCase(match.pattern) : match.pattern.slice(),
    negated: match.negated,
    nocase: match.nocase,
    startswith: match.startswith,
    endswith: match.endswith,
    offset,
    end: match.depth === undefined ? NO_END : offset + match.depth,
  };
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
    }
  );
}

function engineRule(rule: Rule, index: number): EngineRule {
  const state = engineThreshold(rule);
  const contents = rule.matches.flatMap((match) => (match.kind === 'content' ? [contentOf(match)] : []));
  const sizes = rule.matches.flatMap((match) =>
    match.kind === 'size'
      ? [{ buffer: bufferNumber(match.buffer), lo: match.lo, hi: match.hi, negate: match.negate }]
      : [],
  );
  return {
    index,
    action: rule.action,
    noalert: rule.meta.noalert,
    source: rule.source,
    destination: rule.destination,
    bidirectional: rule.bidirectional,
    conditions: conditionsOf(rule),
    contents,
    sizes,
    ...(state === undefined ? {} : { threshold: state }),
  };
}

/** The content to look for first: the one marked fast_pattern, else the longest; methods say too little. */
function fastPattern(rule: Rule): ContentMatch | undefined {
  const contents = rule.matches.filter((match) => match.kind === 'content');
  const usable = contents.filter((match) => !match.negated && match.pattern.length > 0);
  const weight = (match: ContentMatch): number => match.pattern.length - (match.buffer === 'http.method' ? 100 : 0);
  return usable.find((match) => match.fastPattern) ?? usable.sort((a, b) => weight(b) - weight(a))[0];
}

/** The engine's program for rules in the order in which they act. */
export function makeProgram(rules: readonly { rule: Rule; index: number }[]): EngineProgram {
  const always: number[] = [];
  const wanted = BUFFERS.map(() => new Map<string, { pattern: Uint8Array; rules: number[] }>());
  rules.forEach(({ rule }, number) => {
    const fast = fastPattern(rule);
    const patterns = fast && wanted[bufferNumber(fast.buffer)];
    if (fast === undefined || patterns === undefined) {
      always.push(number);
      return;
    }
    const pattern = foldCase(fast.pattern);
    const key = pattern.join();
    const entry = patterns.get(key) ?? { pattern, rules: [] };
    entry.rules.push(number);
    patterns.set(key, entry);
  });
  const prefilters = wanted.flatMap((patterns, at): Prefilter[] => {
    const buffer = at as BufferId;
    const list = [...patterns.values()];
    const automaton = buildAutomaton(list.map((entry) => entry.pattern));
    return automaton === undefined ? [] : [{ buffer, automaton, rules: list.map((entry) => entry.rules) }];
  });
  return { rules: rules.map(({ rule, index }) => engineRule(rule, index)), prefilters, always };
}
