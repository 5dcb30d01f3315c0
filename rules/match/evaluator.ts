// SPDX-License-Identifier: Apache-2.0
// Judges messages by the engine-placed rules: a prefilter over literals, then the exact tests of the candidates in the
// order in which rules act, then thresholds.

import { Action, Field } from '../../common/abi.gen.js';
import { LiveDatasets } from '../datasets/live.js';
import { changeDatasets, lookups } from '../datasets/tests.js';
import { Candidates } from './candidates.js';
import { BufferId, FlowState, Kind, type DirectionState, type JudgedPacket, type Message } from './message.js';
import type { KindFilter } from './prefilter.js';
import { newProfile, type RuleProfile } from './profile.js';
import type { EngineRule, EngineTables } from './program.js';
import { AddressBits } from './address-bits.js';
import { changeState, stateHolds } from './state.js';
import { judgeRepeated, judgeStream, matchedPacket, streamState, takeStream } from './stream.js';
import { buffersHold, changeFlowbits, flowbitsHold, headerHolds } from './tests.js';
import { transformed } from './transformed.js';
import { isSuppressed, ThresholdTable } from './windows.js';

export interface EngineMatch {
  /** Index into Compilation.rules. */
  readonly rule: number;
  /** What the rule does, or its rate_filter in its place. */
  readonly action: Action;
  /** It is a rate_filter that says what is done. */
  readonly rated?: true;
  /** False if the rule is to act in silence: `noalert`, a pass, or a threshold. */
  readonly alert: boolean;
  /** True if it was a threshold that silenced it. */
  readonly silenced: boolean;
  /** Matches of the threshold's window; 0 without a threshold. */
  readonly count: number;
  /** Nothing more is asked of the flow, or, after a pass, of a single packet. */
  readonly last?: boolean;
  /** What data sets have of the values that it found, by name. */
  readonly context?: Readonly<Record<string, unknown>>;
}

export interface Evaluator {
  /**
   * What `message` matches, in the order in which rules act; a pass ends the list and, but for a single packet, what rules
   * say of the flow. `timeNs` is the event's time.
   */
  judge(message: Message, packet: JudgedPacket, flow: FlowState | undefined, timeNs: number): readonly EngineMatch[];
  readonly stats: { readonly windows: number; readonly values: number; readonly evicted: number };
  /** Threshold state and bits of addresses, for the evaluator that follows. */
  readonly thresholds: ThresholdTable;
  readonly bits: AddressBits;
  readonly datasets: LiveDatasets;
}

const NOTHING: readonly EngineMatch[] = [];

function takeShown(): Readonly<Record<string, unknown>> {
  return Object.fromEntries(lookups.shown.map(({ name, json }) => [name, JSON.parse(json) as unknown]));
}

/** Rules that are kept as objects; then all are given up, and made again as they are asked for. */
const MAX_MADE = 8192;

/** Messages of a direction of which it is remembered what matched them: heads of one segment come before all bodies of it. */
const REMEMBERED = 16;

function hasMatched(direction: DirectionState | undefined, { number }: Message, { key }: EngineRule): boolean {
  return number !== undefined && direction?.messages?.get(number)?.has(key) === true;
}

function noteMatch(direction: DirectionState, { number = -1 }: Message, { key }: EngineRule): void {
  const messages = (direction.messages ??= new Map<number, Set<number>>());
  const matched = messages.get(number);
  if (matched) {
    matched.add(key);
    return;
  }
  const [oldest] = messages.size >= REMEMBERED ? messages.keys() : [];
  if (oldest !== undefined) messages.delete(oldest);
  messages.set(number, new Set([key]));
}

class ProgramEvaluator implements Evaluator {
  readonly thresholds: ThresholdTable;
  readonly bits: AddressBits;
  readonly datasets: LiveDatasets;
  readonly #program: EngineTables;
  readonly #candidates: Candidates;
  /** Rules by number that have been candidates. */
  readonly #rules: (EngineRule | undefined)[];
  readonly #profile: RuleProfile;
  #made = 0;
  #matches: EngineMatch[] | undefined;

  constructor(
    program: EngineTables,
    profile: RuleProfile,
    { thresholds, bits, datasets }: Pick<Evaluator, 'thresholds' | 'bits' | 'datasets'>,
  ) {
    this.bits = bits;
    this.datasets = datasets;
    this.#program = program;
    this.#profile = profile;
    this.thresholds = thresholds;
    this.#candidates = new Candidates(program);
    this.#rules = new Array<EngineRule | undefined>(program.rules.length).fill(undefined);
  }

  #make(number: number): EngineRule | undefined {
    if (++this.#made > MAX_MADE) {
      this.#rules.fill(undefined);
      this.#made = 1;
    }
    return (this.#rules[number] = this.#program.rules.at(number));
  }

  get stats(): ThresholdTable['stats'] {
    return this.thresholds.stats;
  }

  judge(message: Message, packet: JudgedPacket, flow: FlowState | undefined, timeNs: number): readonly EngineMatch[] {
    const filter = this.#program.kinds[message.kind];
    if (!filter?.used || flow?.passed) return NOTHING;
    this.#matches = undefined;
    lookups.sets = this.datasets;
    transformed.begin();
    if (message.kind === Kind.STREAM) this.#judgeStream(filter, message, packet, flow ?? new FlowState(), timeNs);
    else this.#judgeMessage(filter, message, packet, flow, timeNs);
    return this.#matches ?? NOTHING;
  }

  #judgeMessage(
    filter: KindFilter,
    message: Message,
    packet: JudgedPacket,
    flow: FlowState | undefined,
    timeNs: number,
  ): void {
    this.#candidates.search(filter, message, packet);
    const once = flow && message.number !== undefined ? flow.direction(packet.direction ?? 0) : undefined;
    const timed = this.#profile.begin();
    const { rules, count } = this.#candidates;
    for (let n = 0; n < count; n++) {
      const number = rules[n] as number;
      const rule = this.#rules[number] ?? this.#make(number);
      if (
        rule === undefined ||
        (rule.kernel && message.decided?.includes(rule.index)) ||
        hasMatched(once, message, rule)
      )
        continue;
      this.#profile.check(rule.index, timed);
      const holds = this.#remembers(rule, packet, flow, timeNs) && buffersHold(rule, message);
      if (timed) this.#profile.answered(rule.index);
      if (!holds) continue;
      if (once) noteMatch(once, message, rule);
      if (this.#act(rule, packet, flow, timeNs)) {
        if (flow && (message.kind !== Kind.PACKET || (rule.bypass && packet.apart !== true))) flow.passed = true;
        return;
      }
    }
  }

  #judgeStream(filter: KindFilter, message: Message, packet: JudgedPacket, flow: FlowState, timeNs: number): void {
    const direction = flow.direction(packet.direction ?? 0);
    const state = (direction.stream = streamState(direction.stream, this.#program));
    const { repeated = false, fresh = 0 } = message;
    if (!repeated) takeStream(filter, message, state, this.#candidates.finds);
    const bytes = message.buffer(BufferId.PAYLOAD, 0);
    if (bytes === undefined) return;
    const timed = this.#profile.begin();
    for (const number of state.candidates) {
      const rule = this.#rules[number] ?? this.#make(number);
      if (rule === undefined) continue;
      this.#profile.check(rule.index, timed);
      const asked = this.#remembers(rule, packet, flow, timeNs) && headerHolds(rule, packet);
      const found = !asked ? 'no' : repeated ? judgeRepeated(rule, bytes) : judgeStream(rule, bytes, fresh, state);
      if (timed) this.#profile.answered(rule.index);
      if (found === 'no') continue;
      if (found === 'packet' && matchedPacket(state, rule, packet.field?.(Field.TCP_SEQ), timeNs)) continue;
      if (this.#act(rule, packet, flow, timeNs)) {
        flow.passed = found === 'stream' || rule.bypass;
        return;
      }
    }
  }

  /** True if what is remembered of the flow and its addresses is as the rule asks; the first question of each rule. */
  #remembers(rule: EngineRule, packet: JudgedPacket, flow: FlowState | undefined, timeNs: number): boolean {
    if (lookups.changes.length > 0) lookups.changes.length = 0;
    if (lookups.shown.length > 0) lookups.shown.length = 0;
    if (rule.once && flow?.direction(packet.direction ?? 0).once?.has(rule.key)) return false;
    if (rule.flowbits && !flowbitsHold(rule.flowbits, flow)) return false;
    return rule.state === undefined || stateHolds(rule.state, packet, flow, this.bits, timeNs);
  }

  /** A rule matched: what follows of it. True if nothing comes behind it: it passes, or bypasses. */
  #act(rule: EngineRule, packet: JudgedPacket, flow: FlowState | undefined, timeNs: number): boolean {
    if (rule.flowbits) changeFlowbits(rule.flowbits, flow);
    if (lookups.changes.length > 0) changeDatasets();
    if (rule.state) changeState(rule.state, packet, flow, this.bits, timeNs);
    if (rule.once && flow) (flow.direction(packet.direction ?? 0).once ??= new Set<number>()).add(rule.key);
    const quiet = isSuppressed(rule.suppress, packet);
    const checked = quiet ? undefined : rule.threshold && this.thresholds.check(rule.threshold, packet, timeNs);
    if (checked?.outcome === 'no') return false;
    const rated = checked?.outcome === 'rated' ? rule.threshold?.rate : undefined;
    const action = rated?.action ?? rule.action;
    const passes = action === Action.PASS;
    const silenced = quiet || checked?.outcome === 'silent';
    const alert = !passes && !rule.noalert && !silenced;
    const last = passes || rule.bypass;
    const count = checked?.count ?? 0;
    const match = {
      rule: rule.index,
      action,
      ...(rated ? { rated: true as const } : {}),
      alert,
      silenced,
      count,
      last,
      ...(lookups.shown.length > 0 ? { context: takeShown() } : {}),
    };
    (this.#matches ??= []).push(match);
    return last;
  }
}

/** Rules that a profile has to have room for. */
function roomFor(rules: EngineTables['rules']): number {
  let room = 0;
  for (let number = 0; number < rules.length; number++) room = Math.max(room, 1 + (rules.at(number)?.index ?? -1));
  return room;
}

/**
 * An evaluator of `program`. Thresholds that `previous` counted go on where the rule and its threshold are the same, and bits of
 * addresses that a rule names, and sets of values that are not loaded anew; all may be used until events of the earlier rule set have been read.
 * @param profile has room for all rules of the compilation
 */
export function createEvaluator(
  program: EngineTables,
  previous?: Evaluator,
  profile = newProfile(roomFor(program.rules)),
): Evaluator {
  const thresholds = previous?.thresholds ?? new ThresholdTable();
  thresholds.retain(new Set(program.thresholds));
  const bits = previous?.bits ?? new AddressBits();
  bits.retain(new Set(program.bits));
  const datasets = new LiveDatasets(program.datasets, previous?.datasets);
  return new ProgramEvaluator(program, profile, { thresholds, bits, datasets });
}
