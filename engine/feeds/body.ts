// SPDX-License-Identifier: Apache-2.0
// Bytes as they come, in one buffer of their own: held once, and free to be given to another thread.

const FIRST = 64 * 1024;

export class Body {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param promised how many bytes to expect; room that nothing is written to costs no memory */
  constructor(promised = 0) {
    this.#bytes = new Uint8Array(Math.max(promised, FIRST));
  }

  get length(): number {
    return this.#length;
  }

  add(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  /** What came so far. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
}
