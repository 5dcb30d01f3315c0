// SPDX-License-Identifier: Apache-2.0
// One direction of a connection as far as it was handed over for inspection: its bytes from the first one on.

/** What a record of payload brought; `wait`: it is kept until what comes before it is there. */
export type Grown = 'more' | 'nothing' | 'wait' | 'gap' | 'full';

/** Pieces that wait; more than that and bytes are taken for missing. */
const MOST_PIECES = 16;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class PayloadStream {
  #bytes = new Uint8Array(4096);
  length = 0;
  /** Where it ends, once a record has said so: the depth is reached, or the direction has ended. */
  total = Infinity;
  /** Bytes are missing: what follows is not looked at. */
  broken = false;
  /** That it is broken was counted. */
  told = false;
  readonly #budget: PayloadBudget;
  #pieces: Piece[] = [];

  constructor(budget: PayloadBudget) {
    this.#budget = budget;
    budget.used += this.#bytes.length;
  }

  /** The bytes that are there; they stay where they are until the stream grows. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Nothing more comes. */
  get last(): boolean {
    return this.length >= this.total;
  }

  /** Takes `length` bytes at `from` of `source`, which begin at `offset` of the direction. */
  add(source: Uint8Array, from: number, length: number, offset: number): Grown {
    if (this.broken) return 'gap';
    if (length === 0) return 'nothing';
    if (offset > this.length) return this.#keep({ offset, bytes: source.slice(from, from + length) });
    const grown = this.#append(source, from, length, offset);
    while (this.#pieces.length > 0 && !this.broken) {
      const at = this.#pieces.findIndex((piece) => piece.offset <= this.length);
      const [piece] = at < 0 ? [] : this.#pieces.splice(at, 1);
      if (!piece) break;
      this.#budget.used -= piece.bytes.length;
      this.#append(piece.bytes, 0, piece.bytes.length, piece.offset);
    }
    return grown;
  }

  #keep(piece: Piece): Grown {
    const size = piece.bytes.length;
    if (this.#pieces.length >= MOST_PIECES || this.#budget.used + size > this.#budget.max) {
      this.broken = true;
      return 'gap';
    }
    this.#budget.used += size;
    this.#pieces.push(piece);
    return 'wait';
  }

  /** Bytes that touch what is there; what was there first stays. */
  #append(source: Uint8Array, from: number, length: number, offset: number): Grown {
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
    this.#budget.used -= this.#pieces.reduce((sum, { bytes }) => sum + bytes.length, this.#bytes.length);
    this.#pieces = [];
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
