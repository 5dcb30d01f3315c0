// SPDX-License-Identifier: Apache-2.0
// Judges HTTP requests by the engine-placed rules: a prefilter over literals, then the exact tests of the candidates in
// the order in which rules act, then thresholds.

import { Action } from '../../common/abi.gen.js';
import type { AddressSet, Endpoint, PortSet } from '../ast.js';
import { holds } from '../compile/conditions.js';
import { scan } from './automaton.js';
import { contentHolds, sizeHolds } from './content.js';
import type { EngineProgram, EngineRule } from './program.js';
import { type FlowState, Kind, type JudgedPacket, type Message } from './message.js';
import { ThresholdTable } from './windows.js';

export interface EngineMatch {
  /** Index into Compilation.rules. */
  readonly rule: number;
  readonly action: Action;
  /** False if the rule is to act in silence: `noalert`, a pass, or a threshold. */
  readonly alert: boolean;
  /** True if it was a threshold that silenced it. */
  readonly silenced: boolean;
  /** Matches of the threshold's window; 0 without a threshold. */
  readonly count: number;
}

export interface Evaluator {
  /**
   * What `message` matches, in the order in which rules act; a pass ends the list and, but for a single packet, what rules
   * say of the flow. `timeNs` is the event's time.
   */
  judge(message: Message, packet: JudgedPacket, flow: FlowState | undefined, timeNs: number): readonly EngineMatch[];
  readonly stats: { readonly windows: number; readonly values: number; readonly evicted: number };
  /** Threshold state, for the evaluator that follows. */
  readonly thresholds: ThresholdTable;
}

function holdsPort(set: PortSet, port: number): boolean {
  for (const range of set) if (port >= range.from && port <= range.to) return true;
  return false;
}

/** True if the set, sorted and disjoint, holds the address. */
export function holdsAddress(set: AddressSet, address: bigint): boolean {
  let [low, high] = [0, set.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = set[middle];
    if (range === undefined) return false;
    if (address < range.from) high = middle - 1;
    else if (address > range.to) low = middle + 1;
    else return true;
  }
  return false;
}

function endpointHolds(endpoint: Endpoint, address: bigint, port: number): boolean {
  if (!endpoint.anyPort && !holdsPort(endpoint.ports, port)) return false;
  return endpoint.anyAddress || holdsAddress(endpoint.addresses, address);
}

function headerHolds(rule: EngineRule, packet: JudgedPacket): boolean {
  const there =
    endpointHolds(rule.source, packet.src, packet.sport) && endpointHolds(rule.destination, packet.dst, packet.dport);
  const back =
    !there &&
    rule.bidirectional &&
    endpointHolds(rule.source, packet.dst, packet.dport) &&
    endpointHolds(rule.destination, packet.src, packet.sport);
  if (!there && !back) return false;
  return rule.conditions.every((condition) => {
    const value = packet.field?.(condition.field);
    return value !== undefined && holds(condition, value);
  });
}

function buffersHold(rule: EngineRule, message: Message): boolean {
  for (const test of rule.contents) {
    const bytes = message.buffer(test.buffer, 0);
    const open = message.open(test.buffer);
    // As in the reference, a negated content does not match a buffer that is not there either.
    if (bytes === undefined || !contentHolds(test, bytes, open)) return false;
  }
  for (const test of rule.sizes) {
    const bytes = message.buffer(test.buffer, 0);
    const open = message.open(test.buffer);
    if (bytes === undefined || !sizeHolds(test, bytes, open)) return false;
  }
  return true;
}

const NOTHING: readonly EngineMatch[] = [];

class ProgramEvaluator implements Evaluator {
  readonly thresholds: ThresholdTable;
  readonly #program: EngineProgram;
  readonly #marked: Uint32Array;
  readonly #candidates: number[] = [];
  readonly #mark: ((pattern: number) => void)[];
  #turn = 0;

  constructor(program: EngineProgram, thresholds: ThresholdTable) {
    this.#program = program;
    this.thresholds = thresholds;
    this.#marked = new Uint32Array(program.rules.length);
    this.#mark = program.prefilters.map(({ rules }) => (pattern: number): void => {
      for (const rule of rules[pattern] ?? []) {
        if (this.#marked[rule] === this.#turn) continue;
        this.#marked[rule] = this.#turn;
        this.#candidates.push(rule);
      }
    });
  }

  get stats(): ThresholdTable['stats'] {
    return this.thresholds.stats;
  }

  judge(message: Message, packet: JudgedPacket, flow: FlowState | undefined, timeNs: number): readonly EngineMatch[] {
    if (flow?.passed || message.kind !== Kind.HTTP_REQUEST) return NOTHING;
    const { rules, prefilters, always } = this.#program;
    const candidates = this.#candidates;
    candidates.length = 0;
    if (this.#turn === 0xffffffff) {
      this.#marked.fill(0);
      this.#turn = 0;
    }
    this.#turn++;
    for (let i = 0; i < prefilters.length; i++) {
      const prefilter = prefilters[i];
      const mark = this.#mark[i];
      const bytes = prefilter && message.buffer(prefilter.buffer, 0);
      if (prefilter !== undefined && mark !== undefined && bytes !== undefined) scan(prefilter.automaton, bytes, mark);
    }
    for (const rule of always) candidates.push(rule);
    if (candidates.length > 1) candidates.sort((a, b) => a - b);

    const matches: EngineMatch[] = [];
    for (const number of candidates) {
      const rule = rules[number];
      if (rule === undefined || !buffersHold(rule, message) || !headerHolds(rule, packet)) continue;
      const checked = rule.threshold && this.thresholds.check(rule.threshold, packet, timeNs);
      if (checked?.outcome === 'no') continue;
      const passes = rule.action === Action.PASS;
      const silenced = checked?.outcome === 'silent';
      const alert = !passes && !rule.noalert && !silenced;
      matches.push({ rule: rule.index, action: rule.action, alert, silenced, count: checked?.count ?? 0 });
      if (passes && flow) flow.passed = true;
      if (passes) break;
    }
    return matches;
  }
}

/**
 * An evaluator of `program`. Thresholds that `previous` counted go on where the rule and its threshold are the same;
 * both may be used until events of the earlier rule set have been read.
 */
export function createEvaluator(program: EngineProgram, previous?: Evaluator): Evaluator {
  const thresholds = previous?.thresholds ?? new ThresholdTable();
  const names = program.rules.flatMap((rule) => (rule.threshold === undefined ? [] : [rule.threshold.name]));
  thresholds.retain(new Set(names));
  return new ProgramEvaluator(program, thresholds);
}
