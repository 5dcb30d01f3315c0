// SPDX-License-Identifier: Apache-2.0
// Turns ring records into detections: explains what the kernel decided, evaluates what it could not. One for each ring
// reader, live or replay; it keeps the programs of rule sets whose events may still be in the rings.

import { printable, type Detection, type DetectionHttp, type LogKind } from '../../alerts/index.js';
import {
  Action,
  EventFlag,
  EventLayout,
  EventType,
  HttpFlag,
  HttpLayout,
  Verdict,
  readEvent,
  readHttp,
  type EventRecord,
} from '../../common/abi.gen.js';
import {
  createAddressMatcher,
  createEvaluator,
  parseHttpRequest,
  type AddressMatcher,
  type AddressProgram,
  type EngineMatch,
  type EngineProgram,
  type Evaluator,
  type HttpRequest,
  type RejectSides,
  type RuleInfo,
} from '../../rules/index.js';
import { Layer7 } from '../layer7/layer7.js';
import { detectionOf, ruleOf, type EventContext } from './detection.js';
import { fieldsOf, tupleOf, type FlowTuple } from './flow-tuple.js';
import { raiseListed, rulesReadIt, type KnownRule, type ListedRule } from './listed.js';
import { Rates, type RateLimits } from './rates.js';
import { RuleFigures } from './rule-figures.js';

/** Everything that explains the events of one generation; structured-cloneable. */
export interface RuleProgram {
  readonly generation: number;
  readonly rules: readonly RuleInfo[];
  readonly engine: EngineProgram;
  readonly addresses: AddressProgram;
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
  /** A threshold or `noalert` keeps it from the outputs; only the response looks at it. */
  readonly quiet?: true;
}

export interface JudgeOptions extends EventContext {
  /** Answers a reject that XDP_TX could not: it does not reach the peer, or the rule names the destination. */
  readonly reject?: (view: DataView, event: EventRecord, sides: RejectSides) => void;
  /** Bounds of what engine-placed rules raise; in replay there are none. */
  readonly rates?: RateLimits;
  /** Kinds of log lines that somebody takes; none if absent. */
  readonly logs?: ReadonlySet<LogKind>;
}

interface Loaded {
  readonly addresses: AddressMatcher;
  readonly rules: readonly KnownRule[];
  readonly byPosition: ReadonlyMap<number, KnownRule>;
  readonly evaluator: Evaluator;
  readonly figures: RuleFigures;
}

export interface JudgeCounts {
  /** Records read from the rings. */
  events: number;
  bulk: number;
  /** Events of a generation that is not known any more (left over from an earlier daemon). */
  unexplained: number;
  /** HTTP records that hold no request. */
  malformed: number;
  /** Alerts of engine-placed rules that were raised, and that a rate bound held back. */
  alerts: number;
  suppressed: number;
  /** Log lines that were written, and those that the main thread was too slow for. */
  lines: number;
  linesLost: number;
  /** HTTP requests that were logged without a response. */
  unanswered: number;
  /** Flows that are remembered. */
  flows: number;
}

export const noCounts: Readonly<JudgeCounts> = {
  ...{ events: 0, bulk: 0, unexplained: 0, malformed: 0, alerts: 0, suppressed: 0 },
  ...{ lines: 0, linesLost: 0, unanswered: 0, flows: 0 },
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
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.layer7 = new Layer7(options, options.logs ?? new Set());
    this.#rates = options.rates && new Rates(options.rates, Math.trunc(Math.random() * 2 ** 32));
  }

  /** Makes a rule set known, before the kernel uses it. Thresholds of equal rules go on. */
  install(program: RuleProgram): void {
    const newest = this.#newest();
    const rules = program.rules.map((info) => ({ info, allowed: ruleOf(info, false), blocked: ruleOf(info, true) }));
    const byPosition = new Map<number, KnownRule>();
    for (const rule of rules) for (const position of rule.info.positions) byPosition.set(position, rule);
    this.#rates?.forgetRules();
    this.#loaded.set(program.generation, {
      rules,
      byPosition,
      addresses: createAddressMatcher(program.addresses, newest?.addresses),
      evaluator: createEvaluator(program.engine, newest?.evaluator),
      figures: new RuleFigures(rules.length, program.figures),
    });
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
    const { lines, http, flows } = this.layer7;
    this.counts.lines = lines.produced;
    this.counts.unanswered = http.counts.unanswered;
    this.counts.flows = flows;
  }

  /** What was raised since the last call. */
  take(): Raised[] {
    const raised = this.#raised;
    this.#raised = [];
    return raised;
  }

  /** Reads one record of the alert ring at `at`. */
  onEvent(view: DataView, at: number): void {
    this.counts.events++;
    const event = readEvent(view, at);
    if (event.type === EventType.EVENT_REJECT) {
      const silent = this.#loaded.get(event.generation)?.byPosition.get(event.rule);
      this.#options.reject?.(view, event, silent?.info.reject ?? { source: true, destination: false });
      return;
    }
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
        this.#options.reject?.(view, event, { source: true, destination: false });
      }
      this.#raised.push({ detection, established });
      return;
    }
    const rule = this.#loaded.get(event.generation)?.byPosition.get(event.rule);
    if (!rule) this.counts.unexplained++;
    else this.#raiseRule(view, event, detection, rule);
  }

  #raiseRule(view: DataView, event: EventRecord, detection: Detection, rule: KnownRule): void {
    const { flags } = event;
    const final = (flags & EventFlag.EVENT_MATCHED_FINAL) !== 0;
    const acted = final && (flags & (EventFlag.EVENT_WOULD | EventFlag.EVENT_ALLOWLISTED)) === 0;
    const established = (flags & EventFlag.EVENT_ESTABLISHED) !== 0;
    const named: Detection = { ...detection, kind: 'alert', rule: acted ? rule.blocked : rule.allowed };
    if (acted && (flags & EventFlag.EVENT_NEED_REJECT) !== 0) this.#options.reject?.(view, event, rule.info.reject);
    this.#raised.push({ detection: named, established, ...(rule.info.noalert ? { quiet: true } : {}) });
    // The packet's own record, as Suricata's drop log has it: one for the rule that decided.
    if (final && event.verdict !== Verdict.PASS)
      this.#raised.push({ detection: { ...named, kind: 'drop' }, established });
  }

  /** Reads one record of the bulk ring: `length` bytes at `at`. */
  onBulk(view: DataView, at: number, length: number): void {
    this.counts.bulk++;
    // The ring's memory stays the same: a view of it is made once.
    if (this.#bytes.buffer !== view.buffer || this.#bytes.byteOffset !== view.byteOffset) {
      this.#bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
    switch (view.getUint8(at + EventLayout.type)) {
      case EventType.EVENT_HTTP:
        return this.#onHttp(view, at, length);
      case EventType.EVENT_FLOW:
        return this.layer7.onFlowEnd(view, at);
      default:
        this.counts.unexplained++;
    }
  }

  #onHttp(view: DataView, at: number, length: number): void {
    const bytes = this.#bytes;
    const flags = view.getUint32(at + HttpLayout.flags, true);
    const time = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    this.layer7.onHttp(view, bytes, at, length, this.layer7.flowOf(view, at, time));
    if ((flags & HttpFlag.HTTP_RESPONSE) !== 0) return;
    if ((flags & (HttpFlag.HTTP_LOGGED | HttpFlag.HTTP_WANTED)) !== HttpFlag.HTTP_LOGGED)
      this.#judgeHttp(view, bytes, at);
  }

  #judgeHttp(view: DataView, bytes: Uint8Array, at: number): void {
    const record = readHttp(view, at);
    const loaded = this.#loaded.get(record.event.generation);
    if (!loaded) {
      this.counts.unexplained++;
      return;
    }
    const from = at + HttpLayout.SIZE;
    const request = parseHttpRequest(bytes.subarray(from, from + record.length));
    if (!request) {
      this.counts.malformed++;
      return;
    }
    const { event } = record;
    const tuple = tupleOf(event, bytes);
    const matches = loaded.evaluator.judge(request, { ...tuple, field: fieldsOf(event) }, undefined, event.time);
    if (matches.length === 0) return;
    const base = { ...detectionOf(event, bytes, this.#options), kind: 'alert' as const, http: httpOf(request) };
    for (const match of matches) {
      const rule = loaded.rules[match.rule];
      if (rule) this.#raiseHttp(view, event, base, rule, this.#bounded(loaded, match, event, bytes), tuple);
    }
  }

  /** The address rules that match a packet of the list stage. */
  #explain(loaded: Loaded, event: EventRecord, bytes: Uint8Array): ListedRule[] {
    if (!rulesReadIt(event)) return [];
    return loaded.addresses.match(tupleOf(event, bytes), event.time).flatMap((match) => {
      const rule = loaded.rules[match.rule];
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

  #raiseHttp(
    view: DataView,
    event: EventRecord,
    base: Detection,
    rule: KnownRule,
    match: EngineMatch,
    tuple: FlowTuple,
  ): void {
    const wants = match.action === Action.DROP || match.action === Action.REJECT;
    const allowlisted = (event.flags & EventFlag.EVENT_ALLOWLISTED) !== 0;
    const acts = wants && !allowlisted && !this.monitor;
    const rejects = acts && match.action === Action.REJECT;
    if (rejects && (this.#rates?.mayReject(event.time) ?? true)) this.#options.reject?.(view, event, rule.info.reject);
    if (!match.alert && !acts) return;
    this.#raised.push({
      detection: {
        ...base,
        would: wants && !allowlisted && this.monitor,
        reason: wants ? 'flow-cut' : base.reason,
        rule: acts ? rule.blocked : rule.allowed,
        ...(match.count > 0 ? { count: match.count } : {}),
      },
      established: (event.flags & EventFlag.EVENT_ESTABLISHED) !== 0,
      ...(acts ? { cut: rejects && rule.info.reject.source ? { ...tuple, reject: true as const } : tuple } : {}),
      ...(match.alert ? {} : { quiet: true }),
    });
  }
}

function httpOf(request: HttpRequest): DetectionHttp {
  const text = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : printable(bytes);
  const entries = {
    hostname: text(request.host),
    url: text(request.rawUri),
    method: text(request.method),
    protocol: text(request.protocol),
    userAgent: text(request.userAgent),
    referer: text(request.referer),
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
