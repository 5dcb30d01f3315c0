// SPDX-License-Identifier: Apache-2.0
// A message whose buffers are put in one by one: bodies, TLS, DNS, payload. Made once and used again and again.

import { BUFFERS, type BufferId, type Kind, type Message } from './message.js';

export class BufferMessage implements Message {
  kind: Kind = 0;
  fresh = 0;
  number: number | undefined = undefined;
  decided: readonly number[] | undefined = undefined;
  hits: readonly number[] | undefined = undefined;
  readonly #buffers: Uint8Array[][] = BUFFERS.map(() => []);
  #head: Message | undefined;
  #open = 0;

  /** Empties it. Buffers that are not put in are those of `head`, if there is one, and so is its number. */
  begin(kind: Kind, head?: Message): this {
    for (const buffer of this.#buffers) buffer.length = 0;
    this.kind = kind;
    this.#head = head;
    this.#open = 0;
    this.fresh = 0;
    this.number = head?.number;
    this.decided = head?.decided;
    this.hits = head?.hits;
    return this;
  }

  /** Puts in a buffer, or a further instance of it. @param open it goes on, see Message.open */
  put(id: BufferId, bytes: Uint8Array, open = false): this {
    this.#buffers[id]?.push(bytes);
    if (open) this.#open |= 1 << id;
    return this;
  }

  buffer(id: BufferId, instance: number): Uint8Array | undefined {
    const own = this.#buffers[id];
    return own !== undefined && own.length > 0 ? own[instance] : this.#head?.buffer(id, instance);
  }

  open(id: BufferId): boolean {
    return (this.#open & (1 << id)) !== 0 || (this.#head?.open(id) ?? false);
  }
}
