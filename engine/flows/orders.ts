// SPDX-License-Identifier: Apache-2.0
// What the engine orders about single flows: written into the kernel's table by the place of the flow.

import { FlowOrder, FlowOrdersLayout as L } from '../../common/abi.gen.js';
import type { FlowViews } from '../bpf/index.js';
import { FlowTable } from './flow-table.js';

const WORDS = L.SIZE / 4;

export class FlowOrders {
  readonly #memory: FlowViews;
  readonly #table: FlowTable;

  constructor(memory: FlowViews) {
    this.#memory = memory;
    this.#table = new FlowTable(memory);
  }

  /**
   * Has the kernel drop every further packet of a flow, and answer it as a reject does if told so. False if its entry has
   * gone to another flow: nothing was ordered then.
   */
  drop(index: number, id: number, sid: number, reject: boolean): boolean {
    return this.#write(index, id, sid, FlowOrder.ORDER_DROP | (reject ? FlowOrder.ORDER_REJECT : 0));
  }

  /** Has no rule asked about a flow any more. */
  pass(index: number, id: number, sid: number): boolean {
    return this.#write(index, id, sid, FlowOrder.ORDER_PASS);
  }

  #write(index: number, id: number, sid: number, order: number): boolean {
    if (index >= this.#table.capacity || this.#table.idAt(index) !== id) return false;
    const { orders } = this.#memory;
    const at = index * WORDS;
    // The id last: an order counts for the flow that it names and for no other.
    Atomics.store(orders, at + 1, 0);
    Atomics.store(orders, at, 0);
    Atomics.store(orders, at + L.order / 4, order);
    Atomics.store(orders, at + L.sid / 4, sid);
    Atomics.store(orders, at, id % 2 ** 32);
    Atomics.store(orders, at + 1, Math.floor(id / 2 ** 32));
    return this.#table.idAt(index) === id;
  }
}
