// SPDX-License-Identifier: Apache-2.0
// Log lines of records that are rarer than HTTP transactions: their objects are put into words by JSON.

import { escapeLine, type LogKind } from '../../alerts/index.js';
import { EventLayout } from '../../common/abi.gen.js';
import type { EventContext } from '../judge/detection.js';
import { ascii } from './byte-writer.js';
import { beginLine, flowHead, type FlowHead } from './flow-head.js';
import type { Flow } from './flow-states.js';
import type { LogLines } from './log-lines.js';

/** Where and when a line belongs. */
export interface Stamp {
  readonly head: FlowHead;
  readonly timeUs: number;
  /** Replay: number of the packet; 0 = not told. */
  readonly packet: number;
}

const kinds = new Map<LogKind, Uint8Array>();

export class LineLog {
  readonly #lines: LogLines;
  readonly #context: EventContext;

  constructor(lines: LogLines, context: EventContext) {
    this.#lines = lines;
    this.#context = context;
  }

  wants(kind: LogKind): boolean {
    return this.#lines.wants(kind);
  }

  /** The stamp of the record at `at`; its flow keeps the head. */
  stamp(view: DataView, bytes: Uint8Array, at: number, flow: Flow | undefined): Stamp {
    const time =
      view.getUint32(at + EventLayout.time, true) + view.getUint32(at + EventLayout.time + 4, true) * 2 ** 32;
    const packet = this.#context.replay ? view.getUint32(at + EventLayout.packet, true) : 0;
    let head = flow?.head;
    if (!head) {
      const toClient = bytes[at + EventLayout.direction] === 1;
      const iface = this.#context.interfaceName(view.getUint32(at + EventLayout.ifindex, true));
      head = flowHead(view, bytes, at, toClient, iface);
      if (flow) flow.head = head;
    }
    return { head, timeUs: this.#context.timeUs(time), packet };
  }

  /** Writes a line whose own part is `members`, in order. */
  write(kind: LogKind, { head, timeUs, packet }: Stamp, members: Readonly<Record<string, unknown>>): void {
    let name = kinds.get(kind);
    if (!name) kinds.set(kind, (name = ascii(`,"event_type":"${kind}"`)));
    const out = this.#lines.begin(kind);
    beginLine(out, head, name, timeUs, packet);
    const json = escapeLine(JSON.stringify(members));
    out.utf8(`,${json.slice(1)}`);
    this.#lines.end(kind);
  }
}
