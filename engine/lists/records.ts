// SPDX-License-Identifier: Apache-2.0
// The records of the list tables as bytes, laid out as bpf/abi.h says.

import { AllowLayout, BlockLayout } from '../../common/abi.gen.js';

export interface BlockRecord {
  /** Seconds of the boot clock; 0 = never. */
  readonly expires: number;
  readonly origin: number;
  readonly flags: number;
  /** Index of the entry's counters. */
  readonly hits: number;
}

/** @param length of the entry's own prefix, by which the kernel looks behind it once it has expired. */
export function encodeBlock(block: BlockRecord, length: number): Uint8Array {
  const bytes = new Uint8Array(BlockLayout.SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(BlockLayout.expires, block.expires, true);
  view.setUint16(BlockLayout.origin, block.origin, true);
  view.setUint8(BlockLayout.flags, block.flags);
  view.setUint8(BlockLayout.prefix, length);
  view.setUint32(BlockLayout.hits, block.hits, true);
  return bytes;
}

export function decodeBlock(bytes: Uint8Array): BlockRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    expires: view.getUint32(BlockLayout.expires, true),
    origin: view.getUint16(BlockLayout.origin, true),
    flags: view.getUint8(BlockLayout.flags),
    hits: view.getUint32(BlockLayout.hits, true),
  };
}

export function encodeAllow(kind: number): Uint8Array {
  const bytes = new Uint8Array(AllowLayout.SIZE);
  new DataView(bytes.buffer).setUint32(AllowLayout.kind, kind, true);
  return bytes;
}

export function decodeAllow(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(AllowLayout.kind, true);
}
