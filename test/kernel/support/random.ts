// SPDX-License-Identifier: Apache-2.0
// Random addresses that a seed repeats.

import type { Prefix } from '../../../common/address.js';

export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** 32 bits (mulberry32). */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  }

  /** 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.below(from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }

  address(four: boolean): Uint8Array {
    const bytes = Uint8Array.from({ length: 16 }, () => this.below(256));
    if (four) {
      bytes.fill(0, 0, 10);
      bytes.fill(255, 10, 12);
    } else if (bytes[0] === 0) bytes[0] = 32;
    return bytes;
  }

  /** An address in a prefix, often its first or last one. */
  within({ bytes, length }: Prefix): Uint8Array {
    const out = bytes.slice();
    const kind = this.below(4);
    for (let bit = length; bit < 128; bit++) {
      const on = kind === 0 ? 0 : kind === 1 ? 1 : this.below(2);
      if (on) out[bit >> 3] = (out[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    }
    return out;
  }

  /** Turns the last bit of the prefix, or one before: the address lies beside it then. */
  flip(address: Uint8Array, { length }: Prefix): void {
    const four = length >= 96 && address[10] === 255 && address[11] === 255 && address[9] === 0 && address[0] === 0;
    const first = four ? 96 : 0;
    if (length <= first) return;
    const bit = length - 1 - this.below(Math.min(4, length - first));
    address[bit >> 3] = (address[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  }
}
