// SPDX-License-Identifier: Apache-2.0
// A list of plain values in one piece of memory that all threads look into; a value is made when somebody asks for it. A
// hundred thousand objects that hardly anybody looks at cost what their bytes cost, once for all threads, and the garbage
// collector does not see them.

import { PackedTag } from './packed-tags.js';

/** What arrays and packed lists have in common. */
export interface List<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/** Plain data; its memory is shared with the threads that it is handed to. */
export interface PackedData {
  readonly bytes: Uint8Array;
  /** Where each value begins in `bytes`. */
  readonly starts: Uint32Array;
  /** Keys of the objects, in their order. */
  readonly shapes: readonly (readonly string[])[];
}

export class PackedList<T> implements List<T> {
  readonly length: number;
  readonly #bytes: Buffer;
  readonly #starts: Uint32Array;
  readonly #shapes: PackedData['shapes'];
  /** What several values have in common is made once. */
  readonly #shared = new Map<number, unknown>();
  #at = 0;

  constructor({ bytes, starts, shapes }: PackedData) {
    this.length = starts.length;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#starts = starts;
    this.#shapes = shapes;
  }

  /** The value, made anew at each call but for what it has in common with others. */
  at(index: number): T | undefined {
    const start = this.#starts[index];
    if (start === undefined) return undefined;
    this.#at = start;
    return this.#value() as T;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.length; index++) yield this.at(index) as T;
  }

  #number(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  }

  #text(encoding: 'latin1' | 'utf16le'): string {
    const length = this.#number();
    const from = this.#at;
    this.#at = from + length;
    return this.#bytes.toString(encoding, from, this.#at);
  }

  /** A string that stands at another place. */
  #elsewhere(): unknown {
    const place = this.#number();
    const back = this.#at;
    this.#at = place;
    const value = this.#value();
    this.#at = back;
    return value;
  }

  /** What others name too, and stands here. */
  #own(): unknown {
    const place = this.#at;
    const value = this.#value();
    const known = this.#shared.get(place);
    if (known !== undefined) return known;
    this.#shared.set(place, value);
    return value;
  }

  #same(): unknown {
    const place = this.#number();
    const known = this.#shared.get(place);
    if (known !== undefined) return known;
    const back = this.#at;
    this.#at = place;
    const value = this.#own();
    this.#at = back;
    return value;
  }

  #object(): unknown {
    const keys = this.#shapes[this.#number()] ?? [];
    const value: Record<string, unknown> = {};
    for (const key of keys) value[key] = this.#value();
    return value;
  }

  #array(): unknown[] {
    const length = this.#number();
    const value: unknown[] = [];
    for (let i = 0; i < length; i++) value.push(this.#value());
    return value;
  }

  #value(): unknown {
    const tag = this.#bytes[this.#at++] as number;
    if (tag >= PackedTag.SMALL) return tag - PackedTag.SMALL;
    switch (tag) {
      case PackedTag.NULL:
        return null;
      case PackedTag.FALSE:
        return false;
      case PackedTag.TRUE:
        return true;
      case PackedTag.NEGATIVE:
        return -1 - this.#number();
      case PackedTag.INTEGER:
        return this.#number();
      case PackedTag.DOUBLE:
        this.#at += 8;
        return this.#bytes.readDoubleLE(this.#at - 8);
      case PackedTag.BIGINT: {
        const text = this.#text('latin1');
        return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
      }
      case PackedTag.LATIN1:
        return this.#text('latin1');
      case PackedTag.UTF16:
        return this.#text('utf16le');
      case PackedTag.SAME_STRING:
        return this.#elsewhere();
      case PackedTag.BYTES: {
        const length = this.#number();
        this.#at += length;
        return Uint8Array.from(this.#bytes.subarray(this.#at - length, this.#at));
      }
      case PackedTag.ARRAY:
        return this.#array();
      case PackedTag.OBJECT:
        return this.#object();
      case PackedTag.SHARED:
        return this.#own();
      case PackedTag.SAME:
        return this.#same();
      default:
        return undefined;
    }
  }
}
