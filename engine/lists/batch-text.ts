// SPDX-License-Identifier: Apache-2.0
// Entries of a batch as text and as single prefixes.

import { formatAddress, type Prefix } from '../../common/address.js';
import type { PrefixBatch } from './prefix-batch.js';

/** `192.0.2.0/24`; a full-length prefix as a bare address. */
export function text4(address: number, length: number): string {
  const dotted = `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
  return length === 32 ? dotted : `${dotted}/${length}`;
}

/** The 16 bytes of entry `index` of the IPv6 columns. */
export function bytes6(addr6: Uint32Array, index: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, addr6[4 * index + word] ?? 0);
  return bytes;
}

/** The text of entry `index` of the IPv6 columns. */
export function text6(addr6: Uint32Array, index: number, length: number): string {
  const address = formatAddress(bytes6(addr6, index));
  return length === 128 ? address : `${address}/${length}`;
}

/** Entry `index` of the IPv4 columns in mapped form. */
export function prefix4({ addr4, len4 }: PrefixBatch, index: number): Prefix {
  const bytes = new Uint8Array(16);
  bytes[10] = bytes[11] = 0xff;
  new DataView(bytes.buffer).setUint32(12, addr4[index] ?? 0);
  return { bytes, length: 96 + (len4[index] ?? 0) };
}

/** Entry `index` of the IPv6 columns. */
export function prefix6({ addr6, len6 }: PrefixBatch, index: number): Prefix {
  return { bytes: bytes6(addr6, index), length: len6[index] ?? 0 };
}

/** The text of every entry, IPv4 first, in order. */
export function* batchTexts({ addr4, len4, addr6, len6 }: PrefixBatch): Generator<string> {
  for (let i = 0; i < len4.length; i++) yield text4(addr4[i] ?? 0, len4[i] ?? 0);
  for (let i = 0; i < len6.length; i++) yield text6(addr6, i, len6[i] ?? 0);
}
