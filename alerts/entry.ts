// SPDX-License-Identifier: Apache-2.0
// A raised record on its way out: every output shares it, so it is put into words once.

import { randomBytes } from 'node:crypto';
import { eveLine } from './eve.js';
import type { Detection } from './model.js';

/** One record. `line` is its EVE JSON without a newline, made at first use. */
export class Entry {
  readonly detection: Detection;
  #line: string | undefined;
  #bytes = -1;

  constructor(detection: Detection) {
    this.detection = detection;
  }

  get line(): string {
    return (this.#line ??= eveLine(this.detection));
  }

  /** UTF-8 bytes of `line`. */
  get bytes(): number {
    if (this.#bytes < 0) this.#bytes = Buffer.byteLength(this.line);
    return this.#bytes;
  }
}

/** Records that are delivered together, oldest first. The id stays the same however often delivery is tried. */
export interface Batch {
  readonly id: string;
  readonly entries: readonly Entry[];
}

/** An id for a batch: 120 random bits in 24 characters that may stand in a header or URL. */
export function batchId(): string {
  return `msg_${randomBytes(15).toString('base64url')}`;
}
