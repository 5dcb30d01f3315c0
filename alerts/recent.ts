// SPDX-License-Identifier: Apache-2.0
// The last records, kept for those who ask, and a feed of new ones for those who stay.

import type { Detection } from './model.js';
import { Told } from './told.js';

/** A feed of records. A reader that is too slow misses some: `missed` counts them. */
export class Follower implements AsyncIterable<Detection> {
  readonly #limit: number;
  readonly #leave: (follower: Follower) => void;
  #waiting: Told[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  #missed = 0;

  /** Made by `Recent.follow()`. */
  constructor(backlog: readonly Told[], limit: number, leave: (follower: Follower) => void) {
    this.#waiting.push(...backlog);
    this.#limit = limit;
    this.#leave = leave;
  }

  get missed(): number {
    return this.#missed;
  }

  push(batch: readonly Told[]): void {
    if (this.#closed) return;
    const room = Math.max(0, this.#limit - this.#waiting.length);
    for (const told of batch.slice(0, room)) this.#waiting.push(told);
    this.#missed += Math.max(0, batch.length - room);
    this.#wake?.();
  }

  /** Ends the feed once what waits has been read. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#leave(this);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Detection, void, void> {
    try {
      for (;;) {
        const batch = this.#waiting;
        this.#waiting = [];
        for (const { detection } of batch) yield detection;
        if (this.#waiting.length > 0) continue;
        if (this.#closed) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    } finally {
      this.close();
    }
  }
}

/** A ring of the last `capacity` records. */
export class Recent {
  readonly #ring: Told[] = [];
  readonly #capacity: number;
  readonly #followers = new Set<Follower>();
  #next = 0;

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  get followers(): number {
    return this.#followers.size;
  }

  push(batch: readonly (Told | Detection)[]): void {
    const records = batch.map(Told.of);
    for (const told of records.slice(-this.#capacity)) {
      this.#ring[this.#next] = told;
      this.#next = (this.#next + 1) % this.#capacity;
    }
    for (const follower of this.#followers) follower.push(records);
  }

  /** The last `count` records, oldest first. */
  last(count: number): Detection[] {
    return this.#last(count).map(({ detection }) => detection);
  }

  #last(count: number): Told[] {
    const ordered = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    const all = this.#ring.length < this.#capacity ? this.#ring : ordered;
    return all.slice(Math.max(0, all.length - Math.max(0, count)));
  }

  /** The last `backlog` records and then every new one, with at most `limit` waiting to be read. */
  follow(options: { backlog?: number; limit?: number } = {}): Follower {
    const { backlog = 0, limit = 10_000 } = options;
    const follower = new Follower(this.#last(backlog), limit, (left) => this.#followers.delete(left));
    this.#followers.add(follower);
    return follower;
  }

  /** Ends every feed. */
  close(): void {
    for (const follower of [...this.#followers]) follower.close();
  }
}
