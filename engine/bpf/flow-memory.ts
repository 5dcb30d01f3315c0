// SPDX-License-Identifier: Apache-2.0
// The tables of flows as memory: what the kernel writes of them, and what the engine orders.

import type { BpfMap } from './bpf-map.js';
import { Mapping } from './memory.js';

interface TableHandle {
  readonly fd: number;
  readonly bytes: number;
  /** Where the process has it mapped: a second mapping would count the same pages once more. */
  readonly address?: bigint;
}

/** Plain data: a worker of the same process opens the tables from it. */
export interface FlowHandle {
  readonly flows: TableHandle;
  readonly orders: TableHandle;
}

/** The tables, in the kernel or in plain memory of the same shape. */
export interface FlowViews {
  /** struct ids_flow, written by the kernel alone. */
  readonly flows: DataView;
  /** The same as words. */
  readonly words: Uint32Array;
  /** struct ids_flow_orders as words, written by the engine alone. */
  readonly orders: Uint32Array;
}

/** Views of the maps; they must not be touched after `close()`. */
export class FlowMemory implements FlowViews {
  flows: DataView;
  words: Uint32Array;
  orders: Uint32Array;
  readonly #mappings: Mapping[] = [];

  private constructor({ flows, orders }: FlowHandle) {
    try {
      const buffer = this.#map(flows, false, 'ids_flows');
      this.flows = new DataView(buffer, 0, flows.bytes);
      this.words = new Uint32Array(buffer, 0, flows.bytes / 4);
      this.orders = new Uint32Array(this.#map(orders, true, 'ids_flow_orders'), 0, orders.bytes / 4);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  static open(handle: FlowHandle): FlowMemory {
    return new FlowMemory(handle);
  }

  #map({ fd, bytes, address }: TableHandle, writable: boolean, what: string): ArrayBuffer {
    const mapping =
      address === undefined ? Mapping.open(fd, bytes, { writable, what }) : Mapping.borrow(address, bytes);
    this.#mappings.push(mapping);
    return mapping.buffer;
  }

  /** To open the same memory in another thread, which must not outlive this one. */
  shared({ flows, orders }: FlowHandle): FlowHandle {
    const [first, second] = this.#mappings;
    const at = (mapping?: Mapping): { address?: bigint } => (mapping ? { address: mapping.address } : {});
    return { flows: { ...flows, ...at(first) }, orders: { ...orders, ...at(second) } };
  }

  close(): void {
    this.flows = new DataView(new ArrayBuffer(0));
    this.words = this.orders = new Uint32Array(0);
    for (const mapping of this.#mappings.splice(0)) mapping.close();
  }
}

/** What a thread needs to open them. */
export function flowHandle(map: (name: string) => BpfMap): FlowHandle {
  const of = (name: string): { fd: number; bytes: number } => {
    const { fd, info } = map(name);
    return { fd, bytes: info.maxEntries * info.valueSize };
  };
  return { flows: of('ids_flows'), orders: of('ids_flow_orders') };
}
