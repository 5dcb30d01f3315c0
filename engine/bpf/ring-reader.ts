// SPDX-License-Identifier: Apache-2.0
// A BPF ring buffer read in place. Layout: kernel/bpf/ringbuf.c: a page with the consumer's position, a page with the
// producer's, then the data twice in a row, so that a record at the end is still in one piece.

import { IdsError } from '../../common/errors.js';
import { check } from './check.js';
import { Mapping, pageSize } from './memory.js';
import { libc } from './native.js';

/** Plain data: a worker of the same process opens the ring from it. */
export interface RingHandle {
  readonly fd: number;
  /** Bytes of data, a power of two. */
  readonly size: number;
}

const BUSY = 0x80000000;
const DISCARD = 0x40000000;
const HEADER = 8;
const F_DUPFD_CLOEXEC = 1030;

export interface RingOptions {
  /** What was read stays in the ring until `release`: another reader would find it again. */
  readonly hold?: boolean;
}

export type RecordHandler = (view: DataView, at: number, length: number) => void;

export class RingReader {
  readonly #mask: number;
  readonly #fd: number;
  readonly #mappings: Mapping[] = [];
  readonly #hold: boolean;
  #read: number;
  #consumer: BigInt64Array;
  #producer: BigInt64Array;
  #words: Int32Array;
  #view: DataView;

  private constructor(handle: RingHandle, { hold = false }: RingOptions) {
    this.#mask = handle.size - 1;
    this.#hold = hold;
    // A descriptor of its own: the reader's life does not hang on the order in which others close theirs.
    this.#fd = check(libc().dup(handle.fd, F_DUPFD_CLOEXEC, 0), 'open a ring');
    try {
      const page = pageSize();
      const own = this.#own(Mapping.open(this.#fd, page, { writable: true, what: 'the position of a ring' }));
      const data = this.#own(
        Mapping.open(this.#fd, page + 2 * handle.size, { offset: page, what: 'the data of a ring' }),
      );
      this.#consumer = new BigInt64Array(own.buffer, 0, 1);
      this.#producer = new BigInt64Array(data.buffer, 0, 1);
      this.#words = new Int32Array(data.buffer, page, (2 * handle.size) / 4);
      this.#view = new DataView(data.buffer, page, 2 * handle.size);
      this.#read = Number(Atomics.load(this.#consumer, 0));
    } catch (error) {
      for (const mapping of this.#mappings) mapping.close();
      libc().close(this.#fd);
      throw error;
    }
  }

  static open(handle: RingHandle, options: RingOptions = {}): RingReader {
    return new RingReader(handle, options);
  }

  /** To wait on, with RingWaiter. */
  get fd(): number {
    return this.#fd;
  }

  /** Bytes that wait to be read. */
  get pending(): number {
    if (this.#consumer.length === 0) return 0;
    return Number(Atomics.load(this.#producer, 0)) - this.position;
  }

  /** How far it has been read: a number for `release`. */
  get position(): number {
    // What is not held, another reader may have read.
    return this.#hold || this.#consumer.length === 0 ? this.#read : Number(Atomics.load(this.#consumer, 0));
  }

  /** Bytes that were read and still take room in the ring. */
  get held(): number {
    return this.#consumer.length === 0 ? 0 : this.#read - Number(Atomics.load(this.#consumer, 0));
  }

  /** Gives the room of what was read up to `position` free; one that was released already is no matter. */
  release(position: number): void {
    if (this.#consumer.length > 0 && position > Number(Atomics.load(this.#consumer, 0)))
      Atomics.store(this.#consumer, 0, BigInt(position));
  }

  /**
   * Hands over the records that are ready, in the order in which they were reserved, and gives their number. The memory
   * behind a record is the ring's own: it holds good until the handler returns. A record whose handler throws counts as read.
   */
  drain(on: RecordHandler, max = Infinity): number {
    if (this.#consumer.length === 0) throw new IdsError('INTERNAL', 'the ring is closed');
    let done = 0;
    let from = this.position;
    // The position is told before the producer's is read again: whoever writes after that wakes us.
    for (let more = true; more && done < max;) {
      const end = Number(Atomics.load(this.#producer, 0));
      more = from < end;
      const start = from;
      try {
        while (from < end && done < max) {
          const at = from % (this.#mask + 1);
          const head = Atomics.load(this.#words, at / 4);
          if ((head & BUSY) !== 0) {
            more = false;
            break;
          }
          const length = head & ~DISCARD;
          from += (HEADER + length + 7) & ~7;
          if ((head & DISCARD) !== 0) continue;
          done++;
          on(this.#view, at + HEADER, length);
        }
      } finally {
        this.#read = from;
        if (from !== start && !this.#hold) Atomics.store(this.#consumer, 0, BigInt(from));
      }
    }
    return done;
  }

  /** Whether any record that waits passes `test`, or is still being written; none of them counts as read. */
  some(test: (view: DataView, at: number) => boolean): boolean {
    if (this.#consumer.length === 0) return false;
    const end = Number(Atomics.load(this.#producer, 0));
    for (let from = this.position; from < end;) {
      const at = from % (this.#mask + 1);
      const head = Atomics.load(this.#words, at / 4);
      if ((head & BUSY) !== 0) return true;
      if ((head & DISCARD) === 0 && test(this.#view, at + HEADER)) return true;
      from += (HEADER + (head & ~DISCARD) + 7) & ~7;
    }
    return false;
  }

  close(): void {
    if (this.#consumer.length === 0) return;
    this.#consumer = this.#producer = new BigInt64Array(0);
    this.#words = new Int32Array(0);
    this.#view = new DataView(new ArrayBuffer(0));
    for (const mapping of this.#mappings) mapping.close();
    libc().close(this.#fd);
  }

  #own(mapping: Mapping): Mapping {
    this.#mappings.push(mapping);
    return mapping;
  }
}
