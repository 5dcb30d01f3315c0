// SPDX-License-Identifier: Apache-2.0
// Addresses with a time, the oldest forgotten first: what an attacker can make us remember is bounded.

/** A bounded map from address text to a time in milliseconds. */
export class AddressMemory {
  readonly #times = new Map<string, number>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#times.size;
  }

  /** Remembers an address until `time`, as the youngest. */
  note(address: string, time: number): void {
    this.#times.delete(address);
    this.#times.set(address, time);
    if (this.#times.size <= this.#limit) return;
    for (const oldest of this.#times.keys()) {
      this.#times.delete(oldest);
      return;
    }
  }

  /** The time of an address if it lies after `now`. */
  until(address: string, now: number): number | undefined {
    const time = this.#times.get(address);
    if (time !== undefined && time <= now) this.#times.delete(address);
    return time !== undefined && time > now ? time : undefined;
  }

  forget(address: string): void {
    this.#times.delete(address);
  }

  /** Drops what has passed at the old end and says how many are left: exact where all are kept for equally long. */
  alive(now: number): number {
    for (const [address, time] of this.#times) {
      if (time > now) break;
      this.#times.delete(address);
    }
    return this.#times.size;
  }
}
