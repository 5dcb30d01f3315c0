// SPDX-License-Identifier: Apache-2.0
// What is wrong with the header section of an HTTP/1 message: the events that Suricata's reader of HTTP raises on it.
// Nothing is said of what is cut off.

import { isIPv6 } from 'node:net';
import { LineEvent, RequestEvent, ResponseEvent } from '../app-events.js';

const LF = 10;
const CR = 13;
const COLON = 0x3a;
/** Names of one message, as in Suricata unless it is told otherwise. */
const MAX_NAMES = 1024;

const text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 9;
const SPACE_AT_END = /[\0\t-\r ]$/;
const TOKEN = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]*[ \t]*$/;

/** The number that a length begins with, behind what is none; undefined without one that 64 bits hold. */
function lengthOf(value: string): bigint | undefined {
  const digits = /\d+/.exec(value)?.[0];
  const length = digits === undefined ? undefined : BigInt(digits);
  return length === undefined || length >= 1n << 64n ? undefined : length;
}

/** Bits of LineEvent of the whole lines from `from` to `to`. */
export function lineEvents(bytes: Uint8Array, from: number, to: number): number {
  let events = 0;
  // As there, of these one is told of a message.
  const once = (bit: number): void => {
    const all = LineEvent.BLANK_AFTER_NAME | LineEvent.NOT_TOKEN | LineEvent.EMPTY_NAME;
    if ((events & all) === 0) events |= bit;
  };
  const seen = new Map<string, string>();
  for (let at = from; at < to;) {
    const end = bytes.indexOf(LF, at);
    if (end < 0 || end >= to) break;
    const line = bytes.subarray(at, bytes[end - 1] === CR ? end - 1 : end);
    const folded = isBlank(line[0]);
    at = end + 1;
    if (folded && seen.size > 0) continue;
    if (folded) events |= LineEvent.FOLDING;
    const colon = line.indexOf(COLON);
    const name = text(line.subarray(0, Math.max(0, colon)));
    if (SPACE_AT_END.test(name)) once(LineEvent.BLANK_AFTER_NAME);
    if (!TOKEN.test(name)) once(LineEvent.NOT_TOKEN);
    if (colon < 0) events |= LineEvent.MISSING_COLON;
    else if (colon === 0) once(LineEvent.EMPTY_NAME);
    const key = name.trim().toLowerCase();
    const value = key === 'content-length' ? text(line.subarray(colon + 1)) : '';
    const known = seen.get(key);
    if (known !== undefined) {
      events |= LineEvent.REPEATED;
      const [before, now] = [lengthOf(known), lengthOf(value)];
      if (key === 'content-length' && (now === undefined || now !== before)) events |= LineEvent.LENGTHS_DIFFER;
    } else if (seen.size > MAX_NAMES) events |= LineEvent.MANY;
    else seen.set(key, value);
  }
  return events;
}

interface HostPort {
  readonly host: string;
  /** NaN: what stands there is no port. */
  readonly port: number | undefined;
  readonly valid: boolean;
}

function isHostName(host: string): boolean {
  if (host === '' || host.length > 255) return false;
  const [, address] = /^\[([^#?/\]]+)\]/.exec(host) ?? [];
  if (address !== undefined) return isIPv6(address);
  if (host.startsWith('.') || host.includes('..')) return false;
  return host.split('.').every((part) => part.length <= 63 && /^[\w\p{L}\p{N}-]*$/u.test(part));
}

/** `host:port`, as lenient as it is read there; undefined if it is a path. */
function hostPort(value: string): HostPort | undefined {
  const begin = value.startsWith('//') ? 2 : 0;
  const [all, found] = /^ *(\[[^/?#\]]+\]?|[^/?#:]+)/.exec(value.slice(begin)) ?? [];
  if (all === undefined || found === undefined) return undefined;
  const host = found.replace(/ +$/, '');
  const rest = value.slice(begin + all.length);
  const [, written] = /^: *([^/?# ]+)/.exec(rest) ?? [];
  if (written === undefined) return { host, port: undefined, valid: isHostName(host) && rest === '' };
  const port = /^\d{1,5}$/.test(written) && Number(written) > 0 && Number(written) < 65_536 ? Number(written) : NaN;
  return { host, port, valid: isHostName(host) && !Number.isNaN(port) };
}

/** The version; undefined if it is none that is known. */
function versionOf(protocol: Uint8Array): string | undefined {
  return /^\s*HTTP\s*\/[\s0]*(\.9|1\.0|1\.1)\s*$/i.exec(text(protocol))?.[1];
}

const isChunked = (coding: string): boolean => coding.replaceAll('\0', '').toLowerCase().includes('chunked');

/** What a section has of a header, several values joined. */
type Get = (name: string) => Uint8Array | undefined;

export interface RequestParts {
  readonly method: Uint8Array;
  readonly rawUri: Uint8Array;
  readonly protocol: Uint8Array;
  /** What stands between method and target. */
  readonly delimiter: Uint8Array;
  /** Of an absolute target: its authority without a user, and the host in it as it is normalised. */
  readonly authority: { readonly text: Uint8Array; readonly host: Uint8Array } | undefined;
  readonly complete: boolean;
  readonly hasLines: boolean;
  readonly get: Get;
}

function hostEvents({ method, rawUri, authority, get, complete }: RequestParts, version: string | undefined): number {
  const connects = text(method) === 'CONNECT';
  const named = connects ? hostPort(text(rawUri)) : authority && hostPort(text(authority.text));
  const uriHost = named && (connects ? named.host.toLowerCase() : text(authority?.host ?? new Uint8Array(0)));
  let events = 0;
  if (named !== undefined && uriHost !== undefined) {
    const valid = connects ? named.valid : isHostName(uriHost) && !Number.isNaN(named.port ?? 0);
    if (!valid) events |= RequestEvent.URI_HOST_INVALID;
  }
  const field = get('host');
  if (field === undefined) return events | (complete && version === '1.1' ? RequestEvent.NO_HOST : 0);
  const header = hostPort(text(field));
  if (header === undefined) return events | (uriHost === undefined ? 0 : RequestEvent.HOST_AMBIGUOUS);
  if (!header.valid) events |= RequestEvent.HOST_INVALID;
  if (uriHost === undefined) return events;
  const ports = header.port !== undefined && named?.port !== undefined && !Object.is(header.port, named.port);
  return events | (uriHost !== header.host.toLowerCase() || ports ? RequestEvent.HOST_AMBIGUOUS : 0);
}

/** Bits of RequestEvent. */
export function requestEvents(parts: RequestParts): number {
  const { rawUri, protocol, delimiter, get } = parts;
  const version = versionOf(protocol);
  let events = hostEvents(parts, version);
  if (delimiter.some((byte) => byte !== 0x20)) events |= RequestEvent.METHOD_DELIMITER;
  if (/[\0\t-\r]/.test(text(rawUri))) events |= RequestEvent.URI_DELIMITER;
  if (protocol.length === 0 && parts.complete && parts.hasLines) events |= RequestEvent.NO_PROTOCOL;
  const coding = get('transfer-encoding');
  const length = get('content-length');
  if (coding !== undefined) {
    if (!isChunked(text(coding)) || version !== '1.1') events |= RequestEvent.TRANSFER_ENCODING;
  } else if (length !== undefined && lengthOf(text(length)) === undefined) events |= RequestEvent.CONTENT_LENGTH;
  const authorization = get('authorization');
  if (authorization !== undefined && !/^(?:basic|digest|bearer)/i.test(text(authorization))) {
    events |= RequestEvent.AUTHORIZATION;
  }
  return events;
}

/** Bits of ResponseEvent. */
export function responseEvents(protocol: Uint8Array, status: Uint8Array, get: Get): number {
  const version = versionOf(protocol);
  const number = /^\d+$/.test(text(status)) ? Number(text(status)) : 0;
  const coding = get('transfer-encoding');
  const length = get('content-length');
  let events = 0;
  if (version === undefined) events |= ResponseEvent.PROTOCOL;
  if (number < 100 || number > 999) events |= ResponseEvent.STATUS;
  if (number === 101 && (coding ?? length) !== undefined) events |= ResponseEvent.SWITCHED_WITH_LENGTH;
  if (coding !== undefined && isChunked(text(coding))) {
    if (text(coding).toLowerCase() !== 'chunked') events |= ResponseEvent.TRANSFER_ENCODING;
    if (version !== '1.1') events |= ResponseEvent.CHUNKED_BEFORE_1_1;
  } else if (length !== undefined && number !== 100 && lengthOf(text(length)) === undefined) {
    events |= ResponseEvent.CONTENT_LENGTH;
  }
  return events;
}
