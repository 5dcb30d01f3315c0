// SPDX-License-Identifier: Apache-2.0
// What a download holds, as one batch.

import { unionBatches } from '../lists/batch-ops.js';
import type { BadLine, ListFormat } from '../lists/formats/formats.js';
import { parseList } from '../lists/formats/parse.js';
import type { PrefixBatch } from '../lists/prefix-batch.js';

export interface ReadRequest {
  readonly bytes: Uint8Array;
  /** True if gzip is how they travelled. */
  readonly encoded: boolean;
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly format?: ListFormat;
  readonly column?: string;
}

export interface FeedContent {
  readonly batch: PrefixBatch;
  readonly format: ListFormat;
  readonly bad: number;
  readonly badLines: readonly BadLine[];
}

/** @throws IdsError LIST_INVALID */
export function readFeed({ bytes, maxBytes, maxEntries, format, column }: ReadRequest): FeedContent {
  const list = parseList(bytes, {
    maxBytes,
    maxEntries,
    together: true,
    ...(format === undefined ? {} : { format }),
    ...(column === undefined ? {} : { column }),
  });
  const batch = unionBatches(list.groups.map((group) => group.batch));
  return { batch, format: list.format, bad: list.bad, badLines: list.badLines };
}

/** The buffers of a batch, each once. */
export function transferables({ addr4, len4, addr6, len6, extra }: PrefixBatch): ArrayBuffer[] {
  const columns = [addr4, len4, addr6, len6];
  const more = extra ? [extra.expires4, extra.expires6, extra.reason4, extra.reason6] : [];
  return [...new Set([...columns, ...more].map((column) => column.buffer as ArrayBuffer))];
}
