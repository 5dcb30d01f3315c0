// SPDX-License-Identifier: Apache-2.0
// Bits of addresses and of pairs of them (xbits, hostbits), on the time of events. What an attacker can make is bounded:
// when the table is full, the bit that is set most gives up its oldest address, and that is counted.

/** Bits of all names together. */
const MOST = 65_536;
const NANOSECONDS = 1e9;

export class AddressBits {
  readonly #most: number;
  /** By name, then by address or pair: the last second at which the bit is set. The oldest comes first. */
  readonly #tables = new Map<string, Map<bigint, number>>();
  #held = 0;
  #evicted = 0;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** Bits held, and bits given up because the table was full. */
  get stats(): { readonly held: number; readonly evicted: number } {
    return { held: this.#held, evicted: this.#evicted };
  }

  /** Forgets bits that are not among `tables`. */
  retain(tables: ReadonlySet<string>): void {
    for (const [table, bits] of this.#tables) {
      if (tables.has(table)) continue;
      this.#held -= bits.size;
      this.#tables.delete(table);
    }
  }

  /** As in Suricata, in whole seconds: a bit is set until the second behind its last is over. */
  has(table: string, key: bigint, timeNs: number): boolean {
    const until = this.#tables.get(table)?.get(key);
    if (until === undefined) return false;
    if (until >= Math.floor(timeNs / NANOSECONDS)) return true;
    this.delete(table, key);
    return false;
  }

  set(table: string, key: bigint, seconds: number, timeNs: number): void {
    let bits = this.#tables.get(table);
    if (bits === undefined) this.#tables.set(table, (bits = new Map<bigint, number>()));
    // A bit that is set anew moves to the end.
    if (bits.delete(key)) this.#held--;
    if (this.#held >= this.#most) this.#makeRoom(Math.floor(timeNs / NANOSECONDS));
    bits.set(key, Math.floor(timeNs / NANOSECONDS) + seconds);
    this.#held++;
  }

  delete(table: string, key: bigint): void {
    if (this.#tables.get(table)?.delete(key) === true) this.#held--;
  }

  /** Takes the oldest of the fullest name; what has expired there is no loss. */
  #makeRoom(second: number): void {
    let fullest: Map<bigint, number> | undefined;
    for (const bits of this.#tables.values()) if (bits.size > (fullest?.size ?? 0)) fullest = bits;
    for (const [key, until] of fullest ?? []) {
      fullest?.delete(key);
      this.#held--;
      if (until >= second) this.#evicted++;
      return;
    }
  }
}
