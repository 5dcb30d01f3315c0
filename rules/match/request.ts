// SPDX-License-Identifier: Apache-2.0
// Reads the header section of an HTTP/1 request: possibly cut off, possibly with masked values, possibly hostile.

import { BufferId, Kind, type Message } from './message.js';
import { HeaderSection, named } from './section.js';
import { authorityOf, hostOfTarget, normaliseHost, normaliseTarget } from './uri.js';

/** Bits of HttpRequest.cut: buffers that continue behind what was captured. */
export const Open = { METHOD: 1, URI: 2, HOST: 4, USER_AGENT: 8, HEADER: 16 } as const;

export interface HttpRequest extends Message {
  readonly method: Uint8Array;
  /** Request target as sent. */
  readonly rawUri: Uint8Array;
  /** http.uri */
  readonly uri: Uint8Array;
  /** `HTTP/1.1`, empty if there is none. */
  readonly protocol: Uint8Array;
  /** http.host; undefined if the request names no host. */
  readonly host: Uint8Array | undefined;
  readonly userAgent: Uint8Array | undefined;
  readonly referer: Uint8Array | undefined;
  /** http.header: `Name: value\r\n` in order, repeated names joined, without Cookie. */
  readonly headers: Uint8Array;
  /** The empty line that ends the section was there. */
  readonly complete: boolean;
  /** Bits of `Open`. */
  readonly cut: number;
  /** Number of the message in its direction, if the caller knows it. */
  number: number | undefined;
  /** See Message. */
  decided: readonly number[] | undefined;
  hits: readonly number[] | undefined;
}

/** By BufferId. */
const OPEN_BITS: readonly number[] = [Open.METHOD, Open.URI, Open.HOST, Open.USER_AGENT, Open.HEADER];

function openBit(id: BufferId): number {
  switch (id) {
    case BufferId.URI_RAW:
    case BufferId.PROTOCOL:
    case BufferId.REQUEST_LINE:
      return Open.URI;
    case BufferId.HOST_RAW:
      return Open.HOST;
    default:
      return OPEN_BITS[id] ?? Open.HEADER;
  }
}

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const TAB = 9;
const MAX_METHOD = 32;

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

/** Letters, digits and the marks of an RFC 9110 token. */
function isToken(byte: number): boolean {
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return true;
  if (byte >= 0x30 && byte <= 0x39) return true;
  return byte === 0x2d || byte === 0x5f || byte === 0x2e || byte === 0x21 || byte === 0x7e || byte === 0x2b;
}

function endsWithProtocol(bytes: Uint8Array, from: number, to: number): boolean {
  const at = bytes[from];
  return (
    to - from >= 5 &&
    (at === 0x48 || at === 0x68) &&
    ((bytes[from + 3] ?? 0) | 0x20) === 0x70 &&
    bytes[from + 4] === 0x2f
  );
}

interface Line {
  /** Without what ends it. */
  readonly text: Uint8Array;
  readonly method: Uint8Array;
  readonly rawUri: Uint8Array;
  readonly protocol: Uint8Array;
  /** Where the header fields begin. */
  readonly next: number;
  readonly ended: boolean;
}

const NOTHING = new Uint8Array(0);

function readLine(bytes: Uint8Array): Line | undefined {
  let start = 0;
  // RFC 9112 section 2.2: empty lines before the request line are skipped.
  while (bytes[start] === CR || bytes[start] === LF) start++;
  let at = start;
  while (at < bytes.length && isToken(bytes[at] ?? 0)) at++;
  if (at === start || at - start > MAX_METHOD || !isBlank(bytes[at])) return undefined;
  const method = bytes.subarray(start, at);
  while (isBlank(bytes[at])) at++;
  const from = at;
  let space = -1;
  for (; at < bytes.length && bytes[at] !== LF; at++) if (bytes[at] === SPACE) space = at;
  const ended = at < bytes.length;
  const text = bytes.subarray(start, bytes[at - 1] === CR ? at - 1 : at);
  let to = at;
  while (to > from && (bytes[to - 1] === CR || isBlank(bytes[to - 1]))) to--;
  if (to < space) space = bytes.lastIndexOf(SPACE, to - 1);
  // A target may hold spaces; the protocol is what stands behind the last one, if it is one.
  const split = space >= from && endsWithProtocol(bytes, space + 1, to) ? space : to;
  let end = split;
  while (end > from && isBlank(bytes[end - 1])) end--;
  if (end === from) return undefined;
  const protocol = split < to ? bytes.subarray(split + 1, to) : NOTHING;
  return { text, method, rawUri: bytes.subarray(from, end), protocol, next: ended ? at + 1 : at, ended };
}

class Request extends HeaderSection implements HttpRequest {
  readonly kind = Kind.HTTP_REQUEST;
  readonly method: Uint8Array;
  readonly rawUri: Uint8Array;
  readonly protocol: Uint8Array;
  userAgent: Uint8Array | undefined;
  referer: Uint8Array | undefined;
  number: number | undefined = undefined;
  decided: readonly number[] | undefined = undefined;
  hits: readonly number[] | undefined = undefined;
  cut = 0;
  #hostField: Uint8Array | undefined;
  #hostKnown = false;
  #host: Uint8Array | undefined;
  #uri: Uint8Array | undefined;

  constructor(bytes: Uint8Array, line: Line) {
    super(bytes, line.text, line.next, 'cookie');
    this.method = line.method;
    this.rawUri = line.rawUri;
    this.protocol = line.protocol;
    if (!line.ended) this.cut = Open.URI | Open.HEADER;
    else if (this.scan()) this.cut |= Open.HOST | Open.USER_AGENT;
    if (!this.complete) this.cut |= Open.HEADER;
    const { fields } = this;
    if (fields === undefined) return;
    this.#hostField = fields.get('host');
    this.userAgent = fields.get('user-agent');
    this.referer = fields.get('referer');
  }

  override buffer(id: BufferId, instance = 0): Uint8Array | undefined {
    switch (id) {
      case BufferId.METHOD:
        return this.method;
      case BufferId.URI:
        return this.uri;
      case BufferId.HOST:
        return this.host;
      case BufferId.USER_AGENT:
        return this.userAgent;
      case BufferId.URI_RAW:
        return this.rawUri;
      case BufferId.HOST_RAW:
        return this.#rawHost();
      case BufferId.REQUEST_LINE:
        return this.line;
      case BufferId.REQUEST_HEADER:
        return this.lines.line(instance);
      default:
        return super.buffer(id);
    }
  }

  open(id: BufferId): boolean {
    return this.cut !== 0 && (this.cut & openBit(id)) !== 0;
  }

  #rawHost(): Uint8Array | undefined {
    const authority = this.rawUri[0] === 0x2f ? undefined : authorityOf(this.rawUri);
    if (authority !== undefined) return this.rawUri.subarray(authority.hostFrom, authority.hostTo);
    return this.#hostField;
  }

  asSent(id: BufferId): boolean {
    return id === BufferId.HEADER ? this.linesAsSent : id !== BufferId.URI || this.uri === this.rawUri;
  }

  get uri(): Uint8Array {
    return (this.#uri ??= normaliseTarget(this.rawUri));
  }

  get host(): Uint8Array | undefined {
    if (this.#hostKnown) return this.#host;
    this.#hostKnown = true;
    return (this.#host = this.#readHost());
  }

  #readHost(): Uint8Array | undefined {
    const authority = this.rawUri[0] === 0x2f ? undefined : authorityOf(this.rawUri);
    if (authority !== undefined) return hostOfTarget(this.rawUri, authority);
    return this.#hostField === undefined ? undefined : normaliseHost(this.#hostField);
  }

  protected override note(at: number, colon: number, from: number, to: number, cut: boolean): void {
    const { bytes } = this;
    switch (colon - at) {
      case 4:
        if (!named(bytes, at, 'host')) return;
        this.#hostField = bytes.subarray(from, to);
        if (cut) this.cut |= Open.HOST;
        return;
      case 7:
        if (named(bytes, at, 'referer')) this.referer = bytes.subarray(from, to);
        return;
      case 10:
        if (!named(bytes, at, 'user-agent')) return;
        this.userAgent = bytes.subarray(from, to);
        if (cut) this.cut |= Open.USER_AGENT;
        return;
      default:
    }
  }
}

/** The request whose header section begins at the start of `bytes`, or undefined if none does. Keeps `bytes`. */
export function parseHttpRequest(bytes: Uint8Array): HttpRequest | undefined {
  const line = readLine(bytes);
  return line === undefined ? undefined : new Request(bytes, line);
}
