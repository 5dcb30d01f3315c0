// SPDX-License-Identifier: Apache-2.0
// One direction of a connection as far as it was handed over for inspection: its bytes from the first one on.

/** What a record of payload brought. */
export type Grown = 'more' | 'nothing' | 'gap' | 'full';

export class PayloadStream {
  #bytes = new Uint8Array(4096);
  length = 0;
  /** Nothing more comes: the depth is reached, or the direction has ended. */
  last = false;
  /** Bytes are missing: what follows is not looked at. */
  broken = false;
  /** That it is broken was counted. */
  told = false;
  readonly #budget: PayloadBudget;

  constructor(budget: PayloadBudget) {
    this.#budget = budget;
    budget.used += this.#bytes.length;
  }

  /** The bytes that are there; they stay where they are until the stream grows. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Takes `length` bytes at `from` of `source`, which begin at `offset` of the direction. */
  add(source: Uint8Array, from: number, length: number, offset: number): Grown {
    if (this.broken) return 'gap';
    if (offset > this.length) {
      this.broken = true;
      return 'gap';
    }
    const known = this.length - offset;
    if (known >= length) return 'nothing';
    const total = offset + length;
    if (total > this.#bytes.length && !this.#grow(total)) {
      this.broken = true;
      return 'full';
    }
    this.#bytes.set(source.subarray(from + known, from + length), this.length);
    this.length = total;
    return 'more';
  }

  #grow(total: number): boolean {
    let size = this.#bytes.length;
    while (size < total) size *= 2;
    const more = size - this.#bytes.length;
    if (this.#budget.used + more > this.#budget.max) return false;
    this.#budget.used += more;
    const larger = new Uint8Array(size);
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
    return true;
  }

  /** Gives its memory back. */
  end(): void {
    this.#budget.used -= this.#bytes.length;
    this.#bytes = new Uint8Array(0);
    this.length = 0;
    this.broken = true;
  }
}

/** The memory of all streams together. */
export interface PayloadBudget {
  used: number;
  readonly max: number;
}
