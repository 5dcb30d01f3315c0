// SPDX-License-Identifier: Apache-2.0
// Records that have to outlive the ring's memory: a request that waits for its response. Their memory is used again.

/** A record of the bulk ring from its first byte. */
export class RecordCopy {
  bytes = new Uint8Array(1024);
  view = new DataView(this.bytes.buffer);
  length = 0;

  fill(source: Uint8Array, at: number, length: number): void {
    if (length > this.bytes.length) {
      let size = this.bytes.length;
      while (size < length) size *= 2;
      this.bytes = new Uint8Array(size);
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(source.subarray(at, at + length));
    this.length = length;
  }
}

/** Bounded in copies and in bytes; `take` gives none beyond them. */
export class RecordPool {
  readonly #free: RecordCopy[] = [];
  readonly #maxCopies: number;
  readonly #maxBytes: number;
  /** Copies in use, and the bytes of their memory. */
  used = 0;
  bytes = 0;

  constructor(maxCopies = 65_536, maxBytes = 64 << 20) {
    this.#maxCopies = maxCopies;
    this.#maxBytes = maxBytes;
  }

  take(source: Uint8Array, at: number, length: number): RecordCopy | undefined {
    if (this.used >= this.#maxCopies || this.bytes + length > this.#maxBytes) return undefined;
    const copy = this.#free.pop() ?? new RecordCopy();
    copy.fill(source, at, length);
    this.used++;
    this.bytes += copy.bytes.length;
    return copy;
  }

  give(copy: RecordCopy): void {
    this.used--;
    this.bytes -= copy.bytes.length;
    // Unusually large ones are not kept for later.
    if (copy.bytes.length <= 4096 && this.#free.length < 4096) this.#free.push(copy);
  }
}
