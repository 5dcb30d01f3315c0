// SPDX-License-Identifier: Apache-2.0
// The messages of one direction of an HTTP connection within its inspection depth: heads and bodies, chunks undone. What
// the kernel says of heads is not needed here, so that both can be tested against each other.

import { readFields } from '../../rules/match/fields.js';
import { codingsOf, decodeBody, type Coding } from './decode-body.js';

const LF = 10;
const CR = 13;

/** A message of which at least the head is there. */
export interface HttpMessage {
  /** From 1, as the kernel counts header sections of the direction; interim responses count with their final one. */
  readonly number: number;
  /** The header section with its start line. */
  readonly head: Uint8Array;
  readonly codings: readonly Coding[] | undefined;
  /** Of a response: the head of its request, if that was seen. */
  readonly request: Uint8Array | undefined;
  /** Bytes of the body as they were sent, without chunk sizes; undefined if there is none. */
  body: Uint8Array;
  bodyLength: number;
  complete: boolean;
  /** Bytes of the body that were judged. */
  judged: number;
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'close' | 'lost';

/** Finds the end of a header section that begins at `from`: behind its empty line, or -1. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = from; ;) {
    const line = bytes.indexOf(LF, at);
    if (line < 0) return -1;
    const next = line + 1;
    if (bytes[next] === LF) return next + 1;
    if (bytes[next] === CR && bytes[next + 1] === LF) return next + 2;
    at = next;
  }
}

/** Requests of a connection that are remembered. */
const ASKED_MAX = 64;

const text = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');

/** The method of a request's head. */
function methodOf(head: Uint8Array | undefined): string {
  return head === undefined ? '' : text(head.subarray(0, head.indexOf(0x20)));
}

export class HttpDirection {
  /** The message whose body is being read, or the last one. */
  current: HttpMessage | undefined;
  readonly #response: boolean;
  /** Heads of the requests that wait for their response, oldest first. */
  readonly #asked: Uint8Array[];
  #state: State = 'head';
  #at = 0;
  #left = 0;
  #number = 0;

  /** @param asked shared by both directions: requests put in, responses take out */
  constructor(response: boolean, asked: Uint8Array[]) {
    this.#response = response;
    this.#asked = asked;
  }

  get lost(): boolean {
    return this.#state === 'lost';
  }

  /**
   * Reads on in the stream, which is all that was sent so far. Calls back whenever a body grew or ended; `current` is its
   * message.
   */
  read(stream: Uint8Array, onBody: (message: HttpMessage) => void): void {
    let grown = false;
    const told = (): void => {
      if (grown && this.current) onBody(this.current);
      grown = false;
    };
    while (this.#at < stream.length) {
      switch (this.#state) {
        case 'head':
          told();
          if (!this.#head(stream)) return;
          // Also where there is no body: rules may look at the head together with the payload around it.
          grown = !this.lost;
          break;
        case 'length':
        case 'chunk':
        case 'close':
          this.#take(stream);
          grown = true;
          break;
        case 'size':
          if (!this.#size(stream)) return told();
          break;
        case 'chunk-end':
        case 'trailer':
          if (!this.#line(stream)) return told();
          grown = true;
          break;
        case 'lost':
          return told();
      }
    }
    told();
  }

  /** The connection ended or nothing more is handed over: a body that goes on to the end is complete then. */
  end(onBody: (message: HttpMessage) => void): void {
    if (this.current && !this.current.complete && this.#state === 'close') {
      this.current.complete = true;
      onBody(this.current);
    }
  }

  #head(stream: Uint8Array): boolean {
    let start = this.#at;
    while (stream[start] === CR || stream[start] === LF) start++;
    const end = endOfHead(stream, start);
    if (end < 0) return false;
    const head = stream.slice(start, end);
    const line = head.indexOf(LF) + 1;
    const words = text(head.subarray(0, line)).split(' ');
    const isResponse = words[0]?.startsWith('HTTP/') ?? false;
    this.#at = end;
    if (isResponse !== this.#response || words.length < 2) {
      this.#state = 'lost';
      return true;
    }
    const fields = readFields(head, line);
    const codings = codingsOf(text(fields.get('content-encoding')));
    const status = Number(words[1]);
    const interim = this.#response && status >= 100 && status < 200 && status !== 101;
    const number = interim ? this.#number + 1 : ++this.#number;
    const request = this.#response && !interim ? this.#asked.shift() : undefined;
    if (!this.#response && this.#asked.length < ASKED_MAX) this.#asked.push(head);
    const empty = { body: new Uint8Array(0), bodyLength: 0, complete: false, judged: 0 };
    this.current = { number, head, codings, request, ...empty };
    this.#frame(methodOf(request), status, fields.get('content-length'), fields.get('transfer-encoding'));
    return true;
  }

  /** RFC 9112 6.3: how long the body is. */
  #frame(asked: string, status: number, length: Uint8Array | undefined, coding: Uint8Array | undefined): void {
    const message = this.current as HttpMessage;
    const none =
      this.#response && (asked === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200));
    if (this.#response && ((asked === 'CONNECT' && status >= 200 && status < 300) || status === 101)) {
      this.#state = 'lost';
      message.complete = true;
    } else if (none) {
      message.complete = true;
    } else if (/(^|[ ,\t])chunked[ \t]*$/i.test(text(coding))) {
      this.#state = 'size';
    } else if (coding !== undefined && this.#response) {
      this.#state = 'close';
    } else if (length !== undefined) {
      const digits = /^(\d+)(?:[ \t]*,[ \t]*\1)*$/.exec(text(length).trim())?.[1];
      this.#left = digits === undefined ? NaN : Number(digits);
      if (!Number.isSafeInteger(this.#left)) this.#state = 'lost';
      else if (this.#left === 0) message.complete = true;
      else this.#state = 'length';
    } else if (this.#response) {
      this.#state = 'close';
    } else {
      message.complete = true;
    }
  }

  #take(stream: Uint8Array): void {
    const message = this.current as HttpMessage;
    const there = stream.length - this.#at;
    const length = this.#state === 'close' ? there : Math.min(there, this.#left);
    append(message, stream.subarray(this.#at, this.#at + length));
    this.#at += length;
    this.#left -= length;
    if (this.#state === 'close' || this.#left > 0) return;
    if (this.#state === 'chunk') {
      this.#state = 'chunk-end';
    } else {
      message.complete = true;
      this.#state = 'head';
    }
  }

  #size(stream: Uint8Array): boolean {
    const line = stream.indexOf(LF, this.#at);
    if (line < 0) return false;
    const digits = /^[ \t]*([0-9a-f]{1,12})[ \t]*(;|\r?$)/i.exec(text(stream.subarray(this.#at, line)))?.[1];
    this.#at = line + 1;
    if (digits === undefined) this.#state = 'lost';
    else {
      this.#left = parseInt(digits, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    }
    return true;
  }

  /** The line behind a chunk, or one of the trailer. */
  #line(stream: Uint8Array): boolean {
    const line = stream.indexOf(LF, this.#at);
    if (line < 0) return false;
    const empty = line === this.#at || (line === this.#at + 1 && stream[this.#at] === CR);
    this.#at = line + 1;
    if (this.#state === 'chunk-end') this.#state = empty ? 'size' : 'lost';
    else if (empty) {
      (this.current as HttpMessage).complete = true;
      this.#state = 'head';
    }
    return true;
  }
}

function append(message: HttpMessage, bytes: Uint8Array): void {
  const total = message.bodyLength + bytes.length;
  if (total > message.body.length) {
    const larger = new Uint8Array(Math.max(1024, 2 * message.body.length, total));
    larger.set(message.body.subarray(0, message.bodyLength));
    message.body = larger;
  }
  message.body.set(bytes, message.bodyLength);
  message.bodyLength = total;
}

/** The body as it was sent, and unpacked: the same if it was not packed; undefined if it cannot be unpacked. */
export function bodyOf(message: HttpMessage): { readonly raw: Uint8Array; readonly decoded: Uint8Array | undefined } {
  const raw = message.body.subarray(0, message.bodyLength);
  const { codings } = message;
  if (codings === undefined) return { raw, decoded: undefined };
  return { raw, decoded: codings.length === 0 ? raw : decodeBody(raw, codings) };
}
