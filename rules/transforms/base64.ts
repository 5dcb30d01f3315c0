// SPDX-License-Identifier: Apache-2.0
// from_base64: the three readings of Base64 that Suricata has.

import type { Base64Mode } from './transform.js';

const PAD = 0x3d;
const SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Int8Array(256).fill(-1);
for (let i = 0; i < SIGNS.length; i++) values[SIGNS.charCodeAt(i)] = i;

const STRICT = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Takes four signs; false if they are no group. */
function take(group: readonly number[], out: number[]): boolean {
  const [a = -1, b = -1, c = -1, d = -1] = group.map((sign) => values[sign] ?? -1);
  if (a < 0 || b < 0) return false;
  out.push(((a << 2) | (b >> 4)) & 0xff);
  if (group[2] === PAD) return true;
  if (c < 0) return false;
  out.push(((b << 4) | (c >> 2)) & 0xff);
  if (group[3] === PAD) return true;
  if (d < 0) return false;
  out.push(((c << 6) | d) & 0xff);
  return true;
}

/**
 * What the text stands for; undefined if it stands for nothing. `rfc4648` ends at the first sign that is none of Base64,
 * `rfc2045` skips such signs, `strict` takes nothing but a whole and canonical text.
 */
export function decodeBase64(text: Uint8Array, mode: Base64Mode): Uint8Array | undefined {
  if (mode === 'strict') {
    const word = Buffer.from(text).toString('latin1');
    const decoded = Buffer.from(word, 'base64');
    return STRICT.test(word) && decoded.length > 0 && decoded.toString('base64') === word ? decoded : undefined;
  }
  const out: number[] = [];
  const group: number[] = [];
  for (const sign of text) {
    if (sign !== PAD && (values[sign] ?? -1) < 0) {
      if (mode === 'rfc4648') break;
      continue;
    }
    group.push(sign);
    if (group.length < 4) continue;
    if (!take(group, out)) return undefined;
    group.length = 0;
  }
  if (mode === 'rfc4648' && group.length > 0) {
    while (group.length < 4) group.push(PAD);
    if (!take(group, out)) return undefined;
  }
  return out.length > 0 ? Uint8Array.from(out) : undefined;
}
