// SPDX-License-Identifier: Apache-2.0
// Reads the header section of an HTTP/1 response as rules see it.

import { eventBytes } from '../app-events.js';
import { responseEvents } from './http-events.js';
import { BufferId, Kind, type Message, type Place } from './message.js';
import { HeaderSection } from './section.js';

const LF = 10;
const CR = 13;
const SPACE = 0x20;

export interface HttpResponse extends Message {
  /** `HTTP/1.1` */
  readonly protocol: Uint8Array;
  /** The three digits. */
  readonly status: Uint8Array;
  readonly reason: Uint8Array;
  /** http.header: `Name: value\r\n` in order, repeated names joined, without Set-Cookie. */
  readonly headers: Uint8Array;
  /** The empty line that ends the section was there. */
  readonly complete: boolean;
  number: number | undefined;
  /** See Message. */
  decided: readonly number[] | undefined;
  hits: readonly number[] | undefined;
}

class Response extends HeaderSection implements HttpResponse {
  readonly kind = Kind.HTTP_RESPONSE;
  readonly protocol: Uint8Array;
  readonly status: Uint8Array;
  readonly reason: Uint8Array;
  number: number | undefined = undefined;
  decided: readonly number[] | undefined = undefined;
  hits: readonly number[] | undefined = undefined;

  constructor(bytes: Uint8Array, from: number, blank: number, end: number) {
    const to = bytes[end - 1] === CR ? end - 1 : end;
    super(bytes, from, to, Math.min(end + 1, bytes.length), 'set-cookie');
    let status = blank;
    while (bytes[status] === SPACE) status++;
    let reason = status;
    while (reason < to && bytes[reason] !== SPACE) reason++;
    this.protocol = bytes.subarray(from, blank);
    this.status = bytes.subarray(status, reason);
    this.reason = bytes.subarray(Math.min(reason + 1, to), to);
    this.scan();
  }

  get #events(): number {
    return this.lineEvents | responseEvents(this.protocol, this.status, (name) => this.lines.get(name));
  }

  override stands(id: BufferId): boolean {
    switch (id) {
      case BufferId.STAT_CODE:
      case BufferId.STAT_MSG:
      case BufferId.PROTOCOL:
      case BufferId.RESPONSE_LINE:
        return true;
      case BufferId.RESPONSE_HEADER:
        return this.linesAsSent;
      default:
        return super.stands(id);
    }
  }

  override locate(id: BufferId, place: Place): void {
    super.locate(id === BufferId.RESPONSE_HEADER ? BufferId.HEADER : id, place);
  }

  override buffer(id: BufferId, instance = 0): Uint8Array | undefined {
    switch (id) {
      case BufferId.STAT_CODE:
        return this.status;
      case BufferId.STAT_MSG:
        return this.reason;
      case BufferId.RESPONSE_LINE:
        return this.line;
      case BufferId.RESPONSE_HEADER:
        return this.lines.line(instance);
      case BufferId.RESPONSE_EVENT:
        return eventBytes(this.#events);
      default:
        return super.buffer(id);
    }
  }

  asSent(): boolean {
    return this.linesAsSent;
  }

  open(): boolean {
    return !this.complete;
  }

  protected override note(): void {
    // Nothing is asked of single lines.
  }
}

/** The response whose header section begins at the start of `bytes`, or undefined if none does. Keeps `bytes`. */
export function parseHttpResponse(bytes: Uint8Array): HttpResponse | undefined {
  let from = 0;
  while (bytes[from] === CR || bytes[from] === LF) from++;
  // HTTP/ in any case, as lenient readers take it.
  const named = [0x68, 0x74, 0x74, 0x70, 0x2f].every((sign, i) => ((bytes[from + i] ?? 0) | 0x20) === sign);
  if (!named) return undefined;
  let end = bytes.indexOf(LF, from);
  if (end < 0) end = bytes.length;
  let blank = from;
  while (blank < end && bytes[blank] !== SPACE) blank++;
  return new Response(bytes, from, blank, end);
}
