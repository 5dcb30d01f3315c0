// SPDX-License-Identifier: Apache-2.0
// Puts requests and responses together: a transaction is logged once, when its response came, when its flow ended, or
// when it waited for too long.

import { EventLayout, HttpFlag, HttpLayout } from '../../common/abi.gen.js';
import type { EventContext } from '../judge/detection.js';
import { ascii } from './byte-writer.js';
import { beginLine, flowHead, type FlowHead } from './flow-head.js';
import type { Flow } from './flow-states.js';
import { HttpChoice } from './http-choice.js';
import { httpFields, type HeaderLines, type HeadRecord } from './http-line.js';
import type { LogLines } from './log-lines.js';
import type { RecordCopy, RecordPool } from './record-copy.js';
import type { HttpSelection } from './selection.js';

const KIND = ascii(',"event_type":"http"');
const TX_ID = ascii(',"tx_id":');
/** Requests of one flow that may wait; a client that pipelines more gets its oldest logged without an answer. */
const MAX_WAITING = 64;

export interface HttpLogCounts {
  /** Transactions that were logged, and those of them without a response. */
  logged: number;
  unanswered: number;
}

/** What is logged of which transactions. */
export interface HttpLogSettings {
  readonly headers: HeaderLines;
  /** Which transactions. */
  readonly selection: HttpSelection;
}

export class HttpLog {
  readonly counts: HttpLogCounts = { logged: 0, unanswered: 0 };
  #headers: HeaderLines = 'none';
  #choice = new HttpChoice({});
  readonly #lines: LogLines;
  readonly #context: EventContext;
  readonly #pool: RecordPool;

  constructor(lines: LogLines, context: EventContext, pool: RecordPool) {
    this.#lines = lines;
    this.#context = context;
    this.#pool = pool;
  }

  /** In force from the next transaction on. */
  set settings({ headers, selection }: HttpLogSettings) {
    this.#headers = headers;
    this.#choice = new HttpChoice(selection);
  }

  /** A header section that the log selected, or that settles one; `length` bytes of record. Without a flow a request has no response. */
  onHead(view: DataView, bytes: Uint8Array, at: number, length: number, flow: Flow | undefined): void {
    const flags = view.getUint32(at + HttpLayout.flags, true);
    if ((flags & HttpFlag.HTTP_RESPONSE) !== 0) this.#onResponse({ view, bytes, at }, flow);
    else this.#onRequest({ view, bytes, at }, length, flow);
  }

  #onRequest(record: HeadRecord, length: number, flow: Flow | undefined): void {
    if (flow) {
      this.#forgetRefused(flow, record.view.getUint32(record.at + HttpLayout.message, true));
      if (flow.waiting.length >= MAX_WAITING) this.#giveUp(flow, flow.waiting.shift());
      const copy = this.#pool.take(record.bytes, record.at, length);
      if (copy) {
        flow.waiting.push(copy);
        return;
      }
    }
    this.#unanswered(record, flow);
  }

  /** Requests whose number comes again: they came with a SYN, the server has not taken them, and they are sent again. */
  #forgetRefused({ waiting }: Flow, message: number): void {
    for (let last = waiting.at(-1); last; last = waiting.at(-1)) {
      if (last.view.getUint32(HttpLayout.message, true) < message) return;
      waiting.pop();
      this.#pool.give(last);
    }
  }

  #onResponse(record: HeadRecord, flow: Flow | undefined): void {
    const { view, at } = record;
    const status = view.getUint16(at + HttpLayout.status, true);
    // An interim response: the one that counts comes behind it.
    if (status < 200 && status > 0 && status !== 101) return;
    const message = view.getUint32(at + HttpLayout.message, true);
    const request = flow && this.#requestOf(flow, message);
    if ((view.getUint32(at + HttpLayout.flags, true) & HttpFlag.HTTP_LOGGED) !== 0) {
      this.#write(request && { view: request.view, bytes: request.bytes, at: 0 }, record, flow);
    }
    if (request) this.#pool.give(request);
  }

  /** The waiting request of this number. Those before it will not be answered any more. */
  #requestOf(flow: Flow, message: number): RecordCopy | undefined {
    const { waiting } = flow;
    while (waiting.length > 0) {
      const first = waiting[0] as RecordCopy;
      const number = first.view.getUint32(HttpLayout.message, true);
      if (number > message) return undefined;
      waiting.shift();
      if (number === message) return first;
      this.#giveUp(flow, first);
    }
    return undefined;
  }

  #giveUp(flow: Flow, request: RecordCopy | undefined): void {
    if (!request) return;
    this.#unanswered({ view: request.view, bytes: request.bytes, at: 0 }, flow);
    this.#pool.give(request);
  }

  #unanswered(record: HeadRecord, flow: Flow | undefined): void {
    const logged = (record.view.getUint32(record.at + HttpLayout.flags, true) & HttpFlag.HTTP_LOGGED) !== 0;
    if (logged && this.#write(record, undefined, flow)) this.counts.unanswered++;
  }

  /** The flow is over: what waits is logged as it is. */
  onEnd(flow: Flow): void {
    for (const request of flow.waiting.splice(0)) this.#giveUp(flow, request);
  }

  /** True if the transaction was one that the log wants. */
  #write(asked: HeadRecord | undefined, answered: HeadRecord | undefined, flow: Flow | undefined): boolean {
    const record = answered ?? asked;
    if (!record || !this.#lines.wants('http') || !this.#choice.takes(asked, answered)) return false;
    const { view, at } = record;
    const head = flow?.head ?? this.#headOf(asked ?? record);
    if (flow) flow.head = head;
    const time =
      view.getUint32(at + EventLayout.time, true) + view.getUint32(at + EventLayout.time + 4, true) * 2 ** 32;
    const packet = this.#context.replay ? view.getUint32(at + EventLayout.packet, true) : 0;
    const out = this.#lines.begin('http');
    beginLine(out, head, KIND, this.#context.timeUs(time), packet);
    out.raw(TX_ID, 0, TX_ID.length);
    out.number(Math.max(0, view.getUint32(at + HttpLayout.message, true) - 1));
    httpFields(out, asked, answered, this.#headers);
    this.#lines.end('http');
    this.counts.logged++;
    return true;
  }

  #headOf({ view, bytes, at }: HeadRecord): FlowHead {
    const toClient = (view.getUint32(at + HttpLayout.flags, true) & HttpFlag.HTTP_RESPONSE) !== 0;
    const iface = this.#context.interfaceName(view.getUint32(at + EventLayout.ifindex, true));
    return flowHead(view, bytes, at, toClient, iface);
  }
}
