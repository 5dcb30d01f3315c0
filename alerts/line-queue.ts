// SPDX-License-Identifier: Apache-2.0
// Log lines that wait for one output, apart from its alerts: lines that find no room are dropped and counted, and never
// take the place of an alert.

import type { LineBatch } from './lines.js';

export interface LineQueueStatus {
  readonly raised: number;
  readonly delivered: number;
  readonly pending: number;
  readonly dropped: number;
  readonly failed: number;
  readonly pendingBytes: number;
}

export class LineQueue {
  readonly #limit: number;
  #queue: LineBatch[] = [];
  #bytes = 0;
  #pending = 0;
  #raised = 0;
  #delivered = 0;
  #dropped = 0;
  #failed = 0;

  /** @param limit bytes that may wait */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a batch, or counts it as dropped; true if it was taken. */
  offer(batch: LineBatch): boolean {
    this.#raised += batch.count;
    if (this.#bytes + batch.bytes.length > this.#limit) {
      this.#dropped += batch.count;
      batch.release?.();
      return false;
    }
    this.#queue.push(batch);
    this.#bytes += batch.bytes.length;
    this.#pending += batch.count;
    return true;
  }

  /** Counts a batch that comes too late. */
  refuse(batch: LineBatch): void {
    this.#raised += batch.count;
    this.#dropped += batch.count;
    batch.release?.();
  }

  get pending(): number {
    return this.#pending;
  }

  /** The oldest batch; it stays until it is settled. */
  get first(): LineBatch | undefined {
    return this.#queue[0];
  }

  settle(delivered: number, failed: number): void {
    const batch = this.#queue.shift();
    if (!batch) return;
    this.#bytes -= batch.bytes.length;
    this.#pending -= batch.count;
    this.#delivered += delivered;
    this.#failed += failed;
    this.#dropped += batch.count - delivered - failed;
    batch.release?.();
  }

  /** Gives up what waits. */
  clear(): number {
    const held = this.#pending;
    this.#dropped += held;
    for (const batch of this.#queue) batch.release?.();
    this.#queue = [];
    this.#bytes = 0;
    this.#pending = 0;
    return held;
  }

  status(): LineQueueStatus {
    return {
      raised: this.#raised,
      delivered: this.#delivered,
      pending: this.#pending,
      dropped: this.#dropped,
      failed: this.#failed,
      pendingBytes: this.#bytes,
    };
  }
}
