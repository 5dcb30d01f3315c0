// SPDX-License-Identifier: Apache-2.0
// Whole lists as bytes on the control socket: what the client sends and reads, and what the server checks.

import { IdsError } from '../../common/errors.js';
import { decodeBatch, encodeBatch } from '../lists/batch-codec.js';
import { decodeFrames, encodeFrames } from '../lists/frames.js';
import type { Capacity, DiffResult, ExportChunk, PrefixBatch } from '../lists/prefix-batch.js';

export const BINARY = 'application/octet-stream';

/** More than any table holds. */
export const MAX_BULK_ENTRIES = 20_000_000;
type DiffHeader = Omit<DiffResult, 'added' | 'removed'>;

/**
 * A body with a checked batch and a header that is not checked yet.
 * @param room where the batch must fit
 * @throws IdsError USAGE, LIST_INVALID, LIST_FULL
 */
export function readBody(body: unknown, room: Capacity): { readonly header: unknown; readonly batch: PrefixBatch } {
  if (!(body instanceof Uint8Array))
    throw new IdsError('USAGE', `the request is not valid: its body must be ${BINARY}`);
  return decodeBatch(body, MAX_BULK_ENTRIES, room);
}

export function encodeDiff({ added, removed, kept, refusedCount, refused }: DiffResult): Buffer {
  return encodeFrames([encodeBatch(added, { kept, refusedCount, refused }), encodeBatch(removed)]);
}

export function decodeDiff(bytes: Buffer): DiffResult {
  const [first, second] = decodeFrames(bytes);
  const added = decodeBatch(first ?? Buffer.alloc(0), MAX_BULK_ENTRIES);
  const removed = decodeBatch(second ?? Buffer.alloc(0), MAX_BULK_ENTRIES);
  return { ...(added.header as DiffHeader), added: added.batch, removed: removed.batch };
}

export function encodeChunk({ batch, origin, action, forced }: ExportChunk): Buffer {
  return encodeBatch(batch, { origin, action, forced });
}

export function decodeChunk(bytes: Buffer): ExportChunk {
  const { header, batch } = decodeBatch(bytes, MAX_BULK_ENTRIES);
  return { ...(header as Omit<ExportChunk, 'batch' | 'created'>), batch };
}
