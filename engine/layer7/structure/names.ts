// SPDX-License-Identifier: Apache-2.0
// The names whose values are masked: the defaults, and what a configured name may look like.

import { IdsError } from '../../../common/errors.js';

/** Headers whose values never leave the kernel unless the operator says otherwise. */
export const defaultRedactNames: readonly string[] = [
  'Authorization',
  'Proxy-Authorization',
  'Cookie',
  'Set-Cookie',
  'X-Api-Key',
];

/** Parameters of URIs whose values never leave the kernel unless the operator says otherwise. */
export const defaultRedactParameters: readonly string[] = [
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'auth_token',
  'password',
  'passwd',
  'pwd',
  'secret',
  'client_secret',
  'api_key',
  'apikey',
  'access_key',
  'session_id',
  'sessionid',
  'jwt',
  'signature',
];

export const defaultRedaction = { headers: defaultRedactNames, parameters: defaultRedactParameters } as const;

/** How far back an edge may point, which is how long a name may be. */
const MAX_NAME = 255;

/** True for a byte that may stand in a header name (RFC 9110 5.6.2). */
export function isTokenByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(byte));
}

/**
 * The byte that stands for `byte` in comparisons of names: letters in lower case, and `_` as `-`, since servers that
 * hand headers over as variables (CGI, WSGI and the like) do not tell X_Api_Key from X-Api-Key.
 */
export function foldNameByte(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20;
  return byte === 0x5f ? 0x2d : byte;
}

/** Bytes of a URI that end the name of a parameter. */
const ENDS_PARAMETER = new Set([...'%&#'].map((sign) => sign.charCodeAt(0)));

/**
 * The folded, distinct names, each as text of its bytes.
 * @throws IdsError CONFIG_INVALID on what can never be the name of a header, or of a parameter.
 */
export function foldNames(names: readonly string[], of: 'header' | 'parameter'): string[] {
  const folded = names.map((name) => {
    const bytes = new TextEncoder().encode(name);
    const fits = (byte: number): boolean => isTokenByte(byte) && (of === 'header' || !ENDS_PARAMETER.has(byte));
    if (bytes.length === 0 || bytes.length > MAX_NAME || !bytes.every(fits)) {
      const example = of === 'header' ? 'X-Api-Key' : 'api_key';
      throw new IdsError(
        'CONFIG_INVALID',
        `redact: ${JSON.stringify(name)} cannot be the name of a ${of}; write the bare name, such as ${example}`,
        { details: { name } },
      );
    }
    return String.fromCharCode(...bytes.map(foldNameByte));
  });
  return [...new Set(folded)];
}
