// SPDX-License-Identifier: Apache-2.0
// Reads one address, prefix or range from bytes, straight into columns: no text is made of what is well formed.

import type { BatchBuilder } from '../batch-builder.js';
import { addRange4, addRange6 } from './ranges.js';

const DOT = 0x2e;
const COLON = 0x3a;
const SLASH = 0x2f;
const DASH = 0x2d;

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** True for what may stand right behind an address: blanks and , ; # | " ' } ] */
function delimits(byte: number): boolean {
  switch (byte) {
    case 0x2c:
    case 0x3b:
    case 0x23:
    case 0x7c:
    case 0x22:
    case 0x27:
    case 0x7d:
    case 0x5d:
      return true;
    default:
      return byte <= 0x20 && byte !== 0;
  }
}

export class PrefixScanner {
  /** After a success the first byte behind the item, after a failure the byte that is wrong. */
  at = 0;
  /** Why the last item could not be read. */
  cause = '';
  /** The last address that was read: its family, its number (IPv4) or its four numbers (IPv6), and its length. */
  family: 4 | 6 = 4;
  value = 0;
  readonly words = new Uint32Array(4);
  length = 0;
  readonly #groups = new Uint16Array(8);

  #fail(at: number, cause: string): false {
    this.at = at;
    this.cause = cause;
    return false;
  }

  /** Reads an IPv4 address at `at`. */
  scan4(bytes: Uint8Array, at: number, end: number): boolean {
    let value = 0;
    for (let part = 0; part < 4; part++) {
      const start = at;
      let octet = 0;
      for (; at < end; at++) {
        const digit = (bytes[at] ?? 0) - 48;
        if (digit < 0 || digit > 9) break;
        octet = octet * 10 + digit;
        if (at - start === 3) return this.#fail(start, 'not an address');
      }
      if (at === start) {
        return this.#fail(
          at,
          part === 0 ? 'not an address' : 'an IPv4 address has four numbers with dots between them',
        );
      }
      if (octet > 255) return this.#fail(start, 'a number over 255 in an IPv4 address');
      // 010 is 8 to some programs and 10 to others.
      if (at - start > 1 && bytes[start] === 48) return this.#fail(start, 'a leading zero in an IPv4 address');
      value = value * 256 + octet;
      if (part === 3) break;
      if (at >= end || bytes[at] !== DOT) {
        return this.#fail(at, 'an IPv4 address has four numbers with dots between them');
      }
      at++;
    }
    this.value = value;
    this.family = 4;
    this.at = at;
    return true;
  }

  /** Reads an IPv6 address at `at` into `words`. */
  scan6(bytes: Uint8Array, at: number, end: number): boolean {
    const groups = this.#groups;
    let count = 0;
    let gap = -1;
    if (bytes[at] === COLON) {
      if (at + 1 >= end || bytes[at + 1] !== COLON)
        return this.#fail(at, 'an IPv6 address does not begin with one colon');
      gap = 0;
      at += 2;
    }
    while (count < 8) {
      const start = at;
      let group = 0;
      for (; at < end; at++) {
        const digit = hexDigit(bytes[at] ?? 0);
        if (digit < 0) break;
        if (at - start === 4) return this.#fail(start, 'more than four digits between two colons of an IPv6 address');
        group = group * 16 + digit;
      }
      if (at === start) {
        if (gap === count) break;
        return this.#fail(at, 'not an address');
      }
      if (at < end && bytes[at] === DOT) {
        if (count > 6 || !this.scan4(bytes, start, end))
          return this.#fail(this.at, 'a wrong IPv4 part in an IPv6 address');
        at = this.at;
        groups[count++] = this.value >>> 16;
        groups[count++] = this.value & 0xffff;
        break;
      }
      groups[count++] = group;
      if (at >= end || bytes[at] !== COLON) break;
      if (at + 1 < end && bytes[at + 1] === COLON) {
        if (gap >= 0) return this.#fail(at, 'two gaps (::) in an IPv6 address');
        gap = count;
        at += 2;
      } else if (count === 8) {
        return this.#fail(at, 'more than eight groups in an IPv6 address');
      } else {
        at++;
        if (at >= end || hexDigit(bytes[at] ?? 0) < 0) return this.#fail(at, 'a colon at the end of an IPv6 address');
      }
    }
    if (gap < 0 ? count !== 8 : count > 7) {
      return this.#fail(
        at,
        gap < 0 ? 'an IPv6 address has eight groups, or a gap (::)' : 'a gap (::) that stands for nothing',
      );
    }
    if (gap >= 0) {
      groups.copyWithin(8 - (count - gap), gap, count);
      groups.fill(0, gap, 8 - (count - gap));
    }
    for (let i = 0; i < 4; i++) this.words[i] = ((groups[2 * i] ?? 0) << 16) | (groups[2 * i + 1] ?? 0);
    this.family = 6;
    this.at = at;
    return true;
  }

  /** Reads an address of either family at `at`. */
  address(bytes: Uint8Array, at: number, end: number): boolean {
    if (this.scan4(bytes, at, end)) return true;
    const { at: where, cause } = this;
    for (let i = at; i < end && i < at + 5; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === COLON) return this.scan6(bytes, at, end);
      if (hexDigit(byte) < 0) break;
    }
    return this.#fail(where, cause);
  }

  /** The length behind a slash at `at`: a number or, for IPv4, a netmask. -1 = wrong. */
  #length(bytes: Uint8Array, at: number, end: number): number {
    const start = at;
    let length = 0;
    while (at < end && at - start < 4) {
      const digit = (bytes[at] ?? 0) - 48;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
      at++;
    }
    const max = this.family === 4 ? 32 : 128;
    if (at > start && bytes[at] === DOT && this.family === 4) {
      const address = this.value;
      const good = this.scan4(bytes, start, end);
      const mask = this.value;
      this.value = address;
      const bits = Math.clz32(~mask);
      if (good && (bits === 32 || mask << bits === 0)) return bits;
      this.#fail(start, 'not a netmask');
      return -1;
    }
    if (at === start || length > max) {
      this.#fail(start, `a prefix length from 0 to ${max} is needed behind the slash`);
      return -1;
    }
    this.at = at;
    return length;
  }

  /** Reads an address or prefix at `at`, without adding it. */
  prefix(bytes: Uint8Array, at: number, end: number): boolean {
    if (!this.address(bytes, at, end)) return false;
    this.length = this.family === 4 ? 32 : 128;
    const slash = this.at;
    if (slash >= end || bytes[slash] !== SLASH || bytes[slash + 1] === SLASH) return true;
    const length = this.#length(bytes, slash + 1, end);
    if (length < 0) return false;
    this.length = length;
    return true;
  }

  /** Adds what `prefix` read. */
  add(builder: BatchBuilder): void {
    if (this.family === 4) builder.add4(this.value, this.length);
    else {
      const { words } = this;
      builder.add6(words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0, this.length);
    }
  }

  /** True if what was read ends here: at a blank, a separator, a comment or the end. */
  delimited(bytes: Uint8Array, end: number): boolean {
    const { at } = this;
    if (at >= end) return true;
    const next = bytes[at] ?? 0;
    return delimits(next) || (next === SLASH && bytes[at + 1] === SLASH) || this.#fail(at, this.#trailing(next));
  }

  /** Reads an address, prefix or range at `at` and adds it to `builder`; what follows is up to the caller. */
  item(bytes: Uint8Array, at: number, end: number, builder: BatchBuilder): boolean {
    if (!this.prefix(bytes, at, end)) return false;
    if (this.at < end && bytes[this.at] === DASH) return this.range(bytes, this.at + 1, end, builder);
    if (!this.delimited(bytes, end)) return false;
    this.add(builder);
    return true;
  }

  #trailing(next: number): string {
    if (next === COLON) return 'a port follows the address: ports cannot be listed';
    if (next === 0x25) return 'a zone follows the address: lists have no interface';
    if (next === DOT && this.family === 4) return 'more than four numbers in an IPv4 address';
    return 'something follows the address without a blank';
  }

  /** Reads the last address of a range whose first one was read just now, and adds what lies between. */
  range(bytes: Uint8Array, at: number, end: number, builder: BatchBuilder): boolean {
    const { family, length, value } = this;
    const words = this.words.slice();
    if (length !== (family === 4 ? 32 : 128))
      return this.#fail(at - 1, 'a range of prefixes: name its first and last address');
    if (!this.address(bytes, at, end) || !this.delimited(bytes, end)) return false;
    if (this.family !== family) return this.#fail(at, 'a range of two families');
    const done = family === 4 ? addRange4(builder, value, this.value) : addRange6(builder, words, this.words);
    return done || this.#fail(at, 'the end of the range lies before its beginning');
  }
}
