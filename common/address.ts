// SPDX-License-Identifier: Apache-2.0
// IP addresses as 16 bytes (IPv4 as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2) and prefixes over them.

import { isIPv4, isIPv6 } from 'node:net';
import { IdsError } from './errors.js';

/** A prefix in mapped form: `bytes` are 16, host bits zero; `length` is 0 to 128 (IPv4 /n is stored as 96 + n). */
export interface Prefix {
  readonly bytes: Uint8Array;
  readonly length: number;
}

const MAPPED_BITS = 96;

function parse4(text: string, out: Uint8Array): void {
  out.fill(0);
  out[10] = out[11] = 0xff;
  text.split('.').forEach((part, i) => (out[12 + i] = Number(part)));
}

function parse6(text: string, out: Uint8Array): void {
  out.fill(0);
  let rest = text;
  const dotted = rest.lastIndexOf(':') + 1;
  if (rest.includes('.')) {
    const [a = 0, b = 0, c = 0, d = 0] = rest.slice(dotted).split('.').map(Number);
    rest = `${rest.slice(0, dotted)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = rest.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const put = (values: number[], from: number): void =>
    values.forEach((value, i) => {
      out[from + 2 * i] = value >> 8;
      out[from + 2 * i + 1] = value & 0xff;
    });
  put(groups(head), 0);
  if (tail !== undefined) put(groups(tail), 16 - 2 * groups(tail).length);
}

/**
 * The 16 bytes of an address; an IPv4-mapped IPv6 text gives the same bytes as the IPv4 text.
 * @throws IdsError ADDRESS_INVALID (zone ids such as fe80::1%eth0 are refused: rules and lists have no interface).
 */
export function parseAddress(text: string): Uint8Array {
  const out = new Uint8Array(16);
  if (isIPv4(text)) parse4(text, out);
  else if (isIPv6(text) && !text.includes('%')) parse6(text, out);
  else
    throw new IdsError('ADDRESS_INVALID', `"${text}" is not an IP address: write for example 192.0.2.7 or 2001:db8::7`);
  return out;
}

/** True for bytes of the mapped range ::ffff:0:0/96. */
export function isMapped4(bytes: Uint8Array, at = 0): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** True if every bit from `length` on is zero. */
function hostBitsZero(bytes: Uint8Array, length: number): boolean {
  for (let bit = length; bit < 128; bit++) if ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) return false;
  return true;
}

/** Clears the bits from `length` on, in place. */
export function maskBytes(bytes: Uint8Array, length: number): Uint8Array {
  for (let i = 0; i < 16; i++) {
    const keep = Math.min(8, Math.max(0, length - 8 * i));
    bytes[i] = (bytes[i] ?? 0) & (0xff00 >> keep) & 0xff;
  }
  return bytes;
}

/**
 * A prefix from `ADDRESS` or `ADDRESS/LENGTH`.
 * @param options.strict refuse host bits that are not zero (default: they are cleared).
 * @throws IdsError ADDRESS_INVALID
 */
export function parsePrefix(text: string, options: { strict?: boolean } = {}): Prefix {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseAddress(address);
  const four = isIPv4(address);
  const max = four ? 32 : 128;
  const given = slash < 0 ? max : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  if (given < 0 || given > max) {
    throw new IdsError('ADDRESS_INVALID', `"${text}" is not a prefix: the length is a number from 0 to ${max}`);
  }
  const length = four ? MAPPED_BITS + given : given;
  if (options.strict && !hostBitsZero(bytes, length)) {
    const clean = formatPrefix({ bytes: maskBytes(bytes.slice(), length), length });
    throw new IdsError('ADDRESS_INVALID', `"${text}" has host bits set: did you mean ${clean}?`);
  }
  return { bytes: maskBytes(bytes, length), length };
}

/** The text of the address at `bytes[at..at+16]`: dotted for mapped IPv4, RFC 5952 for IPv6. */
export function formatAddress(bytes: Uint8Array, at = 0): string {
  if (isMapped4(bytes, at)) return `${bytes[at + 12]}.${bytes[at + 13]}.${bytes[at + 14]}.${bytes[at + 15]}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[at + i] ?? 0) << 8) | (bytes[at + i + 1] ?? 0));
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > bestLength) [best, bestLength] = [i, run];
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best < 0) return hex(groups);
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

/** True if the prefix is IPv4. */
export function isPrefix4(prefix: Prefix): boolean {
  return prefix.length >= MAPPED_BITS && isMapped4(prefix.bytes);
}

/** The canonical text of a prefix: a full-length one as a bare address. */
export function formatPrefix(prefix: Prefix): string {
  const length = isPrefix4(prefix) ? prefix.length - MAPPED_BITS : prefix.length;
  const text = formatAddress(prefix.bytes);
  return prefix.length === 128 ? text : `${text}/${length}`;
}

/** True if `outer` covers the whole of `inner`. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  if (inner.length < outer.length) return false;
  for (let i = 0; i < 16; i++) {
    const keep = Math.min(8, Math.max(0, outer.length - 8 * i));
    const mask = (0xff00 >> keep) & 0xff;
    if (((outer.bytes[i] ?? 0) & mask) !== ((inner.bytes[i] ?? 0) & mask)) return false;
  }
  return true;
}
