// SPDX-License-Identifier: Apache-2.0
// Turns ring records into detections: explains what the kernel decided, evaluates what it could not. One for each ring
// reader, live or replay; it keeps the programs of rule sets whose events may still be in the rings.

import type { Detection, LogKind, Words } from '../../alerts/index.js';
import {
  Action,
  EventFlag,
  EventLayout,
  EventType,
  Verdict,
  readEvent,
  type EventRecord,
} from '../../common/abi.gen.js';
import type { List } from '../../common/packed-list.js';
import {
  createAddressMatcher,
  createEvaluator,
  FlowState as RuleState,
  inspections,
  isSuppressed,
  lookups,
  type LiveDatasets,
  Need,
  type AddressMatcher,
  type AddressProgram,
  type Compilation,
  type DatasetChange,
  type EngineMatch,
  type CompiledRuleset,
  type EngineTables,
  type Evaluator,
  type Message,
  type RuleInfo,
} from '../../rules/index.js';
import type { Flow } from '../layer7/flow-states.js';
import { Layer7 } from '../layer7/layer7.js';
import type { Shown } from '../layer7/shown.js';
import { ipPacket } from '../layer7/whole-packet.js';
import { detectionOf, type Draft, type EventContext } from './detection.js';
import { tupleOf, type FlowTuple } from './flow-tuple.js';
import { KnownRules, type KnownRule } from './known-rules.js';
import { raiseListed, rulesReadIt, type ListedRule } from './listed.js';
import { Rates, type RateLimits } from './rates.js';
import { RecordPacket } from './record-packet.js';
import { type Answered, answeredBy, sender } from './reject-sides.js';
import { RuleFigures } from './rule-figures.js';

/** Everything that explains the events of one generation. */
export interface RuleProgram {
  readonly generation: number;
  readonly rules: List<RuleInfo>;
  /** Which rules stand in the kernel table, by position. */
  readonly ruleset: Pick<CompiledRuleset, 'rules'>;
  readonly engine: EngineTables;
  readonly addresses: AddressProgram;
  readonly suppressed: Compilation['suppressed'];
  /** Where the counts of engine-placed rules go, by index of `rules`; see RuleFigures. */
  readonly figures?: SharedArrayBuffer;
}

/** A detection and what the response needs to know about it. */
export interface Raised {
  readonly detection: Detection;
  /** The kernel saw an established socket with this peer and the packet in its window: the source is no forgery. */
  readonly established: boolean;
  /** Blocklist origin under which the packet was counted, by index. */
  readonly origin?: number;
  /** What a list that only alerts would have dropped; nothing to tell if the list is an address rule's. */
  readonly trial?: true;
  /** The flow that an engine-placed drop or reject cuts. */
  readonly cut?: FlowTuple & { readonly reject?: true };
  /** The flow of which no rule says any more, and the pass rule that said so. */
  readonly pass?: { readonly flowId: number; readonly flow: number; readonly sid: number };
  /** A threshold or `noalert` keeps it from the outputs; only the response looks at it. */
  readonly quiet?: true;
}

/** As `Raised`, of which nothing is left to be found out: in words. */
export interface Worded extends Pick<Raised, 'established' | 'cut'> {
  readonly words: Words;
}

export interface JudgeOptions extends EventContext {
  /** Answers a reject that XDP_TX could not: it does not reach the peer, or the rule names the destination. */
  readonly reject?: (view: DataView, event: EventRecord, sides: Answered) => void;
  /** Bounds of what engine-placed rules raise; in replay there are none. */
  readonly rates?: RateLimits;
  /** Told of the kernel's record of a flow whose place it gave away, at `at`. */
  readonly onFlow?: (view: DataView, at: number) => void;
  /** Told which flow a rule of the engine matched. */
  readonly onAlerted?: (index: number, id: number) => void;
  readonly shows?: Shows;
  /** Kinds of log lines that somebody takes; none if absent. */
  readonly logs?: ReadonlySet<LogKind>;
}

/** What alerts show of what they are about, beside what they always do. */
export interface Shows {
  /** Header sections of requests. */
  readonly headers: boolean;
  /** The bytes of packets that were handed over whole. */
  readonly packet: boolean;
  /** The text of their rule. */
  readonly rule: boolean;
}

/** Bytes of a packet that an alert shows. */
const PACKET_MAX = 2048;

interface Loaded {
  /** Bits of Need. */
  readonly needs: number;
  readonly addresses: AddressMatcher;
  readonly rules: KnownRules;
  readonly evaluator: Evaluator;
  readonly figures: RuleFigures;
}

export interface JudgeCounts {
  /** Records read from the rings. */
  events: number;
  bulk: number;
  /** Events of a generation that is not known any more (left over from an earlier daemon). */
  unexplained: number;
  /** Records of layer 7 that hold no message of their protocol. */
  malformed: number;
  /** Alerts of engine-placed rules that were raised, and that a rate bound held back. */
  alerts: number;
  suppressed: number;
  /** Log lines that were written, and those that the main thread was too slow for. */
  lines: number;
  linesLost: number;
  /** HTTP requests that were logged without a response. */
  unanswered: number;
  /** Streams that were not judged to their depth. */
  brokenStreams: number;
  /** Rules that were given up on a message: too many steps. */
  limited: number;
  /** Flows that are remembered. */
  flows: number;
  /** Bits of addresses that rules have set, and those that were given up for want of room. */
  bits: number;
  bitsEvicted: number;
  /** Values in data sets, and values that packets were to add and there was no room for. */
  datasets: number;
  datasetsRefused: number;
}

export const noCounts: Readonly<JudgeCounts> = {
  ...{ events: 0, bulk: 0, unexplained: 0, malformed: 0, alerts: 0, suppressed: 0 },
  ...{ lines: 0, linesLost: 0, unanswered: 0, brokenStreams: 0, limited: 0, flows: 0, bits: 0, bitsEvicted: 0 },
  ...{ datasets: 0, datasetsRefused: 0 },
};

export class Judge {
  readonly counts: JudgeCounts = { ...noCounts };
  /** Monitor mode: engine-placed drops are computed and not done. */
  monitor = false;
  readonly layer7: Layer7;
  readonly #options: JudgeOptions;
  readonly #rates: Rates | undefined;
  readonly #loaded = new Map<number, Loaded>();
  #raised: Raised[] = [];
  /** Alerts of the kernel about packets that completed a message: places in `raised`. */
  #joins: { place: number; flowId: number; flow: number; time: number }[] = [];

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.layer7 = new Layer7(
      options,
      options.logs ?? new Set(),
      (...judged) => this.#judgeMessage(...judged),
      (generation, position) => this.#loaded.get(generation)?.rules.indexAt(position),
    );
    this.layer7.showsHeaders = options.shows?.headers ?? false;
    this.#rates = options.rates && new Rates(options.rates, Math.trunc(Math.random() * 2 ** 32));
  }

  /** Makes a rule set known, before the kernel uses it. Thresholds of equal rules go on. */
  install(program: RuleProgram): void {
    const newest = this.#newest();
    const rules = new KnownRules(program.rules, program.suppressed, program.ruleset.rules, this.#options.shows?.rule);
    this.#rates?.forgetRules();
    const figures = new RuleFigures(rules.length, program.figures);
    this.#use(program.generation, {
      needs: program.engine.needs,
      rules,
      addresses: createAddressMatcher(program.addresses, newest?.addresses),
      evaluator: createEvaluator(program.engine, newest?.evaluator, figures.profile),
      figures,
    });
  }

  /** Events of `generation` are explained by the set that explains those of `of`. */
  alias(generation: number, of: number): void {
    const loaded = this.#loaded.get(of);
    if (loaded) this.#use(generation, loaded);
  }

  #use(generation: number, loaded: Loaded): void {
    this.layer7.needsPayload = (loaded.needs & (Need.TO_SERVER | Need.TO_CLIENT)) !== 0;
    this.layer7.keepsRequests = (loaded.needs & Need.HTTP_RESPONSES) !== 0;
    // The one in use is the last.
    this.#loaded.delete(generation);
    this.#loaded.set(generation, loaded);
  }

  #newest(): Loaded | undefined {
    return [...this.#loaded.values()].at(-1);
  }

  /** Forgets rule sets older than `generation`: the rings have been drained past their events. */
  retire(generation: number): void {
    for (const known of this.#loaded.keys()) if (known < generation) this.#loaded.delete(known);
  }

  /** Brings the counts of layer 7 up to date. */
  count(): void {
    const { lines, http, flows, counts } = this.layer7;
    this.counts.brokenStreams = counts.brokenStreams;
    this.counts.limited = inspections.limited;
    this.counts.lines = lines.produced;
    this.counts.unanswered = http.counts.unanswered;
    this.counts.flows = flows;
    const bits = this.#newest()?.evaluator.bits.stats;
    this.counts.bits = bits?.held ?? 0;
    this.counts.bitsEvicted = bits?.evicted ?? 0;
    const sets = this.#newest()?.evaluator.datasets.stats;
    this.counts.datasets = sets?.held ?? 0;
    this.counts.datasetsRefused = sets?.refused ?? 0;
  }

  /** The data sets of the rules in force. */
  get datasets(): LiveDatasets | undefined {
    return this.#newest()?.evaluator.datasets;
  }

  /** What rules have changed in data sets that files keep, since the last call. */
  takeDatasetChanges(): readonly DatasetChange[] {
    const { changed } = lookups;
    if (changed.length > 0) lookups.changed = [];
    return changed;
  }

  /** What was raised since the last call: both rings have been drained before, so that alerts find their messages. */
  take(): Raised[] {
    const raised = this.#raised;
    for (const { place, ...packet } of this.#joins) {
      const one = raised[place];
      const shown = one && this.layer7.decidedAt(packet);
      if (shown) raised[place] = { ...one, detection: { ...one.detection, ...shown } };
    }
    this.#raised = [];
    this.#joins = [];
    return raised;
  }

  /** Reads one record of the alert ring at `at`. */
  onEvent(view: DataView, at: number): void {
    this.counts.events++;
    const event = readEvent(view, at);
    if (event.type === EventType.EVENT_REJECT) {
      const silent = this.#loaded.get(event.generation)?.rules.atPosition(event.rule);
      this.#options.reject?.(view, event, silent ? answeredBy(silent.info.reject, event) : sender);
      return;
    }
    if (event.type === EventType.EVENT_ANOMALY) return this.layer7.onAnomaly(view, at);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const detection = detectionOf(event, bytes, this.#options);
    const established = (event.flags & EventFlag.EVENT_ESTABLISHED) !== 0;
    if (event.type === EventType.EVENT_BLOCKED || event.type === EventType.EVENT_LISTED) {
      // What the list stage drops is judged by no rule set: its event carries no generation.
      const loaded = this.#loaded.get(event.generation) ?? this.#newest();
      const named = loaded ? this.#explain(loaded, event, bytes) : [];
      for (const raised of raiseListed(event, detection, named)) this.#raised.push({ ...raised, established });
      return;
    }
    if (event.type !== EventType.EVENT_ALERT) {
      if ((event.flags & EventFlag.EVENT_NEED_REJECT) !== 0 && (event.flags & EventFlag.EVENT_WOULD) === 0) {
        this.#options.reject?.(view, event, sender);
      }
      this.#raised.push({ detection, established });
      return;
    }
    const loaded = this.#loaded.get(event.generation);
    const rule = loaded?.rules.atPosition(event.rule);
    if (!rule) {
      this.counts.unexplained++;
      return;
    }
    const quiet = isSuppressed(rule.suppress, tupleOf(event, bytes));
    if (quiet) loaded?.figures.count(rule.index, 'silenced');
    this.#raiseRule(view, event, detection, rule, quiet);
  }

  /** @param suppressed the rule acts, and nobody is told but by the record of the drop */
  #raiseRule(view: DataView, event: EventRecord, detection: Draft, rule: KnownRule, suppressed: boolean): void {
    const { flags } = event;
    const final = (flags & EventFlag.EVENT_MATCHED_FINAL) !== 0;
    const acted = final && (flags & (EventFlag.EVENT_WOULD | EventFlag.EVENT_ALLOWLISTED)) === 0;
    const established = (flags & EventFlag.EVENT_ESTABLISHED) !== 0;
    detection.kind = 'alert';
    detection.rule = acted ? rule.blocked : rule.allowed;
    if (acted && (flags & EventFlag.EVENT_NEED_REJECT) !== 0)
      this.#options.reject?.(view, event, answeredBy(rule.info.reject, event));
    const { flowId, flow, time, app } = event;
    const drops = final && event.verdict !== Verdict.PASS;
    if (suppressed && !drops) return;
    if (flowId !== 0 && app !== 0) this.#joins.push({ place: this.#raised.length, flowId, flow, time });
    const quiet = rule.info.noalert || suppressed;
    this.#raised.push(quiet ? { detection, established, quiet } : { detection, established });
    // The packet's own record, as Suricata's drop log has it: one for the rule that decided.
    if (drops) this.#raised.push({ detection: { ...detection, kind: 'drop' }, established });
  }

  /** Reads one record of the bulk ring: `length` bytes at `at`. */
  onBulk(view: DataView, at: number, length: number): void {
    this.counts.bulk++;
    if (this.layer7.onRecord(view, at, length)) {
      this.counts.malformed = this.layer7.counts.malformed;
      return;
    }
    if (view.getUint8(at + EventLayout.type) !== EventType.EVENT_FLOW) {
      this.counts.unexplained++;
      return;
    }
    this.layer7.onFlowEnd(view, at);
    this.#options.onFlow?.(view, at);
  }

  /** Judges a message that layer 7 has put together; the record at `at` completed it. */
  #judgeMessage(message: Message, view: DataView, at: number, flow: Flow | undefined, show: () => Shown): void {
    const loaded = this.#loaded.get(view.getUint32(at + EventLayout.generation, true));
    if (!loaded) {
      this.counts.unexplained++;
      return;
    }
    const time = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    const packet = new RecordPacket(view, at, this.#options.flows);
    if (flow) flow.rules ??= new RuleState();
    const matches = loaded.evaluator.judge(message, packet, flow?.rules, time);
    if (matches.length === 0) return;
    const event = readEvent(view, at);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const shown = this.#options.shows?.packet ? ipPacket(view, bytes, at, PACKET_MAX) : undefined;
    const packetBytes = shown && { packetBytes: Buffer.from(shown).toString('base64') };
    const base = { ...detectionOf(event, bytes, this.#options), kind: 'alert' as const, ...show(), ...packetBytes };
    for (const match of matches) {
      const rule = loaded.rules.at(match.rule);
      if (rule) this.#raiseMessage(view, event, base, rule, this.#bounded(loaded, match, event, bytes), packet, flow);
    }
  }

  /** The address rules that match a packet of the list stage. */
  #explain(loaded: Loaded, event: EventRecord, bytes: Uint8Array): ListedRule[] {
    if (!rulesReadIt(event)) return [];
    return loaded.addresses.match(tupleOf(event, bytes), event.time).flatMap((match) => {
      const rule = loaded.rules.at(match.rule);
      return rule ? [{ match: this.#bounded(loaded, match, event, bytes), rule }] : [];
    });
  }

  /** Counts a match; one that a rate bound holds back acts, but does not alert. */
  #bounded({ figures }: Loaded, match: EngineMatch, event: EventRecord, bytes: Uint8Array): EngineMatch {
    const { rule } = match;
    figures.count(rule, 'matched');
    if (!match.alert) {
      if (match.silenced) figures.count(rule, 'silenced');
      return match;
    }
    const source = bytes.subarray(event.saddr, event.saddr + 16);
    const may = this.#rates?.mayAlert(rule, source, event.time) ?? true;
    figures.count(rule, may ? 'events' : 'suppressed');
    this.counts[may ? 'alerts' : 'suppressed']++;
    return may ? match : { ...match, alert: false };
  }

  #raiseMessage(
    view: DataView,
    event: EventRecord,
    base: Detection,
    rule: KnownRule,
    match: EngineMatch,
    packet: RecordPacket,
    flow: Flow | undefined,
  ): void {
    // A packet by itself has passed already, and nobody knows whether it is of the flow that it names.
    const wants = (match.action === Action.DROP || match.action === Action.REJECT) && !packet.apart;
    const allowlisted = (event.flags & EventFlag.EVENT_ALLOWLISTED) !== 0;
    const acts = wants && !allowlisted && !this.monitor;
    const rejects = acts && match.action === Action.REJECT;
    if (rejects && (this.#rates?.mayReject(event.time) ?? true))
      this.#options.reject?.(view, event, answeredBy(rule.info.reject, event));
    if (match.last && flow?.rules?.passed) {
      const pass = { flowId: flow.id, flow: flow.index, sid: rule.info.sid };
      this.#raised.push({ detection: base, established: false, pass, quiet: true });
    }
    if (!match.alert && !acts) return;
    if (event.flowId !== 0) this.#options.onAlerted?.(event.flow, event.flowId);
    this.#raised.push({
      detection: {
        ...base,
        would: wants && !allowlisted && this.monitor,
        reason: wants ? 'flow-cut' : base.reason,
        rule: acts ? rule.blocked : rule.allowed,
        ...(match.count > 0 ? { count: match.count } : {}),
        ...(match.context === undefined ? {} : { context: match.context }),
      },
      established: (event.flags & EventFlag.EVENT_ESTABLISHED) !== 0,
      ...(acts
        ? { cut: rejects && rule.info.reject.source ? { ...packet.tuple(), reject: true as const } : packet.tuple() }
        : {}),
      ...(match.alert ? {} : { quiet: true }),
    });
  }
}
