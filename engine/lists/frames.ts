// SPDX-License-Identifier: Apache-2.0
// Several binary batches one after the other, each behind its length (four bytes, little endian).

import { IdsError } from '../../common/errors.js';

export function encodeFrames(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(bodies.flatMap((body) => [lengthOf(body), body]));
}

/** What goes in front of a body. */
export function lengthOf(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return length;
}

/** @throws IdsError LIST_INVALID if the bytes end within a body */
export function decodeFrames(bytes: Buffer): Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : Infinity;
    if (at + 4 + length > bytes.length) {
      throw new IdsError('LIST_INVALID', 'the binary list is damaged: it ends within a part');
    }
    bodies.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return bodies;
}
