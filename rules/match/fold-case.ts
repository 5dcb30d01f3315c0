// SPDX-License-Identifier: Apache-2.0
// Letters without case, as nocase has them.

/** ASCII letters in lower case, other bytes as they are. */
export const FOLD = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));

/** Lower case of ASCII letters, other bytes as they are. */
export function foldCase(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => FOLD[byte] ?? byte);
}
