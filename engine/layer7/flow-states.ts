// SPDX-License-Identifier: Apache-2.0
// What the engine remembers of a flow, by its place in the kernel's flow table: a place that went to another flow says
// that the earlier one is over.

import type { FlowHead } from './flow-head.js';
import type { RecordCopy } from './record-copy.js';

export interface FlowState {
  readonly id: number;
  readonly index: number;
  head: FlowHead | undefined;
  /** Requests that wait for their response, oldest first. */
  readonly waiting: RecordCopy[];
  /** Nanoseconds of the last record. */
  last: number;
}

export class FlowStates<State extends FlowState> {
  /** Flows that are remembered. */
  size = 0;
  readonly #slots: (State | undefined)[] = [];
  readonly #make: (id: number, index: number) => State;
  readonly #onEnd: (state: State) => void;

  /** @param onEnd called with a state that is forgotten */
  constructor(make: (id: number, index: number) => State, onEnd: (state: State) => void) {
    this.#make = make;
    this.#onEnd = onEnd;
  }

  /** The state of flow `id` at place `index`; made if there is none. */
  get(id: number, index: number, time: number): State {
    let state = this.#slots[index];
    if (state === undefined || state.id !== id) {
      if (state !== undefined) this.end(state);
      while (this.#slots.length <= index) this.#slots.push(undefined);
      state = this.#make(id, index);
      this.#slots[index] = state;
      this.size++;
    }
    state.last = time;
    return state;
  }

  find(id: number, index: number): State | undefined {
    const state = this.#slots[index];
    return state?.id === id ? state : undefined;
  }

  end(state: State): void {
    if (this.#slots[state.index] !== state) return;
    this.#slots[state.index] = undefined;
    this.size--;
    this.#onEnd(state);
  }

  /** Forgets what had no record since `before`, or with Infinity everything. */
  sweep(before: number): void {
    if (this.size === 0) return;
    for (const state of this.#slots) if (state !== undefined && state.last < before) this.end(state);
  }
}
