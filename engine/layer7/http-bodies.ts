// SPDX-License-Identifier: Apache-2.0
// Bodies of an HTTP connection, judged while they grow.

import { BufferId, BufferMessage, Kind, parseHttpRequest, parseHttpResponse } from '../../rules/index.js';
import { bodyOf, HttpDirection, type HttpMessage } from './http-body.js';
import type { Flow } from './flow-states.js';
import type { PayloadStream } from './payload.js';
import { requestShown, responseShown, type Judging, type Shown } from './shown.js';

export class HttpBodies {
  readonly #requests: HttpDirection;
  readonly #responses: HttpDirection;

  constructor() {
    const asked: Uint8Array[] = [];
    this.#requests = new HttpDirection(false, asked);
    this.#responses = new HttpDirection(true, asked);
  }

  /** Reads what a direction's stream grew by in the record at `at`. */
  onGrown(stream: PayloadStream, toClient: boolean, view: DataView, at: number, flow: Flow, judge: Judging): void {
    const direction = toClient ? this.#responses : this.#requests;
    const told = (message: HttpMessage): void => {
      if (!isWorthIt(message) && !stream.last) return;
      message.judged = message.bodyLength;
      const one = messageOf(message, toClient, stream);
      if (one) judge(one, view, at, flow, () => shownOf(message, toClient));
    };
    direction.read(stream.bytes, told);
    if (stream.last) direction.end(told);
  }
}

/**
 * Whether a body has grown by so much that it is judged again, from its first byte: without that, somebody who sends it
 * byte by byte would make us work for the square of its length. Most of the work is to unpack it.
 */
function isWorthIt({ complete, bodyLength, judged, codings }: HttpMessage): boolean {
  return complete || bodyLength - judged >= judged / (codings?.length === 0 ? 32 : 4);
}

const judged = new BufferMessage();

/** What rules judge: the head's buffers, the body, and what its direction has sent. */
function messageOf(message: HttpMessage, toClient: boolean, stream: PayloadStream): BufferMessage | undefined {
  const head = toClient ? parseHttpResponse(message.head) : parseHttpRequest(message.head);
  if (!head) return undefined;
  head.number = message.number;
  const more = !message.complete && !stream.last;
  const { raw, decoded } = bodyOf(message);
  judged.begin(toClient ? Kind.HTTP_RESPONSE_BODY : Kind.HTTP_REQUEST_BODY, head);
  const nothing = message.complete && message.bodyLength === 0;
  if (nothing) return judged.put(BufferId.PAYLOAD, stream.bytes, !stream.last);
  if (!toClient) judged.put(BufferId.REQUEST_BODY, raw, more);
  else if (decoded) judged.put(BufferId.RESPONSE_BODY, decoded, more);
  if (decoded) judged.put(BufferId.FILE_DATA, decoded, more);
  return judged.put(BufferId.PAYLOAD, stream.bytes, !stream.last);
}

function shownOf(message: HttpMessage, toClient: boolean): Shown {
  const asked = toClient ? message.request : message.head;
  const request = asked && parseHttpRequest(asked);
  const answered = toClient ? responseShown(message.head) : {};
  return { http: { ...answered, ...(request ? requestShown(request) : {}) } };
}
