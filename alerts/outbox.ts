// SPDX-License-Identifier: Apache-2.0
// What waits for one output. A durable store can take the place of the queue in memory: it only has to keep this interface.

import { batchId, type Batch, type Entry } from './entry.js';

export interface OutboxLimits {
  readonly records: number;
  readonly bytes: number;
  /** What gives way when there is no room: the record that comes, or those that wait longest. */
  readonly overflow: 'drop-newest' | 'drop-oldest';
}

export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Records are offered, leased in order, and leave with `settle`. One lease at a time. */
export interface Outbox {
  /** Records that are held, leased ones included. */
  readonly records: number;
  readonly bytes: number;
  /** Takes a record; returns how many gave way for lack of room (the offered one may be among them). */
  offer(entry: Entry): number;
  /** The oldest records, at least one if there is any; they stay held until they are settled. */
  lease(limits: BatchLimits): Batch | undefined;
  /** The first `count` records of the lease are done with, delivered or not. Ends the lease when none is left. */
  settle(count: number): void;
  /** Gives up what is held; returns how many records that were. */
  clear(): number;
}

/** The outbox in memory: two stacks of a deque, bounded in records and bytes. */
export class MemoryOutbox implements Outbox {
  readonly #limits: OutboxLimits;
  #queue: (Entry | undefined)[] = [];
  #head = 0;
  #leased: Entry[] = [];
  #bytes = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  get records(): number {
    return this.#queue.length - this.#head + this.#leased.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  offer(entry: Entry): number {
    const { records, bytes, overflow } = this.#limits;
    // The count is looked at first: a record that finds the queue full need not be put into words.
    if (overflow === 'drop-newest' && this.records >= records) return 1;
    let dropped = 0;
    while (this.records >= records || this.#bytes + entry.bytes > bytes) {
      const oldest = overflow === 'drop-oldest' ? this.#shift() : undefined;
      if (oldest === undefined) return dropped + 1;
      this.#bytes -= oldest.bytes;
      dropped++;
    }
    this.#queue.push(entry);
    this.#bytes += entry.bytes;
    return dropped;
  }

  lease(limits: BatchLimits): Batch | undefined {
    let bytes = 0;
    while (this.#leased.length < limits.records) {
      const next = this.#queue[this.#head];
      if (next === undefined || (this.#leased.length > 0 && bytes + next.bytes > limits.bytes)) break;
      bytes += next.bytes;
      this.#leased.push(next);
      this.#shift();
    }
    return this.#leased.length > 0 ? { id: batchId(), entries: [...this.#leased] } : undefined;
  }

  settle(count: number): void {
    for (const entry of this.#leased.splice(0, count)) this.#bytes -= entry.bytes;
  }

  clear(): number {
    const held = this.records;
    this.#queue = [];
    this.#head = 0;
    this.#leased = [];
    this.#bytes = 0;
    return held;
  }

  /** Takes the oldest record that is not leased. */
  #shift(): Entry | undefined {
    const entry = this.#queue[this.#head];
    if (entry === undefined) return undefined;
    this.#queue[this.#head++] = undefined;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 4096 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }
}
