// SPDX-License-Identifier: Apache-2.0
// The engine's side of layer 7: what the records of the bulk ring say of flows, put together, judged and logged.

import { dnsObject } from '../../alerts/eve-dns.js';
import type { DetectionHttp, LogKind } from '../../alerts/index.js';
import {
  App,
  BytesFlag,
  BytesRecordLayout,
  EventLayout,
  EventType,
  HttpFlag,
  HttpLayout,
  L7Limit,
  MaskedLayout,
} from '../../common/abi.gen.js';
import {
  BufferId,
  BufferMessage,
  eventBytes,
  Kind,
  parseHttpRequest,
  parseHttpResponse,
  type HttpRequest,
  type HttpResponse,
  type Message,
} from '../../rules/index.js';
import type { EventContext } from '../judge/detection.js';
import { anomalyObject } from './anomalies.js';
import { parseDns, readAsked } from './dns.js';
import { dnsEvents, putDns } from './dns-buffers.js';
import { FlowStates, type Flow } from './flow-states.js';
import { HttpBodies } from './http-bodies.js';
import { HttpLog } from './http-log.js';
import { LineLog, type Stamp } from './line-log.js';
import { LogLines } from './log-lines.js';
import { PayloadStream, type PayloadBudget } from './payload.js';
import { RecordPool } from './record-copy.js';
import { requestShown, responseShown, type Judging, type Shown } from './shown.js';
import { TlsHandshakes } from './tls-flow.js';
import { isWhole, putHeaders, wholePayload } from './whole-packet.js';

const SECOND = 1e9;
const UDP = 17;
/** How long a request waits for its response, and a flow is remembered, without a word. */
const IDLE_NS = 120 * SECOND;
/** Payload of all flows together. */
const PAYLOAD_MAX = 256 << 20;

type RuleAt = (generation: number, position: number) => number | undefined;

export interface Layer7Counts {
  /** Records that hold no message of their protocol. */
  malformed: number;
  /** Streams that were not judged to their depth: bytes were missing, or there was no room. */
  brokenStreams: number;
}

/** Nanoseconds of the record at `at`. */
const timeOf = (view: DataView, at: number): number =>
  view.getUint32(at + EventLayout.time, true) + view.getUint32(at + EventLayout.time + 4, true) * 2 ** 32;

/** What a record of the ring showed, when its memory may be another's. */
function eager(view: DataView, at: number, shown: Shown): NonNullable<Flow['decided']> {
  return { time: timeOf(view, at), shown: () => shown };
}

/** Patterns that the kernel found in a section in which it has masked values since. */
function hitsOf(view: DataView, at: number, flags: number): readonly number[] | undefined {
  const count = view.getUint8(at + HttpLayout.hits);
  if ((flags & HttpFlag.HTTP_REDACTED) === 0 || count === 0) return undefined;
  const section = Math.ceil(view.getUint32(at + HttpLayout.length, true) / 8) * 8;
  const from = at + HttpLayout.SIZE + section + view.getUint8(at + HttpLayout.masked) * MaskedLayout.SIZE;
  return Array.from({ length: count }, (_, i) => view.getUint16(from + 2 * i, true));
}

export class Layer7 {
  readonly counts: Layer7Counts = { malformed: 0, brokenStreams: 0 };
  readonly lines: LogLines;
  readonly http: HttpLog;
  readonly pool = new RecordPool();
  /** Rules look at responses: their requests are kept for them. */
  keepsRequests = false;
  /** Rules look at payload. */
  needsPayload = false;
  /** Whether alerts show the header section of their request, as the kernel has masked it. */
  showsHeaders = false;
  readonly #log: LineLog;
  readonly #judge: Judging;
  readonly #ruleAt: RuleAt;
  readonly #message = new BufferMessage();
  readonly #flows: FlowStates;
  readonly #tls: TlsHandshakes;
  readonly #budget: PayloadBudget = { used: 0, max: PAYLOAD_MAX };
  /** When each waiting hello was said. */
  readonly #hellos = new Map<Flow, Stamp>();
  #bytes: Uint8Array = new Uint8Array(0);
  #swept = 0;

  /**
   * @param logs kinds of lines that an output takes
   * @param ruleAt the rule at a position of the kernel's table, as the evaluator numbers it
   */
  constructor(context: EventContext, logs: ReadonlySet<LogKind>, judge: Judging, ruleAt: RuleAt) {
    this.#judge = judge;
    this.#ruleAt = ruleAt;
    this.lines = new LogLines(logs);
    this.http = new HttpLog(this.lines, context, this.pool);
    this.#log = new LineLog(this.lines, context);
    this.#tls = new TlsHandshakes(judge, (flow, view, at, tls) => {
      if (flow) this.#hellos.delete(flow);
      if (this.#log.wants('tls')) this.#log.write('tls', this.#log.stamp(view, this.#bytes, at, flow), { tls });
    });
    this.#flows = new FlowStates((flow) => this.#onEnd(flow));
  }

  /** Flows that are remembered. */
  get flows(): number {
    return this.#flows.size;
  }

  #memory(view: DataView): Uint8Array {
    // The ring's memory stays the same: a view of it is made once.
    if (this.#bytes.buffer !== view.buffer || this.#bytes.byteOffset !== view.byteOffset) {
      this.#bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
    return this.#bytes;
  }

  /** The flow of the record at `at`; undefined if the kernel had no room for it. */
  flowOf(view: DataView, at: number): Flow | undefined {
    const id =
      view.getUint32(at + EventLayout.flowId, true) + view.getUint32(at + EventLayout.flowId + 4, true) * 2 ** 32;
    if (id === 0) return undefined;
    return this.#flows.get(id, view.getUint32(at + EventLayout.flow, true), timeOf(view, at));
  }

  /** Reads one record of the bulk ring; false if it is none of layer 7. */
  onRecord(view: DataView, at: number, length: number): boolean {
    const bytes = this.#memory(view);
    switch (bytes[at + EventLayout.type]) {
      case EventType.EVENT_HTTP:
        this.#onHttp(view, bytes, at, length);
        return true;
      case EventType.EVENT_PAYLOAD:
        this.#onPayload(view, bytes, at);
        return true;
      case EventType.EVENT_TLS: {
        const flow = this.flowOf(view, at);
        const toClient = bytes[at + EventLayout.direction] === 1;
        const decided = this.#decidedOf(view, at, BytesRecordLayout);
        if (!this.#tls.onRecord(view, bytes, at, toClient, flow, decided)) this.counts.malformed++;
        if (flow?.tls?.due) this.#hellos.set(flow, this.#log.stamp(view, bytes, at, flow));
        return true;
      }
      case EventType.EVENT_DNS:
        this.#onDns(view, bytes, at);
        return true;
      default:
        return false;
    }
  }

  #onHttp(view: DataView, bytes: Uint8Array, at: number, length: number): void {
    const flags = view.getUint32(at + HttpLayout.flags, true);
    const flow = this.flowOf(view, at);
    const response = (flags & HttpFlag.HTTP_RESPONSE) !== 0;
    // What nobody asked for in particular came because every head is wanted.
    if ((flags & (HttpFlag.HTTP_LOGGED | HttpFlag.HTTP_WANTED)) !== HttpFlag.HTTP_LOGGED) {
      if (response) this.#judgeResponse(view, bytes, at, flags, flow);
      else this.#judgeRequest(view, bytes, at, flags, flow);
    } else if ((flags & HttpFlag.HTTP_DECIDED) !== 0 && flow) {
      flow.decided = eager(view, at, this.#shownOf(view, bytes, at, response, flow));
    }
    // A response settles what its request waits for, also when it is not selected itself.
    const settles = response && flow !== undefined && flow.waiting.length > 0;
    const keeps = !response && this.keepsRequests && flow !== undefined;
    if ((flags & HttpFlag.HTTP_LOGGED) !== 0 || settles || keeps) this.http.onHead(view, bytes, at, length, flow);
  }

  #sectionOf(view: DataView, bytes: Uint8Array, at: number): Uint8Array {
    const from = at + HttpLayout.SIZE;
    return bytes.subarray(from, from + view.getUint32(at + HttpLayout.length, true));
  }

  #judgeRequest(view: DataView, bytes: Uint8Array, at: number, flags: number, flow: Flow | undefined): void {
    const section = this.#sectionOf(view, bytes, at);
    const request = parseHttpRequest(section);
    if (!request) {
      this.counts.malformed++;
      return;
    }
    request.number = view.getUint32(at + HttpLayout.message, true);
    request.decided = this.#decidedOf(view, at);
    request.hits = hitsOf(view, at, flags);
    const shown = (): Shown => ({ http: this.#requestShown(request, section) });
    if ((flags & HttpFlag.HTTP_DECIDED) !== 0 && flow) flow.decided = eager(view, at, shown());
    this.#judge(this.#withPayload(request, section, flow?.toServer), view, at, flow, shown);
  }

  #judgeResponse(view: DataView, bytes: Uint8Array, at: number, flags: number, flow: Flow | undefined): void {
    const section = this.#sectionOf(view, bytes, at);
    const response = parseHttpResponse(section);
    if (!response) {
      this.counts.malformed++;
      return;
    }
    response.number = view.getUint32(at + HttpLayout.message, true);
    response.decided = this.#decidedOf(view, at);
    response.hits = hitsOf(view, at, flags);
    if ((flags & HttpFlag.HTTP_DECIDED) !== 0 && flow) {
      flow.decided = eager(view, at, this.#shownOf(view, bytes, at, true, flow));
    }
    const judged = this.#withPayload(response, section, flow?.toClient);
    this.#judge(judged, view, at, flow, () => this.#shownOf(view, bytes, at, true, flow));
  }

  /** A head for rules that look at the payload as well: what its direction has sent, or at least the head itself. */
  #withPayload(head: HttpRequest | HttpResponse, section: Uint8Array, stream: PayloadStream | undefined): Message {
    if (!this.needsPayload) return head;
    const message = this.#message.begin(head.kind, head);
    return message.put(BufferId.PAYLOAD, stream?.bytes ?? section, stream?.last !== true);
  }

  /** Rules that the kernel has matched on the section, as the evaluator numbers them. */
  #decidedOf(
    view: DataView,
    at: number,
    layout: { decided: number; rule: number } = HttpLayout,
  ): readonly number[] | undefined {
    const count = Math.min(view.getUint8(at + layout.decided), L7Limit.DECIDED);
    if (count === 0) return undefined;
    const generation = view.getUint32(at + EventLayout.generation, true);
    const rules: number[] = [];
    for (let i = 0; i < count; i++) {
      const rule = this.#ruleAt(generation, view.getUint16(at + layout.rule + 2 * i, true));
      if (rule !== undefined) rules.push(rule);
    }
    return rules;
  }

  #requestShown(request: HttpRequest, section: Uint8Array): DetectionHttp {
    return requestShown(request, this.showsHeaders ? section : undefined);
  }

  #shownOf(view: DataView, bytes: Uint8Array, at: number, response: boolean, flow: Flow | undefined): Shown {
    const section = this.#sectionOf(view, bytes, at);
    if (!response) {
      const request = parseHttpRequest(section);
      return request ? { http: this.#requestShown(request, section) } : {};
    }
    const number = view.getUint32(at + HttpLayout.message, true);
    const asked = flow?.waiting.find((one) => one.view.getUint32(HttpLayout.message, true) === number);
    const head = asked && this.#sectionOf(asked.view, asked.bytes, 0);
    const request = head && parseHttpRequest(head);
    return { http: { ...responseShown(section), ...(request ? this.#requestShown(request, head) : {}) } };
  }

  #onPayload(view: DataView, bytes: Uint8Array, at: number): void {
    const flags = view.getUint32(at + BytesRecordLayout.flags, true);
    const length = view.getUint32(at + BytesRecordLayout.length, true);
    const from = at + BytesRecordLayout.SIZE;
    const flow = this.flowOf(view, at);
    if (isWhole(view, at)) return this.#onWhole(view, bytes, at, flow);
    if ((flags & BytesFlag.BYTES_PACKET) !== 0 || !flow) {
      const message = this.#message.begin(Kind.PACKET).put(BufferId.PAYLOAD, bytes.subarray(from, from + length));
      this.#judge(message, view, at, flow, () => ({}));
      return;
    }
    const toClient = bytes[at + EventLayout.direction] === 1;
    let stream = toClient ? flow.toClient : flow.toServer;
    if (stream && (flags & BytesFlag.BYTES_ANEW) !== 0) {
      stream.end();
      stream = undefined;
      flow.bodies = undefined;
      flow.rules?.beginAgain(toClient ? 1 : 0);
    }
    if (!stream) {
      stream = new PayloadStream(this.#budget);
      if (toClient) flow.toClient = stream;
      else flow.toServer = stream;
    }
    const before = stream.length;
    const offset = view.getUint32(at + BytesRecordLayout.offset, true);
    if ((flags & BytesFlag.BYTES_LAST) !== 0) stream.total = offset + length;
    // What is missing for good is not waited for.
    if ((flags & BytesFlag.BYTES_GAP) !== 0 && offset > stream.length) stream.broken = true;
    const grown = stream.add(bytes, from, length, offset);
    if ((grown === 'gap' || grown === 'full') && !stream.told) {
      stream.told = true;
      this.counts.brokenStreams++;
    }
    if ((flags & BytesFlag.BYTES_AGAIN) !== 0 && grown !== 'more') {
      const repeated = this.#message.begin(Kind.STREAM).put(BufferId.PAYLOAD, bytes.subarray(from, from + length));
      repeated.repeated = true;
      this.#judge(repeated, view, at, flow, () => ({}));
      return;
    }
    if (grown !== 'more' && !stream.last) return;
    const message = this.#message.begin(Kind.STREAM).put(BufferId.PAYLOAD, stream.bytes, !stream.last);
    message.fresh = before;
    this.#judge(message, view, at, flow, () => ({}));
    if (bytes[at + EventLayout.app] !== App.HTTP && !flow.bodies) return;
    flow.bodies ??= new HttpBodies();
    flow.bodies.onGrown(stream, toClient, view, at, flow, this.#judge);
  }

  /** A packet with its headers: judged on its payload as others, and then on both. */
  #onWhole(view: DataView, bytes: Uint8Array, at: number, flow: Flow | undefined): void {
    const payload = wholePayload(view, bytes, at);
    if (payload) {
      this.#judge(this.#message.begin(Kind.PACKET).put(BufferId.PAYLOAD, payload), view, at, flow, () => ({}));
    }
    const message = this.#message.begin(Kind.HEADERS);
    putHeaders(message, view, bytes, at);
    if (payload) message.put(BufferId.PAYLOAD, payload);
    this.#judge(message, view, at, flow, () => ({}));
  }

  #onDns(view: DataView, bytes: Uint8Array, at: number): void {
    const from = at + BytesRecordLayout.SIZE;
    const flags = view.getUint32(at + BytesRecordLayout.flags, true);
    const content = bytes.subarray(from, from + view.getUint32(at + BytesRecordLayout.length, true));
    // Of a plain query nobody mostly wants to see more than rules do.
    const asked = readAsked(content);
    const copy = asked && content.slice();
    let read = asked ? undefined : parseDns(content).message;
    if (!asked && !read) {
      this.counts.malformed++;
      return;
    }
    const flow = this.flowOf(view, at);
    const toServer = bytes[at + EventLayout.direction] === 0;
    const number = flow ? flow.messages++ : 0;
    const shown = (): Shown => {
      read ??= parseDns(copy ?? content).message;
      return read ? { dns: dnsObject(read, number, toServer) } : {};
    };
    const cut = (flags & BytesFlag.BYTES_TRUNCATED) !== 0;
    const judged = this.#message.begin(toServer ? Kind.DNS_QUERY : Kind.DNS_ANSWER);
    judged.decided = this.#decidedOf(view, at, BytesRecordLayout);
    const looked = asked ?? read;
    if (looked) putDns(judged, looked, cut);
    judged.offer(BufferId.DNS_EVENT, () => dnsEvents(content, toServer, cut));
    const stream = toServer ? flow?.toServer : flow?.toClient;
    if (stream) judged.put(BufferId.PAYLOAD, stream.bytes, !stream.last);
    else if (bytes[at + EventLayout.proto] === UDP) judged.put(BufferId.PAYLOAD, content, cut);
    if (flow) flow.decided = { time: timeOf(view, at), shown };
    this.#judge(judged, view, at, flow, shown);
    if ((flags & BytesFlag.BYTES_LOGGED) === 0 || !this.#log.wants('dns')) return;
    this.#log.write('dns', this.#log.stamp(view, bytes, at, flow), { ...shown() });
  }

  /** What the kernel judged with this very packet, if its record has been read. */
  decidedAt({ flowId, flow, time }: { flowId: number; flow: number; time: number }): Shown | undefined {
    const decided = this.#flows.find(flowId, flow)?.decided;
    return decided?.time === time ? decided.shown() : undefined;
  }

  /** Something is wrong with a stream: the record at `at` of the alert ring. */
  onAnomaly(view: DataView, at: number): void {
    const flag = view.getUint16(at + EventLayout.rule, true);
    const flow = this.flowOf(view, at);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const anomaly = anomalyObject(flag, bytes[at + EventLayout.app] ?? 0);
    const message = this.#message.begin(Kind.ANOMALY).put(BufferId.STREAM_EVENT, eventBytes(flag));
    this.#judge(message, view, at, flow, () => ({}));
    if (!this.#log.wants('anomaly')) return;
    this.#log.write('anomaly', this.#log.stamp(view, bytes, at, flow), { anomaly });
  }

  /** A flow that the kernel says is over. */
  onFlowEnd(view: DataView, at: number): void {
    const id =
      view.getUint32(at + EventLayout.flowId, true) + view.getUint32(at + EventLayout.flowId + 4, true) * 2 ** 32;
    const flow = this.#flows.find(id, view.getUint32(at + EventLayout.flow, true));
    if (flow) this.#flows.end(flow);
  }

  #onEnd(flow: Flow): void {
    this.http.onEnd(flow);
    flow.toServer?.end();
    flow.toClient?.end();
    const stamp = this.#hellos.get(flow);
    if (!stamp) return;
    this.#hellos.delete(flow);
    const tls = this.#tls.unanswered(flow);
    if (tls && this.#log.wants('tls')) this.#log.write('tls', stamp, { tls });
  }

  /** Forgets flows that nothing was heard of for long. @param time of the kernel's clock, nanoseconds */
  sweep(time: number): void {
    if (time - this.#swept < SECOND) return;
    this.#swept = time;
    this.#flows.sweep(time - IDLE_NS);
  }

  /** The end of all flows. */
  close(): void {
    this.#flows.sweep(Infinity);
  }
}
