// SPDX-License-Identifier: Apache-2.0
// The header fields of a section in which nothing is odd: every line is `Name: value` and CR LF, no name comes twice.
// They are read where they stand; the last one may be cut off.

import type { Fields } from './fields.js';

const LF = 10;
const CR = 13;
const COLON = 0x3a;
const EMPTY = new Uint8Array(0);

export class PlainFields implements Fields {
  readonly #bytes: Uint8Array;
  readonly #from: number;
  readonly #to: number;

  /** The lines from `from` to `to`, without the empty one. */
  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  #colon(at: number): number {
    let colon = at;
    while (colon < this.#to && this.#bytes[colon] !== COLON) colon++;
    return colon;
  }

  /** Where the line ends, without what ends it; a line that is cut off has no end. */
  #end(from: number): number {
    let end = from;
    while (end < this.#to && this.#bytes[end] !== LF) end++;
    return end < this.#to ? end - 1 : end;
  }

  section(left: string): Uint8Array {
    if (left !== '') throw new RangeError('of a plain section no line is left out');
    return this.#bytes.subarray(this.#from, this.#to);
  }

  lines(): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    for (let at = this.#from; at < this.#to;) {
      const end = this.#end(at);
      out.push(this.#bytes.subarray(at, end));
      at = end + 2;
    }
    return out;
  }

  names(): Uint8Array {
    const bytes = this.#bytes;
    if (this.#from >= this.#to) return EMPTY;
    const out = Buffer.allocUnsafe(this.#to - this.#from + 4);
    out[0] = CR;
    out[1] = LF;
    let length = 2;
    for (let at = this.#from; at < this.#to;) {
      const colon = this.#colon(at);
      while (at < colon) out[length++] = bytes[at++] as number;
      out[length++] = CR;
      out[length++] = LF;
      at = this.#end(colon) + 2;
    }
    out[length++] = CR;
    out[length++] = LF;
    return out.subarray(0, length);
  }

  get(name: string): Uint8Array | undefined {
    const bytes = this.#bytes;
    for (let at = this.#from; at < this.#to;) {
      const colon = this.#colon(at);
      const end = this.#end(colon);
      let same = colon - at === name.length;
      // Letters in any case; of other signs a name has none that differ by this bit alone.
      for (let i = 0; same && i < name.length; i++) same = ((bytes[at + i] as number) | 0x20) === name.charCodeAt(i);
      if (same) return bytes.subarray(Math.min(colon + 2, end), end);
      at = end + 2;
    }
    return undefined;
  }
}
