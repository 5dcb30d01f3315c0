// SPDX-License-Identifier: Apache-2.0
// The engine's side of layer 7: what the records of the bulk ring say of flows, put together and logged.

import { EventLayout, HttpFlag, HttpLayout } from '../../common/abi.gen.js';
import type { LogKind } from '../../alerts/index.js';
import type { EventContext } from '../judge/detection.js';
import { FlowStates, type FlowState } from './flow-states.js';
import { HttpLog } from './http-log.js';
import { LogLines } from './log-lines.js';
import { RecordPool } from './record-copy.js';

const SECOND = 1e9;
/** How long a request waits for its response, and a flow is remembered, without a word. */
const IDLE_NS = 120 * SECOND;

export class Layer7 {
  readonly lines: LogLines;
  readonly http: HttpLog;
  readonly pool = new RecordPool();
  readonly #flows: FlowStates<FlowState>;
  #swept = 0;

  /** @param logs kinds of lines that an output takes */
  constructor(context: EventContext, logs: ReadonlySet<LogKind>) {
    this.lines = new LogLines(logs);
    this.http = new HttpLog(this.lines, context, this.pool);
    this.#flows = new FlowStates<FlowState>(
      (id, index) => ({ id, index, head: undefined, waiting: [], last: 0 }),
      (flow) => this.http.onEnd(flow),
    );
  }

  /** Flows that are remembered. */
  get flows(): number {
    return this.#flows.size;
  }

  /** The state of the flow of the record at `at`; undefined if the kernel had no room for it. */
  flowOf(view: DataView, at: number, time: number): FlowState | undefined {
    const id =
      view.getUint32(at + EventLayout.flowId, true) + view.getUint32(at + EventLayout.flowId + 4, true) * 2 ** 32;
    return id === 0 ? undefined : this.#flows.get(id, view.getUint32(at + EventLayout.flow, true), time);
  }

  /** A header section of `length` record bytes that the log has selected, or might have. */
  onHttp(view: DataView, bytes: Uint8Array, at: number, length: number, flow: FlowState | undefined): void {
    const flags = view.getUint32(at + HttpLayout.flags, true);
    // A response settles what its request waits for, also when it is not selected itself.
    const settles = (flags & HttpFlag.HTTP_RESPONSE) !== 0 && flow !== undefined && flow.waiting.length > 0;
    if ((flags & HttpFlag.HTTP_LOGGED) !== 0 || settles) this.http.onHead(view, bytes, at, length, flow);
  }

  /** A flow that the kernel says is over. */
  onFlowEnd(view: DataView, at: number): void {
    const id =
      view.getUint32(at + EventLayout.flowId, true) + view.getUint32(at + EventLayout.flowId + 4, true) * 2 ** 32;
    const flow = this.#flows.find(id, view.getUint32(at + EventLayout.flow, true));
    if (flow) this.#flows.end(flow);
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
