// SPDX-License-Identifier: Apache-2.0
// What the log needs of an HTTP header section, by one look at each byte: where the start line's parts and a few values
// are. Odd sections (folded lines, repeated names, loose spacing) are left to the careful reader.

import { readFields } from '../../rules/match/fields.js';
import { parseHttpRequest } from '../../rules/match/request.js';

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const TAB = 9;
const COLON = 0x3a;

/** Values that the log knows, by number. */
export const Header = {
  HOST: 0,
  USER_AGENT: 1,
  FORWARDED_FOR: 2,
  CONTENT_TYPE: 3,
  REFERER: 4,
  LOCATION: 5,
  CONTENT_LENGTH: 6,
  COUNT: 7,
} as const;

const NAMES = ['host', 'user-agent', 'x-forwarded-for', 'content-type', 'referer', 'location', 'content-length'];

/** Letters folded; other bytes that become the same do not stand in names. */
function named(bytes: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (((bytes[at + i] as number) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

/** The header of this name of `length` bytes at `at`, or -1. */
function headerAt(bytes: Uint8Array, at: number, length: number): number {
  switch (length) {
    case 4:
      return named(bytes, at, 'host') ? Header.HOST : -1;
    case 7:
      return named(bytes, at, 'referer') ? Header.REFERER : -1;
    case 8:
      return named(bytes, at, 'location') ? Header.LOCATION : -1;
    case 10:
      return named(bytes, at, 'user-agent') ? Header.USER_AGENT : -1;
    case 12:
      return named(bytes, at, 'content-type') ? Header.CONTENT_TYPE : -1;
    case 14:
      return named(bytes, at, 'content-length') ? Header.CONTENT_LENGTH : -1;
    case 15:
      return named(bytes, at, 'x-forwarded-for') ? Header.FORWARDED_FOR : -1;
    default:
      return -1;
  }
}

/** One section at a time: the offsets hold until the next scan. */
export class HeadScan {
  bytes: Uint8Array = new Uint8Array(0);
  /** The three parts of the start line. */
  readonly part = new Int32Array(6);
  /** First byte behind the start line. */
  fields = 0;
  /** From and to of each Header; from is -1 for one that is not there. */
  readonly value = new Int32Array(2 * Header.COUNT);
  /** False: some value has to be read the careful way. */
  plain = true;

  /** Scans `bytes` from `from` to `to`; what is behind them may be another section. */
  scan(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    this.plain = true;
    const { value } = this;
    for (let i = 0; i < 2 * Header.COUNT; i++) value[i] = -1;
    let at = this.#startLine(bytes, from, to);
    this.fields = at;
    while (at < to) {
      const first = bytes[at] as number;
      if (first === LF || first === CR) break;
      if (first === SPACE || first === TAB) this.plain = false;
      const line = at;
      let byte = first;
      while (at < to && byte !== COLON && byte !== LF) byte = bytes[++at] as number;
      const header = byte === COLON && at < to ? headerAt(bytes, line, at - line) : -1;
      if (byte === COLON) {
        if (bytes[at - 1] === SPACE || bytes[at - 1] === TAB) this.plain = false;
        at++;
      }
      const begin = at;
      while (at < to && bytes[at] !== LF) at++;
      if (header >= 0) this.#note(header, begin, at);
      at++;
    }
    if (!this.plain) this.#careful(from, to);
  }

  #startLine(bytes: Uint8Array, from: number, to: number): number {
    const { part } = this;
    let at = from;
    while (at < to && (bytes[at] === CR || bytes[at] === LF)) at++;
    part[0] = at;
    while (at < to && bytes[at] !== SPACE && bytes[at] !== LF) at++;
    part[1] = at;
    while (at < to && bytes[at] === SPACE) at++;
    part[2] = at;
    let space = -1;
    for (; at < to && bytes[at] !== LF; at++) if (bytes[at] === SPACE) space = at;
    let end = at;
    while (end > part[2] && ((bytes[end - 1] as number) === CR || bytes[end - 1] === SPACE)) end--;
    if (space >= end) space = -1;
    part[3] = space < 0 ? end : space;
    part[4] = space < 0 ? end : space + 1;
    part[5] = end;
    return Math.min(at + 1, to);
  }

  #note(header: number, from: number, to: number): void {
    const { bytes, value } = this;
    if ((value[2 * header] as number) >= 0) this.plain = false;
    let begin = from;
    let end = to;
    while (begin < end && (bytes[begin] === SPACE || bytes[begin] === TAB)) begin++;
    while (end > begin && (bytes[end - 1] as number) <= SPACE) end--;
    value[2 * header] = begin;
    value[2 * header + 1] = end;
  }

  /** Puts the values as the careful reader has them behind each other. */
  #careful(from: number, to: number): void {
    const fields = readFields(this.bytes.subarray(from, to), this.fields - from);
    const found = NAMES.map((name) => fields.get(name));
    const start = this.bytes.slice(from, this.fields);
    const joined = new Uint8Array(start.length + found.reduce((sum, one) => sum + (one?.length ?? 0), 0));
    joined.set(start);
    let at = start.length;
    found.forEach((one, header) => {
      if (one === undefined) return;
      joined.set(one, at);
      this.value[2 * header] = at;
      this.value[2 * header + 1] = at += one.length;
    });
    for (let i = 0; i < 6; i++) this.part[i] = (this.part[i] as number) - from;
    this.bytes = joined;
    this.fields = start.length;
  }

  /** Where the name in the Host header ends: before the port, if there is one. */
  hostEnd(): number {
    const { bytes, value } = this;
    const from = value[2 * Header.HOST] as number;
    const to = value[2 * Header.HOST + 1] as number;
    let at = to;
    while (at > from && (bytes[at - 1] as number) >= 0x30 && (bytes[at - 1] as number) <= 0x39) at--;
    return at > from && bytes[at - 1] === COLON ? at - 1 : to;
  }
}

/** The host that an absolute target names, which counts before the Host header. */
export function hostOfTarget(section: Uint8Array): Uint8Array | undefined {
  return parseHttpRequest(section)?.host;
}
