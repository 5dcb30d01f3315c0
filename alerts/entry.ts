// SPDX-License-Identifier: Apache-2.0
// A record on its way out: every output shares it, so it is put into words once.

import { randomBytes } from 'node:crypto';
import { messageOf } from '../common/errors.js';
import { lineIn, type Format } from './formats/index.js';
import type { EventKind, LineBatch, LogKind } from './lines.js';
import type { Detection } from './model.js';
import { DeliveryError } from './sinks/sink.js';
import { Told } from './told.js';

/** What a receiver needs of a record. `line` is it in the format of the output, without a newline. */
export interface Sendable {
  readonly kind: EventKind;
  readonly line: string;
  /** UTF-8 bytes of `line`. */
  readonly bytes: number;
  /** Undefined for a log line. */
  readonly detection?: Detection;
}

/** One record in one format. Its line is made at first use. */
export class Entry implements Sendable {
  readonly told: Told;
  readonly #format: Format;
  #line: string | undefined;
  #bytes = -1;

  constructor(record: Told | Detection, format: Format = 'eve') {
    this.told = Told.of(record);
    this.#format = format;
  }

  get kind(): EventKind {
    return this.told.kind;
  }

  get detection(): Detection {
    return this.told.detection;
  }

  /** @throws DeliveryError, final, if it cannot be put into words */
  get line(): string {
    try {
      return (this.#line ??= this.#write());
    } catch (error) {
      throw new DeliveryError(`a record cannot be put into words: ${messageOf(error)}`, { final: true, cause: error });
    }
  }

  #write(): string {
    const line = this.#format === 'eve' ? this.told.eve : undefined;
    return line ?? lineIn[this.#format](this.detection);
  }

  get bytes(): number {
    if (this.#bytes < 0) this.#bytes = Buffer.byteLength(this.line);
    return this.#bytes;
  }
}

/** One log line. */
export class LineEntry implements Sendable {
  readonly kind: LogKind;
  readonly line: string;
  readonly bytes: number;

  constructor(kind: LogKind, line: string, bytes: number) {
    this.kind = kind;
    this.line = line;
    this.bytes = bytes;
  }
}

/** The lines of a batch one by one, for receivers that take no bytes. */
export function entriesOf({ kind, bytes }: LineBatch): LineEntry[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: LineEntry[] = [];
  for (let at = 0; at < text.length;) {
    const next = text.indexOf(10, at);
    const end = next < 0 ? text.length : next;
    entries.push(new LineEntry(kind, text.toString('utf8', at, end), end - at));
    at = end + 1;
  }
  return entries;
}

/** Records that are delivered together, oldest first. The id stays the same however often delivery is tried. */
export interface Batch {
  readonly id: string;
  readonly entries: readonly Sendable[];
}

/** An id for a batch: 120 random bits in 24 characters that may stand in a header or URL. */
export function batchId(): string {
  return `msg_${randomBytes(15).toString('base64url')}`;
}
