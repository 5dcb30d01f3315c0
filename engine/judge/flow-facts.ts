// SPDX-License-Identifier: Apache-2.0
// What the kernel's flow table says of a record's flow: what it has carried so far.

import type { DetectionFlow } from '../../alerts/index.js';
import type { FlowViews } from '../bpf/index.js';
import { FlowTable } from '../flows/flow-table.js';

export class FlowFacts {
  readonly #table: FlowTable;

  constructor(memory: FlowViews) {
    this.#table = new FlowTable(memory);
  }

  /** @param timeUs wall clock of the kernel's time */
  read(index: number, id: number, timeUs: (ns: number) => number): DetectionFlow | undefined {
    const flow = index < this.#table.capacity ? this.#table.read(index) : undefined;
    if (flow?.id !== id) return undefined;
    const { toServer, toClient, start } = flow;
    return {
      toServer: { packets: toServer.packets, bytes: toServer.bytes },
      toClient: { packets: toClient.packets, bytes: toClient.bytes },
      start: timeUs(start),
    };
  }
}
