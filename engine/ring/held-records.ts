// SPDX-License-Identifier: Apache-2.0
// What was read from the rings stays there until what it raised is stored: a daemon that is killed finds it again.

import type { RingReader } from '../bpf/index.js';

interface Mark {
  /** So many had been raised when the rings were read up to here. */
  readonly raised: number;
  positions: readonly number[];
}

/** Rings that are fuller than this are not held: a record that cannot be written is lost for certain. */
const FULLEST = 0.5;

export class HeldRecords {
  readonly #rings: readonly { readonly reader: RingReader; readonly size: number }[];
  #marks: Mark[] = [];
  #raised = 0;

  /** @param rings opened with `hold`, and their bytes of data */
  constructor(rings: readonly { readonly reader: RingReader; readonly size: number }[]) {
    this.#rings = rings;
  }

  /** Whether something is held. */
  get any(): boolean {
    return this.#marks.length > 0;
  }

  /** The rings were read up to where they are now, which raised so many. */
  note(raised: number): void {
    const positions = this.#rings.map(({ reader }) => reader.position);
    const last = this.#marks.at(-1);
    this.#raised += raised;
    if (raised === 0 && last) last.positions = positions;
    else this.#marks.push({ raised: this.#raised, positions });
  }

  /** @param waiting of those that were raised, so many are not stored */
  release(waiting: number): void {
    const stored = this.#raised - waiting;
    let done: readonly number[] | undefined;
    let count = 0;
    for (const { raised, positions } of this.#marks) {
      if (raised > stored) break;
      done = positions;
      count++;
    }
    if (count > 0) this.#marks = this.#marks.slice(count);
    if (done) this.#rings.forEach(({ reader }, i) => reader.release(done[i] ?? 0));
    for (const { reader, size } of this.#rings) {
      if (reader.held > size * FULLEST) reader.release(reader.position);
    }
  }
}
