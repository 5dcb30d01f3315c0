// SPDX-License-Identifier: Apache-2.0
// What the engine remembers of a flow, by its place in the kernel's flow table: a place that went to another flow says
// that the earlier one is over.

import type { FlowState as RuleState } from '../../rules/index.js';
import type { FlowHead } from './flow-head.js';
import type { HttpBodies } from './http-bodies.js';
import type { PayloadStream } from './payload.js';
import type { RecordCopy } from './record-copy.js';
import type { TlsFlow } from './tls-flow.js';
import type { Shown } from './shown.js';

/** A flow. What it does not need is not made. */
export class Flow {
  readonly id: number;
  readonly index: number;
  /** Nanoseconds of the last record. */
  last = 0;
  head: FlowHead | undefined = undefined;
  /** Requests that wait for their response, oldest first. */
  readonly waiting: RecordCopy[] = [];
  /** What rules remember. */
  rules: RuleState | undefined = undefined;
  /** Payload by direction. */
  toServer: PayloadStream | undefined = undefined;
  toClient: PayloadStream | undefined = undefined;
  bodies: HttpBodies | undefined = undefined;
  tls: TlsFlow | undefined = undefined;
  /** The message that the kernel has judged last, and what alerts show of it. */
  decided: { readonly time: number; readonly shown: () => Shown } | undefined = undefined;
  /** DNS messages so far. */
  messages = 0;

  constructor(id: number, index: number) {
    this.id = id;
    this.index = index;
  }
}

export class FlowStates {
  /** Flows that are remembered. */
  size = 0;
  readonly #slots: (Flow | undefined)[] = [];
  readonly #onEnd: (flow: Flow) => void;

  /** @param onEnd called with a flow that is forgotten */
  constructor(onEnd: (flow: Flow) => void) {
    this.#onEnd = onEnd;
  }

  /** The flow `id` at place `index`; made if there is none. */
  get(id: number, index: number, time: number): Flow {
    let flow = this.#slots[index];
    if (flow === undefined || flow.id !== id) {
      if (flow !== undefined) this.end(flow);
      while (this.#slots.length <= index) this.#slots.push(undefined);
      flow = new Flow(id, index);
      this.#slots[index] = flow;
      this.size++;
    }
    flow.last = time;
    return flow;
  }

  find(id: number, index: number): Flow | undefined {
    const flow = this.#slots[index];
    return flow?.id === id ? flow : undefined;
  }

  end(flow: Flow): void {
    if (this.#slots[flow.index] !== flow) return;
    this.#slots[flow.index] = undefined;
    this.size--;
    this.#onEnd(flow);
  }

  /** Forgets what had no record since `before`, or with Infinity everything. */
  sweep(before: number): void {
    if (this.size === 0) return;
    for (const flow of this.#slots) if (flow !== undefined && flow.last < before) this.end(flow);
  }
}
