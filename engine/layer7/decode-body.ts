// SPDX-License-Identifier: Apache-2.0
// Bodies as they were before they were packed: gzip, deflate and brotli, of which only the beginning may be there.

import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib';

/** What is unpacked at most: a few bytes can stand for megabytes. */
export const DECODED_MAX = 256 * 1024;
/** Codings on top of each other that are undone. */
const LAYERS_MAX = 2;
/** Halves of a body that are tried when all of it unpacks to too much. */
const TRIES = 12;

export type Coding = 'gzip' | 'deflate' | 'br';

const tooLarge = (error: unknown): boolean => (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';

function unpack(bytes: Uint8Array, coding: Coding): Uint8Array {
  const options: ZlibOptions = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: DECODED_MAX };
  if (coding === 'gzip') return gunzipSync(bytes, options);
  if (coding === 'br') {
    return brotliDecompressSync(bytes, {
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
      maxOutputLength: DECODED_MAX,
    });
  }
  try {
    return inflateSync(bytes, options);
  } catch (error) {
    // Some servers send it without its header.
    if (tooLarge(error)) throw error;
    return inflateRawSync(bytes, options);
  }
}

/** The codings of a Content-Encoding value in the order in which they were applied; undefined if one is not known. */
export function codingsOf(value: string): readonly Coding[] | undefined {
  const codings: Coding[] = [];
  for (const part of value.toLowerCase().split(',')) {
    const name = part.trim();
    if (name === '' || name === 'identity') continue;
    if (name === 'gzip' || name === 'x-gzip') codings.push('gzip');
    else if (name === 'deflate') codings.push('deflate');
    else if (name === 'br') codings.push('br');
    else return undefined;
  }
  return codings.length <= LAYERS_MAX ? codings : undefined;
}

/** The beginning of `bytes` unpacked, as far as it goes; undefined if it is damaged from the first byte on. */
export function decodeBody(bytes: Uint8Array, codings: readonly Coding[]): Uint8Array | undefined {
  let out: Uint8Array | undefined = bytes;
  for (const coding of [...codings].reverse()) out = out && unpackWhatGoes(out, coding);
  return out;
}

function unpackWhatGoes(bytes: Uint8Array, coding: Coding): Uint8Array | undefined {
  let length = bytes.length;
  for (let attempt = 0; attempt < TRIES && length > 0; attempt++) {
    try {
      const out = unpack(bytes.subarray(0, length), coding);
      return out.length === 0 && length < bytes.length ? undefined : out;
    } catch {
      // Too much, or damaged somewhere: what stands before that is in the first half.
      length >>= 1;
    }
  }
  return undefined;
}
