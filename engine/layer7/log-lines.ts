// SPDX-License-Identifier: Apache-2.0
// Log lines on their way from the ring reader to the main thread: whole batches of bytes, one kind each, handed over
// without a copy.

import type { LogKind, LineBatch } from '../../alerts/lines.js';
import { ByteWriter } from './byte-writer.js';

/** A batch is handed over when it has so many bytes, or is so old. */
const BATCH_BYTES = 192 * 1024;
export const BATCH_MS = 50;
/** Bytes of a writer: the line that fills a batch may be long. */
const WRITER_BYTES = BATCH_BYTES + 65_536;
/** Memory that is kept for later. */
const SPARE = 64;

interface Open {
  readonly writer: ByteWriter;
  count: number;
}

export class LogLines {
  /** Lines written since the start. */
  produced = 0;
  readonly #open = new Map<LogKind, Open>();
  readonly #wanted: ReadonlySet<LogKind>;
  readonly #spare: Uint8Array[] = [];
  #full: LineBatch[] = [];
  #pending = 0;

  /** @param wanted kinds that an output takes: of others nothing is written */
  constructor(wanted: ReadonlySet<LogKind>) {
    this.#wanted = wanted;
  }

  wants(kind: LogKind): boolean {
    return this.#wanted.has(kind);
  }

  /** Where the next line of this kind goes; `end` closes it. */
  begin(kind: LogKind): ByteWriter {
    let open = this.#open.get(kind);
    if (!open) this.#open.set(kind, (open = { writer: new ByteWriter(WRITER_BYTES), count: 0 }));
    return open.writer;
  }

  end(kind: LogKind): void {
    const open = this.#open.get(kind);
    if (!open) return;
    open.writer.byte(0x0a);
    open.count++;
    this.produced++;
    this.#pending++;
    if (open.writer.at >= BATCH_BYTES) this.#close(kind, open);
  }

  /** Takes lines that others have put into words: `bytes` ends with a newline. */
  add(kind: LogKind, bytes: Uint8Array, count: number): void {
    this.begin(kind).raw(bytes);
    const open = this.#open.get(kind);
    if (!open) return;
    open.count += count;
    this.produced += count;
    this.#pending += count;
    if (open.writer.at >= BATCH_BYTES) this.#close(kind, open);
  }

  #close(kind: LogKind, open: Open): void {
    if (open.count === 0) return;
    this.#full.push({ kind, count: open.count, bytes: open.writer.take(this.#spare) });
    open.count = 0;
  }

  /** Takes back the memory of a batch. */
  recycle(buffer: ArrayBuffer): void {
    if (buffer.byteLength === WRITER_BYTES && this.#spare.length < SPARE) this.#spare.push(new Uint8Array(buffer));
  }

  /** Lines that have not been taken. */
  get pending(): number {
    return this.#pending;
  }

  /** The batches that are full, or with `all` everything. */
  take(all: boolean): LineBatch[] {
    if (all) for (const [kind, open] of this.#open) this.#close(kind, open);
    const full = this.#full;
    if (full.length === 0) return full;
    this.#full = [];
    for (const { count } of full) this.#pending -= count;
    return full;
  }
}
