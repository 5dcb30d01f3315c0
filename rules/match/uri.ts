// SPDX-License-Identifier: Apache-2.0
// Request targets as rules see them. http.uri is the path, decoded once, with separators unified and dot segments
// removed, then the query decoded once, then the fragment: the same bytes that Suricata's default settings give.

const PERCENT = 0x25;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const QUESTION = 0x3f;
const HASH = 0x23;
const COLON = 0x3a;
const AT = 0x40;
const DOT = 0x2e;

/** Value of a hexadecimal digit, or -1. */
function digit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function hex(bytes: Uint8Array, at: number, end: number, digits: number): number {
  if (at + digits > end) return -1;
  let value = 0;
  for (let i = 0; i < digits; i++) {
    const next = digit(bytes[at + i]);
    if (next < 0) return -1;
    value = value * 16 + next;
  }
  return value;
}

/** %uXXXX as one byte: the full-width forms stand for ASCII, what has no single byte becomes "?". */
function narrow(code: number): number {
  if (code < 0x100) return code;
  return code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : QUESTION;
}

/** Decodes bytes[from..to) into `out` from `start` on; returns the new length. An invalid escape stays as it is. */
function decode(bytes: Uint8Array, from: number, to: number, out: Uint8Array, start: number, path: boolean): number {
  let length = start;
  for (let at = from; at < to; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === PERCENT) {
      const wide = ((bytes[at + 1] ?? 0) | 0x20) === 0x75;
      const value = wide ? hex(bytes, at + 2, to, 4) : hex(bytes, at + 1, to, 2);
      if (value >= 0) {
        byte = wide ? narrow(value) : value;
        at += wide ? 5 : 2;
      }
    }
    if (path) {
      if (byte === BACKSLASH) byte = SLASH;
      if (byte === SLASH && length > start && out[length - 1] === SLASH) continue;
    }
    out[length++] = byte;
  }
  return length;
}

/** Removes dot segments from out[0..length) in place; a path that ends in one loses it with its slash. */
function removeDots(out: Uint8Array, length: number): number {
  let write = 0;
  let at = 0;
  // "./" and "../" at the start go away.
  for (;;) {
    if (out[at] !== DOT) break;
    const dots = out[at + 1] === DOT ? 2 : 1;
    if (at + dots < length && out[at + dots] !== SLASH) break;
    at = Math.min(at + dots + 1, length);
    if (at >= length) return 0;
  }
  while (at < length) {
    if (out[at] === SLASH && out[at + 1] === DOT && at + 1 < length) {
      const dots = out[at + 2] === DOT && at + 2 < length ? 2 : 1;
      const end = at + 1 + dots;
      if (end >= length || out[end] === SLASH) {
        if (dots === 2) {
          while (write > 0 && out[write - 1] !== SLASH) write--;
          write = Math.max(0, write - 1);
        }
        at = end;
        continue;
      }
    }
    out[write++] = out[at++] ?? 0;
  }
  return write;
}

/** True if normalising bytes[from..to) would change nothing: the common case, and no copy is made of it. */
function isNormal(bytes: Uint8Array, from: number, to: number): boolean {
  let path = true;
  if (bytes[from] !== SLASH) return false;
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === PERCENT) return false;
    if (!path) continue;
    if (byte === BACKSLASH || byte === HASH) return false;
    if (byte === SLASH && (bytes[at + 1] === SLASH || bytes[at + 1] === DOT)) return false;
    if (byte === QUESTION) path = false;
  }
  return true;
}

function find(bytes: Uint8Array, byte: number, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === byte) return at;
  return to;
}

/** Where the parts of an absolute target are: `http://user@host:port/path`. */
export interface Authority {
  readonly hostFrom: number;
  readonly hostTo: number;
  readonly path: number;
}

/** The authority of an absolute-form target (RFC 9112 section 3.2.2), undefined for the other forms. */
export function authorityOf(target: Uint8Array): Authority | undefined {
  let at = 0;
  while (at < target.length && /[a-z0-9+.-]/i.test(String.fromCharCode(target[at] ?? 0))) at++;
  if (at === 0 || target[at] !== COLON || target[at + 1] !== SLASH || target[at + 2] !== SLASH) return undefined;
  const from = at + 3;
  let path = from;
  while (path < target.length && target[path] !== SLASH && target[path] !== QUESTION && target[path] !== HASH) path++;
  let hostFrom = from;
  for (let i = from; i < path; i++) if (target[i] === AT) hostFrom = i + 1;
  return { hostFrom, hostTo: path, path };
}

/** http.uri of a request target. */
export function normaliseTarget(target: Uint8Array): Uint8Array {
  if (isNormal(target, 0, target.length)) return target;
  const from = authorityOf(target)?.path ?? 0;
  if (from > 0 && isNormal(target, from, target.length)) return target.subarray(from);
  const hash = find(target, HASH, from, target.length);
  const question = find(target, QUESTION, from, hash);
  const out = new Uint8Array(target.length - from);
  let length = removeDots(out, decode(target, from, question, out, 0, true));
  if (question < hash) {
    out[length] = QUESTION;
    length = decode(target, question + 1, hash, out, length + 1, false);
  }
  if (hash < target.length) {
    out[length] = HASH;
    length = decode(target, hash + 1, target.length, out, length + 1, false);
  }
  return out.subarray(0, length);
}

/** http.host: lower case, without the port; an IPv6 literal keeps its brackets. */
export function normaliseHost(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  const bracket = bytes[0] === 0x5b ? find(bytes, 0x5d, 0, end) : 0;
  const colon = find(bytes, COLON, bracket, end);
  if (colon < end) end = colon;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x41 || byte > 0x5a) continue;
    return bytes.slice(0, end).map((code) => (code >= 0x41 && code <= 0x5a ? code | 0x20 : code));
  }
  return bytes.subarray(0, end);
}

/** Host of an absolute target: decoded, lower case, without port and trailing dots. */
export function hostOfTarget(target: Uint8Array, authority: Authority): Uint8Array {
  const raw = target.subarray(authority.hostFrom, authority.hostTo);
  const out = new Uint8Array(raw.length);
  const host = normaliseHost(out.subarray(0, decode(raw, 0, raw.length, out, 0, false)));
  let end = host.length;
  while (end > 0 && host[end - 1] === DOT) end--;
  return host.subarray(0, end);
}
