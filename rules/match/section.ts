// SPDX-License-Identifier: Apache-2.0
// The header lines of an HTTP/1 message. One pass finds what rules ask for most; what is odd (folded lines, repeated names,
// loose spacing) goes through fields.ts.

import { readFields, type Fields } from './fields.js';
import { lineEvents } from './http-events.js';
import { bitOfName } from './known-names.js';
import { BufferId, type Place } from './message.js';
import { PlainFields } from './plain-fields.js';
import { SectionLines } from './section-lines.js';

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const TAB = 9;
const COLON = 0x3a;

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

/** True if `name`, in lower case, stands at `at` in any case. */
export function named(bytes: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (((bytes[at + i] ?? 0) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

const MAX_NAMES = 48;
const names32 = new Uint32Array(MAX_NAMES);

/** Notes the hash of the name number `count`; true if an earlier name had it, or there are too many to tell. */
function seenBefore(hash: number, count: number): boolean {
  if (count >= MAX_NAMES) return true;
  for (let i = 0; i < count; i++) if (names32[i] === hash) return true;
  names32[count] = hash;
  return false;
}

export abstract class HeaderSection {
  /** The empty line that ends the section was there. */
  complete = false;
  /** See Message. */
  nameBits = 0;
  /** `HTTP/1.1`, empty if there is none. */
  abstract readonly protocol: Uint8Array;
  protected readonly bytes: Uint8Array;
  /** What the careful reader found, if the section is odd. */
  protected fields: Fields | undefined = undefined;
  /** Where the lines of headers begin. */
  readonly #from: number;
  readonly #lineFrom: number;
  readonly #lineTo: number;
  readonly #left: string;
  /** Where they end, and the empty line behind them. */
  #to: number;
  #leftFrom = 0;
  #leftTo = 0;
  #headers: Uint8Array | undefined = undefined;
  #end: number;
  #lines: SectionLines | undefined = undefined;

  /**
   * @param lineFrom where the first line begins, `lineTo`: where it ends, without what ends it
   * @param from where the lines of headers begin
   * @param left name, in lower case, of the lines that http.header leaves out: those of cookies
   */
  constructor(bytes: Uint8Array, lineFrom: number, lineTo: number, from: number, left: string) {
    this.bytes = bytes;
    this.#lineFrom = lineFrom;
    this.#lineTo = lineTo;
    this.#from = this.#to = this.#end = from;
    this.#left = left;
  }

  /** A line with its name from `at` to `colon` and its value from `from` to `to`, which may go on behind the capture. */
  protected abstract note(at: number, colon: number, from: number, to: number, cut: boolean): void;

  /** The first line, without what ends it. */
  protected get line(): Uint8Array {
    return this.bytes.subarray(this.#lineFrom, this.#lineTo);
  }

  /** True if http.header holds the lines as they were sent. */
  protected get linesAsSent(): boolean {
    return this.fields === undefined;
  }

  /** http.header: `Name: value\r\n` in order, repeated names joined, without cookies. */
  get headers(): Uint8Array {
    return (this.#headers ??= this.fields === undefined ? this.#plain() : this.fields.section(this.#left));
  }

  /** What requests and responses alike have: see Message. */
  buffer(id: BufferId): Uint8Array | undefined {
    switch (id) {
      case BufferId.HEADER:
        // As in Suricata, without a line there is no such buffer.
        return this.headers.length > 0 ? this.headers : undefined;
      case BufferId.PROTOCOL:
        return this.protocol;
      case BufferId.COOKIE:
        return this.lines.get(this.#left);
      case BufferId.HEADER_NAMES:
        return this.lines.names;
      case BufferId.HEADER_RAW:
        return this.lines.raw;
      case BufferId.START:
        return this.lines.start(this.line);
      default:
        return this.lines.value(id);
    }
  }

  get whole(): Uint8Array {
    return this.bytes;
  }

  /** See Message. Lines that the careful reader puts together stand nowhere. */
  stands(id: BufferId): boolean {
    if (id === BufferId.HEADER_RAW) return true;
    if (this.fields !== undefined) return false;
    switch (id) {
      case BufferId.HEADER:
        return this.#leftTo === 0 || this.#leftFrom === this.#from || this.#leftTo >= this.#to;
      case BufferId.START:
        return this.complete && this.bytes[this.#from - 2] === CR && this.bytes[this.#end - 2] === CR;
      case BufferId.HEADER_NAMES:
        return this.bytes[this.#from - 2] === CR;
      case BufferId.COOKIE:
      case BufferId.REFERER:
      case BufferId.ACCEPT:
      case BufferId.ACCEPT_ENC:
      case BufferId.ACCEPT_LANG:
      case BufferId.CONTENT_TYPE:
      case BufferId.CONTENT_LEN:
      case BufferId.CONNECTION:
      case BufferId.SERVER:
      case BufferId.LOCATION:
        return true;
      default:
        return false;
    }
  }

  /** See Message. */
  locate(id: BufferId, place: Place): void {
    place.exact = false;
    place.to = this.#end;
    switch (id) {
      case BufferId.HEADER_NAMES:
        place.from = Math.max(0, this.#from - 2);
        return;
      case BufferId.START:
        place.from = 0;
        return;
      case BufferId.HEADER_RAW:
      case BufferId.HEADER:
        place.from = this.#from;
        return;
      default: {
        const value = this.buffer(id);
        place.from = value === undefined ? 0 : value.byteOffset - this.bytes.byteOffset;
        place.to = value === undefined ? 0 : place.from + value.length;
        place.exact = true;
      }
    }
  }

  /** Bits of LineEvent. */
  protected get lineEvents(): number {
    return lineEvents(this.bytes, this.#from, this.#to);
  }

  /** There is a line. */
  protected get hasLines(): boolean {
    return this.#to > this.#from;
  }

  /** What rules ask of single lines. */
  protected get lines(): SectionLines {
    return (this.#lines ??= new SectionLines(
      this.fields ?? new PlainFields(this.bytes, this.#from, this.#to),
      this.bytes.subarray(this.#from, this.#end),
    ));
  }

  /** The section as it is, but for the line that is left out. */
  #plain(): Uint8Array {
    const { bytes } = this;
    const [from, to] = [this.#from, this.#to];
    if (this.#leftTo === 0) return bytes.subarray(from, to);
    if (this.#leftTo >= to) return bytes.subarray(from, this.#leftFrom);
    const out = new Uint8Array(to - from - (this.#leftTo - this.#leftFrom));
    out.set(bytes.subarray(from, this.#leftFrom));
    out.set(bytes.subarray(this.#leftTo, to), this.#leftFrom - from);
    return out;
  }

  /** Visits the lines. True if the last one is a folded one that is cut off. */
  protected scan(): boolean {
    const { bytes } = this;
    const { length } = bytes;
    let names = 0;
    let bits = 0;
    let plain = true;
    let folded = false;
    let at = this.#from;
    while (at < length) {
      const first = bytes[at];
      if (first === LF || (first === CR && bytes[at + 1] === LF)) {
        this.complete = true;
        this.#end = at + (first === LF ? 1 : 2);
        break;
      }
      let hash = 5381;
      let colon = at;
      for (; colon < length; colon++) {
        const byte = bytes[colon] as number;
        if (byte === COLON || byte <= SPACE) break;
        hash = (Math.imul(hash, 33) ^ (byte | 0x20)) >>> 0;
      }
      let end = colon;
      while (end < length && bytes[end] !== LF) end++;
      // Anything unusual, and a name that may be repeated, is left to the careful reader.
      const odd = bytes[colon] !== COLON || colon === at || bytes[colon + 1] !== SPACE || isBlank(bytes[colon + 2]);
      const tail = end < length ? end - 1 : end;
      if (odd || (end < length && bytes[tail] !== CR) || isBlank(bytes[tail - 1]) || seenBefore(hash, names)) {
        plain = false;
      } else bits |= bitOfName(bytes, at, colon);
      names++;
      if (end === length && isBlank(first)) folded = true;
      if (colon - at === this.#left.length && named(bytes, at, this.#left)) {
        this.#leftFrom = at;
        this.#leftTo = Math.min(tail + 2, length);
      } else {
        this.note(at, colon, Math.min(colon + 2, tail), tail, end === length);
      }
      at = end + 1;
      this.#to = this.#end = Math.min(at, length);
    }
    if (plain) this.nameBits = bits >>> 0;
    else this.fields = readFields(bytes, this.#from);
    return folded;
  }
}
