// SPDX-License-Identifier: Apache-2.0
// Reads the header section of an HTTP/1 request: possibly cut off, possibly with masked values, possibly hostile.

import { eventBytes } from '../app-events.js';
import { methodBit } from './guards.js';
import { requestEvents } from './http-events.js';
import { BufferId, Kind, type Message, type Place } from './message.js';
import { HeaderSection, named } from './section.js';
import { authorityOf, hostOfTarget, normaliseHost, normaliseTarget, type Authority } from './uri.js';

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
const SLASH = 0x2f;
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

/** Where the parts of a request line are. */
interface Line {
  readonly start: number;
  readonly methodEnd: number;
  readonly targetFrom: number;
  readonly targetTo: number;
  readonly protocolFrom: number;
  readonly protocolTo: number;
  /** Without what ends it. */
  readonly textEnd: number;
  /** Where the header fields begin. */
  readonly next: number;
  readonly ended: boolean;
}

function readLine(bytes: Uint8Array): Line | undefined {
  let start = 0;
  // RFC 9112 section 2.2: empty lines before the request line are skipped.
  while (bytes[start] === CR || bytes[start] === LF) start++;
  let at = start;
  while (at < bytes.length && isToken(bytes[at] as number)) at++;
  if (at === start || at - start > MAX_METHOD || !isBlank(bytes[at])) return undefined;
  const methodEnd = at;
  while (isBlank(bytes[at])) at++;
  const from = at;
  let space = -1;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === LF) break;
    if (byte === SPACE) space = at;
  }
  const ended = at < bytes.length;
  const textEnd = bytes[at - 1] === CR ? at - 1 : at;
  let to = at;
  while (to > from && (bytes[to - 1] === CR || isBlank(bytes[to - 1]))) to--;
  if (to < space) space = bytes.lastIndexOf(SPACE, to - 1);
  // A target may hold spaces; the protocol is what stands behind the last one, if it is one.
  const split = space >= from && endsWithProtocol(bytes, space + 1, to) ? space : to;
  let end = split;
  while (end > from && isBlank(bytes[end - 1])) end--;
  if (end === from) return undefined;
  const protocolFrom = split < to ? split + 1 : to;
  const next = ended ? at + 1 : at;
  return { start, methodEnd, targetFrom: from, targetTo: end, protocolFrom, protocolTo: to, textEnd, next, ended };
}

class Request extends HeaderSection implements HttpRequest {
  readonly kind = Kind.HTTP_REQUEST;
  number: number | undefined = undefined;
  decided: readonly number[] | undefined = undefined;
  hits: readonly number[] | undefined = undefined;
  cut = 0;
  readonly #line: Line;
  // Where values are; 0: there is no such line.
  #hostFrom = 0;
  #hostTo = 0;
  #agentFrom = 0;
  #agentTo = 0;
  #refererFrom = 0;
  #refererTo = 0;
  #rawUri: Uint8Array | undefined = undefined;
  #userAgent: Uint8Array | undefined = undefined;
  #hostKnown = false;
  #host: Uint8Array | undefined = undefined;
  #uri: Uint8Array | undefined = undefined;
  #events: Uint8Array | undefined = undefined;

  constructor(bytes: Uint8Array, line: Line) {
    super(bytes, line.start, line.textEnd, line.next, 'cookie');
    this.#line = line;
    if (!line.ended) this.cut = Open.URI | Open.HEADER;
    else if (this.scan()) this.cut |= Open.HOST | Open.USER_AGENT;
    if (!this.complete) this.cut |= Open.HEADER;
  }

  get method(): Uint8Array {
    return this.bytes.subarray(this.#line.start, this.#line.methodEnd);
  }

  get methodBit(): number {
    return methodBit(this.bytes, this.#line.start, this.#line.methodEnd);
  }

  get uriLength(): number {
    return (this.cut & Open.URI) === 0 ? this.uri.length : -1;
  }

  get rawUri(): Uint8Array {
    return (this.#rawUri ??= this.bytes.subarray(this.#line.targetFrom, this.#line.targetTo));
  }

  get protocol(): Uint8Array {
    return this.bytes.subarray(this.#line.protocolFrom, this.#line.protocolTo);
  }

  get userAgent(): Uint8Array | undefined {
    return (this.#userAgent ??= this.#valueOf('user-agent', this.#agentFrom, this.#agentTo));
  }

  get referer(): Uint8Array | undefined {
    return this.#valueOf('referer', this.#refererFrom, this.#refererTo);
  }

  get #hostField(): Uint8Array | undefined {
    return this.#valueOf('host', this.#hostFrom, this.#hostTo);
  }

  #valueOf(name: string, from: number, to: number): Uint8Array | undefined {
    if (this.fields !== undefined) return this.fields.get(name);
    return from === 0 ? undefined : this.bytes.subarray(from, to);
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
      case BufferId.REFERER:
        return this.referer;
      case BufferId.URI_RAW:
        return this.rawUri;
      case BufferId.HOST_RAW:
        return this.#rawHost();
      case BufferId.REQUEST_LINE:
        return this.line;
      case BufferId.REQUEST_HEADER:
        return this.lines.line(instance);
      case BufferId.REQUEST_EVENT:
        return (this.#events ??= eventBytes(this.#readEvents()));
      default:
        return super.buffer(id);
    }
  }

  override stands(id: BufferId): boolean {
    switch (id) {
      case BufferId.METHOD:
      case BufferId.URI_RAW:
      case BufferId.PROTOCOL:
      case BufferId.REQUEST_LINE:
        return true;
      case BufferId.URI:
        return this.uri === this.rawUri;
      case BufferId.HOST:
      case BufferId.HOST_RAW:
        return this.linesAsSent && this.bytes[this.#line.targetFrom] === SLASH;
      case BufferId.USER_AGENT:
      case BufferId.REQUEST_HEADER:
        return this.linesAsSent;
      default:
        return super.stands(id);
    }
  }

  override locate(id: BufferId, place: Place): void {
    place.exact = true;
    switch (id) {
      case BufferId.METHOD:
      case BufferId.URI_RAW:
      case BufferId.PROTOCOL:
      case BufferId.REQUEST_LINE:
        place.exact = false;
        place.from = 0;
        place.to = this.#line.next;
        return;
      case BufferId.URI:
        place.from = this.#line.targetFrom;
        place.to = this.#line.targetTo;
        return;
      case BufferId.HOST:
      case BufferId.HOST_RAW:
        // Of an absent one it is the empty place before the first byte.
        place.from = this.#hostFrom;
        place.to = this.#hostTo;
        return;
      case BufferId.USER_AGENT:
        place.from = this.#agentFrom;
        place.to = this.#agentTo;
        return;
      default:
        super.locate(id === BufferId.REQUEST_HEADER ? BufferId.HEADER : id, place);
    }
  }

  open(id: BufferId): boolean {
    return this.cut !== 0 && (this.cut & openBit(id)) !== 0;
  }

  #readEvents(): number {
    const authority = this.#authority();
    const { bytes, method, rawUri, protocol, complete, hasLines } = this;
    const parts = {
      ...{ method, rawUri, protocol, complete, hasLines },
      delimiter: bytes.subarray(this.#line.methodEnd, this.#line.targetFrom),
      authority: authority && {
        text: rawUri.subarray(authority.hostFrom, authority.hostTo),
        host: hostOfTarget(rawUri, authority),
      },
      get: (name: string) => this.lines.get(name),
    };
    return this.lineEvents | requestEvents(parts);
  }

  #rawHost(): Uint8Array | undefined {
    const authority = this.#authority();
    if (authority !== undefined) return this.rawUri.subarray(authority.hostFrom, authority.hostTo);
    return this.#hostField;
  }

  #authority(): Authority | undefined {
    return this.bytes[this.#line.targetFrom] === SLASH ? undefined : authorityOf(this.rawUri);
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
    const authority = this.#authority();
    if (authority !== undefined) return hostOfTarget(this.rawUri, authority);
    const field = this.#hostField;
    return field === undefined ? undefined : normaliseHost(field);
  }

  protected override note(at: number, colon: number, from: number, to: number, cut: boolean): void {
    const { bytes } = this;
    switch (colon - at) {
      case 4:
        if (!named(bytes, at, 'host')) return;
        this.#hostFrom = from;
        this.#hostTo = to;
        if (cut) this.cut |= Open.HOST;
        return;
      case 7:
        if (!named(bytes, at, 'referer')) return;
        this.#refererFrom = from;
        this.#refererTo = to;
        return;
      case 10:
        if (!named(bytes, at, 'user-agent')) return;
        this.#agentFrom = from;
        this.#agentTo = to;
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
