// SPDX-License-Identifier: Apache-2.0
// Turns ring records into detections: explains what the kernel decided, evaluates what it could not. One for each ring
// reader, live or replay; it keeps the programs of rule sets whose events may still be in the rings.

import type { Detection } from '../../alerts/index.js';
import {
  Action,
  EventFlag,
  EventType,
  HttpLayout,
  readEvent,
  readHttp,
  type EventRecord,
} from '../../common/abi.gen.js';
import {
  createEvaluator,
  parseHttpRequest,
  type EngineProgram,
  type Evaluator,
  type HttpRequest,
  type RuleInfo,
} from '../../rules/index.js';
import { detectionOf, ruleOf, type EventContext } from './detection.js';
import { fieldsOf, tupleOf, type FlowTuple } from './flow-tuple.js';

/** Everything that explains the events of one generation; structured-cloneable. */
export interface RuleProgram {
  readonly generation: number;
  readonly rules: readonly RuleInfo[];
  readonly engine: EngineProgram;
}

/** A detection and what the response needs to know about it. */
export interface Raised {
  readonly detection: Detection;
  /** The kernel saw an established socket with this peer and the packet in its window: the source is no forgery. */
  readonly established: boolean;
  /** Blocklist origin that dropped the packet, by index. */
  readonly origin?: number;
  /** The flow that an engine-placed drop or reject cuts. */
  readonly cut?: FlowTuple;
  /** The engine has to answer a reject: XDP_TX does not reach the peer, or the rule names the destination. */
  readonly reject?: { readonly source: boolean; readonly destination: boolean; readonly event: Uint8Array };
}

interface Loaded {
  readonly program: RuleProgram;
  readonly byPosition: ReadonlyMap<number, RuleInfo>;
  readonly evaluator: Evaluator;
}

export interface JudgeCounts {
  /** Records read from the rings. */
  events: number;
  bulk: number;
  /** Events of a generation that is not known any more (left over from an earlier daemon). */
  unexplained: number;
  /** HTTP records that hold no request. */
  malformed: number;
}

export class Judge {
  readonly counts: JudgeCounts = { events: 0, bulk: 0, unexplained: 0, malformed: 0 };
  /** Monitor mode: engine-placed drops are computed and not done. */
  monitor = false;
  readonly #context: EventContext;
  readonly #loaded = new Map<number, Loaded>();
  #raised: Raised[] = [];

  constructor(context: EventContext) {
    this.#context = context;
  }

  /** Makes a rule set known, before the kernel uses it. Thresholds of equal rules go on. */
  install(program: RuleProgram): void {
    const newest = [...this.#loaded.values()].at(-1);
    const byPosition = new Map<number, RuleInfo>();
    for (const rule of program.rules) for (const position of rule.positions) byPosition.set(position, rule);
    const evaluator = createEvaluator(program.engine, newest?.evaluator);
    this.#loaded.set(program.generation, { program, byPosition, evaluator });
  }

  /** Forgets rule sets older than `generation`: the rings have been drained past their events. */
  retire(generation: number): void {
    for (const known of this.#loaded.keys()) if (known < generation) this.#loaded.delete(known);
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
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const detection = detectionOf(event, bytes, this.#context);
    const established = (event.flags & EventFlag.EVENT_ESTABLISHED) !== 0;
    if (event.type !== EventType.EVENT_ALERT) {
      const origin = event.type === EventType.EVENT_BLOCKED ? { origin: event.origin } : {};
      this.#raised.push({ detection, established, ...origin });
      return;
    }
    const rule = this.#loaded.get(event.generation)?.byPosition.get(event.rule);
    if (!rule) this.counts.unexplained++;
    else this.#raiseRule(event, bytes.slice(at, at + HttpLayout.length), detection, rule, established);
  }

  #raiseRule(event: EventRecord, copy: Uint8Array, detection: Detection, rule: RuleInfo, established: boolean): void {
    const final = (event.flags & EventFlag.EVENT_MATCHED_FINAL) !== 0;
    const acted = final && (event.flags & (EventFlag.EVENT_WOULD | EventFlag.EVENT_ALLOWLISTED)) === 0;
    const withRule: Detection = { ...detection, kind: 'alert', rule: ruleOf(rule, acted) };
    const reject =
      acted && (event.flags & EventFlag.EVENT_NEED_REJECT) !== 0 ? { reject: { ...rule.reject, event: copy } } : {};
    if (!rule.noalert) this.#raised.push({ detection: withRule, established, ...reject });
    // The packet's own record, as Suricata's drop log has it: one for the rule that decided.
    if (final)
      this.#raised.push({ detection: { ...withRule, kind: 'drop' }, established, ...(rule.noalert ? reject : {}) });
  }

  /** Reads one record of the bulk ring at `at`. */
  onBulk(view: DataView, at: number): void {
    this.counts.bulk++;
    const record = readHttp(view, at);
    const loaded = this.#loaded.get(record.event.generation);
    if (!loaded) {
      this.counts.unexplained++;
      return;
    }
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const from = at + HttpLayout.SIZE;
    const request = parseHttpRequest(bytes.subarray(from, from + record.length));
    if (!request) {
      this.counts.malformed++;
      return;
    }
    const tuple = tupleOf(record.event, bytes);
    const matches = loaded.evaluator.http(request, { ...tuple, field: fieldsOf(record.event) }, record.event.time);
    for (const match of matches) {
      const rule = loaded.program.rules[match.rule];
      if (rule) this.#raiseHttp(record.event, bytes, at, request, rule, match, tuple);
    }
  }

  #raiseHttp(
    event: EventRecord,
    bytes: Uint8Array,
    at: number,
    request: HttpRequest,
    rule: RuleInfo,
    match: { readonly action: Action; readonly alert: boolean; readonly count: number },
    tuple: FlowTuple,
  ): void {
    const wants = match.action === Action.DROP || match.action === Action.REJECT;
    const allowlisted = (event.flags & EventFlag.EVENT_ALLOWLISTED) !== 0;
    const acts = wants && !allowlisted && !this.monitor;
    const base = detectionOf(event, bytes, this.#context);
    const detection: Detection = {
      ...base,
      kind: 'alert',
      would: wants && this.monitor && !allowlisted,
      reason: wants ? 'flow-cut' : base.reason,
      rule: ruleOf(rule, acts),
      http: httpOf(request),
      ...(match.count > 0 ? { count: match.count } : {}),
    };
    const effects = {
      ...(acts ? { cut: tuple } : {}),
      ...(acts && match.action === Action.REJECT
        ? { reject: { ...rule.reject, event: bytes.slice(at, at + HttpLayout.length) } }
        : {}),
    };
    const established = (event.flags & EventFlag.EVENT_ESTABLISHED) !== 0;
    if (match.alert || acts) this.#raised.push({ detection, established, ...effects });
  }
}

function httpOf(request: HttpRequest): NonNullable<Detection['http']> {
  const text = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
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
