// SPDX-License-Identifier: Apache-2.0
// Log lines as UTF-8 bytes, put together without a string in between: a line of plain ASCII costs about a nanosecond a byte.

import { cleanText, escapeLine, printable } from '../../alerts/text.js';

/** What may stand in a JSON string as it is: 1; behind a backslash: 2; everything else goes the careful way: 0. */
const plain = new Uint8Array(256);
for (let byte = 0x20; byte < 0x7f; byte++) plain[byte] = byte === 0x22 || byte === 0x5c ? 2 : 1;

/** The most bytes of a field that are looked at; `cleanText` cuts at the same length. */
const FIELD_MAX = 8192;
const encoder = new TextEncoder();

/** The bytes of a text that is known beforehand. */
export const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

export class ByteWriter {
  bytes: Uint8Array;
  at = 0;
  readonly #first: number;

  constructor(size: number) {
    this.#first = size;
    this.bytes = new Uint8Array(size);
  }

  /** Makes sure that `more` bytes fit. */
  room(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.at + more));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  /** Copies bytes as they are. Short ones go one by one: a view of them would cost more than they do. */
  raw(source: Uint8Array, from = 0, to = source.length): void {
    this.room(to - from);
    const { bytes } = this;
    let { at } = this;
    if (to - from > 192) {
      bytes.set(source.subarray(from, to), at);
      at += to - from;
    } else {
      for (let i = from; i < to; i++) bytes[at++] = source[i] as number;
    }
    this.at = at;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }

  /** The inside of a JSON string. Bytes that are not UTF-8 are written as `\xNN`, as everywhere in EVE. */
  text(source: Uint8Array, from: number, to: number): void {
    this.room(2 * (to - from) + 8);
    const { bytes, at: start } = this;
    let at = start;
    for (let i = from; i < to; i++) {
      const byte = source[i] as number;
      const kind = plain[byte];
      if (kind === 0) return this.#careful(source, from, to);
      if (kind === 2) bytes[at++] = 0x5c;
      bytes[at++] = byte;
    }
    if (to - from > FIELD_MAX) return this.#careful(source, from, to);
    this.at = at;
  }

  /** As `text`, letters folded. */
  lower(source: Uint8Array, from: number, to: number): void {
    this.room(2 * (to - from) + 8);
    const { bytes } = this;
    let { at } = this;
    for (let i = from; i < to; i++) {
      let byte = source[i] as number;
      if (plain[byte] !== 1) return this.string(printable(source.subarray(from, to)).toLowerCase());
      if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
      bytes[at++] = byte;
    }
    this.at = at;
  }

  #careful(source: Uint8Array, from: number, to: number): void {
    this.string(printable(source.subarray(from, Math.min(to, from + 4 * FIELD_MAX))));
  }

  /** The inside of a JSON string, of any text. */
  string(text: string): void {
    const json = escapeLine(JSON.stringify(cleanText(text)));
    this.room(3 * json.length);
    // Without the quotes.
    const { written } = encoder.encodeInto(json.slice(1, -1), this.bytes.subarray(this.at));
    this.at += written;
  }

  /** A short text of ASCII as it is. */
  ascii(text: string): void {
    this.room(text.length);
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.at = at;
  }

  /** Text as it is. */
  utf8(text: string): void {
    this.room(3 * text.length);
    this.at += encoder.encodeInto(text, this.bytes.subarray(this.at)).written;
  }

  /** A whole number, not negative. */
  number(value: number): void {
    this.room(20);
    const { bytes } = this;
    if (value < 10) {
      bytes[this.at++] = 0x30 + value;
      return;
    }
    let digits = 1;
    for (let bound = 10; bound <= value; bound *= 10) digits++;
    const start = this.at;
    this.at = start + digits;
    let rest = value;
    let at = this.at;
    // Above 2^31 a division is one of doubles, below it is one of integers.
    while (rest > 0x7fffffff) {
      const tens = Math.floor(rest / 10);
      bytes[--at] = 0x30 + (rest - tens * 10);
      rest = tens;
    }
    while (at > start) {
      const tens = (rest / 10) | 0;
      bytes[--at] = 0x30 + (rest - tens * 10);
      rest = tens;
    }
  }

  /** Six digits with zeros in front. */
  sixDigits(value: number): void {
    this.room(6);
    const { bytes } = this;
    let rest = value | 0;
    for (let at = this.at + 5; at >= this.at; at--) {
      const tens = (rest / 10) | 0;
      bytes[at] = 0x30 + (rest - tens * 10);
      rest = tens;
    }
    this.at += 6;
  }

  /** What was written, in memory of its own that may be handed over; the writer begins anew, in memory of `spare` if there is any. */
  take(spare: Uint8Array[] = []): Uint8Array {
    const { bytes, at } = this;
    this.at = 0;
    // A little in a large buffer would hold all of it for as long as it waits.
    if (2 * at < bytes.length) return bytes.slice(0, at);
    this.bytes = spare.pop() ?? new Uint8Array(this.#first);
    return bytes.subarray(0, at);
  }
}
