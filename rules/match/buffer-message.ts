// SPDX-License-Identifier: Apache-2.0
// A message whose buffers are put in one by one: bodies, TLS, DNS, payload. Made once and used again and again.

import { BUFFERS, BufferId, type Kind, type Message, type Place } from './message.js';

type Make = () => Uint8Array | undefined;

export class BufferMessage implements Message {
  kind: Kind = 0;
  fresh = 0;
  repeated = false;
  number: number | undefined = undefined;
  decided: readonly number[] | undefined = undefined;
  hits: readonly number[] | undefined = undefined;
  readonly #buffers: Uint8Array[][] = BUFFERS.map(() => []);
  readonly #makers: (Make | undefined)[] = BUFFERS.map(() => undefined);
  readonly #open: boolean[] = BUFFERS.map(() => false);
  /** Buffers that are in use. */
  readonly #used: BufferId[] = [];
  #head: Message | undefined;

  /** Empties it. Buffers that are not put in are those of `head`, if there is one, and so is its number. */
  begin(kind: Kind, head?: Message): this {
    for (const id of this.#used) {
      const buffer = this.#buffers[id];
      if (buffer) buffer.length = 0;
      this.#makers[id] = undefined;
      this.#open[id] = false;
    }
    this.#used.length = 0;
    this.kind = kind;
    this.#head = head;
    this.fresh = 0;
    this.repeated = false;
    this.number = head?.number;
    this.decided = head?.decided;
    this.hits = head?.hits;
    return this;
  }

  /** Puts in a buffer, or a further instance of it. @param open it goes on, see Message.open */
  put(id: BufferId, bytes: Uint8Array, open = false): this {
    this.#buffers[id]?.push(bytes);
    this.#used.push(id);
    if (open) this.#open[id] = true;
    return this;
  }

  /** Puts in a buffer that is made when a rule asks for it. */
  offer(id: BufferId, make: Make): this {
    this.#makers[id] = make;
    this.#used.push(id);
    return this;
  }

  /** The buffer may be there, behind what was captured. */
  withholdIf(id: BufferId, may: boolean): this {
    if (!may) return this;
    this.#used.push(id);
    this.#open[id] = true;
    return this;
  }

  buffer(id: BufferId, instance: number): Uint8Array | undefined {
    const own = this.#buffers[id];
    if (own === undefined) return undefined;
    const make = this.#makers[id];
    if (make !== undefined) {
      this.#makers[id] = undefined;
      const made = make();
      if (made) own.push(made);
    }
    return own.length > 0 ? own[instance] : this.#head?.buffer(id, instance);
  }

  /** What the head is known by; nothing where a buffer was put in its place. */
  get methodBit(): number | undefined {
    return this.#isOfHead(BufferId.METHOD) ? this.#head?.methodBit : undefined;
  }

  get nameBits(): number | undefined {
    const own = !this.#isOfHead(BufferId.HEADER) || !this.#isOfHead(BufferId.HEADER_NAMES);
    return own ? undefined : this.#head?.nameBits;
  }

  get uriLength(): number | undefined {
    return this.#isOfHead(BufferId.URI) && this.#open[BufferId.URI] === false ? this.#head?.uriLength : undefined;
  }

  #isOfHead(id: BufferId): boolean {
    return this.#buffers[id]?.length === 0 && this.#makers[id] === undefined;
  }

  get whole(): Uint8Array | undefined {
    return this.#head?.whole;
  }

  stands(id: BufferId): boolean {
    const own = this.#buffers[id];
    if (this.#makers[id] !== undefined || own === undefined) return false;
    if (own.length === 0) return this.#head?.stands?.(id) === true;
    return own.length === 1 && own[0] === this.whole;
  }

  locate(id: BufferId, place: Place): void {
    if (this.#buffers[id]?.length === 0) this.#head?.locate?.(id, place);
    else {
      place.from = 0;
      place.to = this.whole?.length ?? 0;
      place.exact = true;
    }
  }

  asSent(id: BufferId): boolean {
    return this.#head?.asSent?.(id) ?? true;
  }

  open(id: BufferId): boolean {
    return this.#open[id] === true || (this.#head?.open(id) ?? false);
  }
}
