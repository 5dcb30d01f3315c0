// SPDX-License-Identifier: Apache-2.0
// The names of headers whose values are masked: the defaults, and what a configured name may look like.

import { IdsError } from '../../common/errors.js';

/** Headers whose values never leave the kernel unless the operator says otherwise. */
export const defaultRedactNames: readonly string[] = [
  'Authorization',
  'Proxy-Authorization',
  'Cookie',
  'Set-Cookie',
  'X-Api-Key',
];

/** True for a byte that may stand in a header name (RFC 9110 5.6.2). */
export function isTokenByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(byte));
}

/**
 * The byte that stands for `byte` in comparisons of header names: letters in lower case, and `_` as `-`, since servers
 * that hand headers over as variables (CGI, WSGI and the like) do not tell X_Api_Key from X-Api-Key.
 */
export function foldNameByte(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20;
  return byte === 0x5f ? 0x2d : byte;
}

/** The folded, distinct bytes of the configured names. Throws CONFIG_INVALID on what can never be a header name. */
export function foldNames(names: readonly string[]): Uint8Array[] {
  const folded = new Map<string, Uint8Array>();
  for (const name of names) {
    const bytes = new TextEncoder().encode(name);
    if (bytes.length === 0 || !bytes.every(isTokenByte)) {
      throw new IdsError(
        'CONFIG_INVALID',
        `redact: ${JSON.stringify(name)} cannot be the name of a header; write the bare name, such as X-Api-Key`,
        { details: { name } },
      );
    }
    const key = bytes.map(foldNameByte);
    folded.set(key.join(), key);
  }
  return [...folded.values()];
}
