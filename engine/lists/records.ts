// SPDX-License-Identifier: Apache-2.0
// The records of the list tables as bytes, laid out as bpf/abi.h says.

import { AllowLayout } from '../../common/abi.gen.js';

export function encodeAllow(kind: number): Uint8Array {
  const bytes = new Uint8Array(AllowLayout.SIZE);
  new DataView(bytes.buffer).setUint32(AllowLayout.kind, kind, true);
  return bytes;
}

export function decodeAllow(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(AllowLayout.kind, true);
}
