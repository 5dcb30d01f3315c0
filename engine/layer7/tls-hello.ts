// SPDX-License-Identifier: Apache-2.0
// ClientHello and ServerHello (RFC 8446 4.1, RFC 5246 7.4.1): what fingerprints, rules and logs ask of them.

import { HelloEvent } from '../../rules/index.js';

/** Numbers of extensions. */
const SERVER_NAME = 0;
const GROUPS = 10;
const POINT_FORMATS = 11;
const SIGNATURES = 13;
const ALPN = 16;
const TICKET = 35;
const VERSIONS = 43;

/** Bytes of a host name. */
const MAX_NAME = 255;

/** A hello. Lists stand as they were sent, GREASE included. */
export interface Hello {
  /** The version field: 0x0303 in everything that TLS 1.3 sends. */
  readonly version: number;
  readonly session: Uint8Array;
  /** What is offered, or the one that was chosen. */
  readonly ciphers: readonly number[];
  readonly extensions: readonly number[];
  /** The first host name; absent without the extension. */
  readonly sni?: Uint8Array;
  readonly alpns: readonly Uint8Array[];
  readonly groups: readonly number[];
  readonly pointFormats: readonly number[];
  readonly signatures: readonly number[];
  /** Of supported_versions: all that are offered, or the one that was chosen. */
  readonly versions: readonly number[];
  /** A session ticket, not an empty offer of one. */
  readonly ticket: boolean;
  /** What is wrong with it: bits of HelloEvent. */
  readonly events: number;
}

/** RFC 8701: values that say nothing, sent so that nobody relies on their absence. */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

type Draft = { -readonly [K in keyof Hello]: Hello[K] extends readonly (infer T)[] ? T[] : Hello[K] };

class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  failed = false;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get more(): boolean {
    return !this.failed && this.at < this.end;
  }

  number(size: 1 | 2): number {
    if (this.at + size > this.end) this.failed = true;
    if (this.failed) return 0;
    const first = this.bytes[this.at++] ?? 0;
    return size === 1 ? first : first * 256 + (this.bytes[this.at++] ?? 0);
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.end) this.failed = true;
    if (this.failed) return this.bytes.subarray(0, 0);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** What a length of `size` bytes announces. */
  within(size: 1 | 2): Cursor {
    const length = this.number(size);
    const from = this.at;
    this.take(length);
    return new Cursor(this.bytes, from, this.failed ? from : this.at);
  }

  /** Numbers up to the end; an odd byte is left out. */
  numbers(size: 1 | 2): number[] {
    const out: number[] = [];
    while (this.at + size <= this.end) out.push(this.number(size));
    return out;
  }
}

/** As in Suricata, by the first name alone. */
function serverNameEvents({ bytes, at, end }: Cursor, again: boolean): number {
  if (at === end) return 0;
  const cursor = new Cursor(bytes, at + 2, end);
  const type = cursor.number(1);
  const length = cursor.number(2);
  if (cursor.failed) return 0;
  if (type !== 0) return HelloEvent.SNI_TYPE;
  if (length === 0 || length > MAX_NAME || cursor.at + length > end) return HelloEvent.SNI_LENGTH;
  return again ? HelloEvent.SNI_TWICE : 0;
}

function readServerName(cursor: Cursor, out: Draft): void {
  out.events |= serverNameEvents(cursor, out.sni !== undefined);
  const list = cursor.within(2);
  while (list.more && out.sni === undefined) {
    const type = list.number(1);
    const name = list.take(list.number(2));
    if (type === 0 && !list.failed) out.sni = name;
  }
}

function readProtocols(cursor: Cursor, out: Draft): void {
  const list = cursor.within(2);
  while (list.more) {
    const name = list.take(list.number(1));
    if (!list.failed && name.length > 0) out.alpns.push(name);
  }
}

/** An extension that cannot be read counts as one without content: the fingerprints need its number alone. */
function readExtension(type: number, cursor: Cursor, out: Draft, client: boolean): void {
  switch (type) {
    case SERVER_NAME:
      if (client) readServerName(cursor, out);
      break;
    case ALPN:
      readProtocols(cursor, out);
      break;
    case GROUPS:
      out.groups = cursor.within(2).numbers(2);
      break;
    case POINT_FORMATS:
      out.pointFormats = cursor.within(1).numbers(1);
      break;
    case SIGNATURES:
      out.signatures = cursor.within(2).numbers(2);
      break;
    case VERSIONS:
      out.versions = client ? cursor.within(1).numbers(2) : cursor.numbers(2).slice(0, 1);
      break;
    case TICKET:
      out.ticket = cursor.at < cursor.end;
      break;
  }
}

/** Reads a hello without its handshake header; undefined if it ends within a field. Never throws. */
export function parseHello(body: Uint8Array, client: boolean): Hello | undefined {
  const cursor = new Cursor(body, 0, body.length);
  const version = cursor.number(2);
  cursor.take(32);
  const out: Draft = {
    version,
    session: cursor.take(cursor.number(1)),
    ciphers: client ? cursor.within(2).numbers(2) : [cursor.number(2)],
    extensions: [],
    alpns: [],
    groups: [],
    pointFormats: [],
    signatures: [],
    versions: [],
    ticket: false,
    events: 0,
  };
  if (client) cursor.within(1);
  else cursor.number(1);
  if (cursor.failed) return undefined;
  // Before TLS 1.2 a hello may end here.
  if (!cursor.more) return out;
  const list = cursor.within(2);
  if (cursor.failed) return undefined;
  while (list.more) {
    const type = list.number(2);
    const content = list.within(2);
    if (list.failed) return undefined;
    out.extensions.push(type);
    readExtension(type, content, out, client);
  }
  return out;
}

/** The version that is preferred: of a client the first that it offers, of a server the one that it chose. */
export function firstVersion({ versions, version }: Hello): number {
  return versions.find((one) => !isGrease(one)) ?? version;
}

/** The version that counts: chosen or the highest offered. */
export function versionOf(hello: Hello): number {
  let best = 0;
  for (const version of hello.versions) if (!isGrease(version) && version > best) best = version;
  return best || hello.version;
}
