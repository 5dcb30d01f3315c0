// SPDX-License-Identifier: Apache-2.0
// What the kernel's flow table says of a record's flow: what it has carried so far.

import type { DetectionFlow } from '../../alerts/index.js';
import type { Direction } from '../../common/abi.gen.js';
import type { FlowViews } from '../bpf/index.js';
import type { Flow } from '../flows/flow.js';
import { FlowTable } from '../flows/flow-table.js';

export class FlowFacts {
  readonly #table: FlowTable;

  constructor(memory: FlowViews) {
    this.#table = new FlowTable(memory);
  }

  #flow(index: number, id: number): Flow | undefined {
    const flow = index < this.#table.capacity ? this.#table.read(index) : undefined;
    return flow?.id === id ? flow : undefined;
  }

  /** TCP: the sequence number of the first byte of a direction, if its SYN was seen. */
  firstByte(index: number, id: number, direction: Direction): number | undefined {
    const first = this.#flow(index, id)?.first[direction] ?? 0;
    return first === 0 ? undefined : first;
  }

  /** @param timeUs wall clock of the kernel's time */
  read(index: number, id: number, timeUs: (ns: number) => number): DetectionFlow | undefined {
    const flow = this.#flow(index, id);
    if (flow === undefined) return undefined;
    const { toServer, toClient, start } = flow;
    return {
      toServer: { packets: toServer.packets, bytes: toServer.bytes },
      toClient: { packets: toClient.packets, bytes: toClient.bytes },
      start: timeUs(start),
    };
  }
}
