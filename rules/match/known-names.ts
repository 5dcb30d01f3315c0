// SPDX-License-Identifier: Apache-2.0
// Names of headers that most heads have some of, as bits: rules that must not see one of them are left out at once.

/** As they are usually written; bit n stands for name n, written exactly so. */
export const KNOWN_NAMES = [
  ...(['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Accept-Charset', 'Connection'] as const),
  ...(['Referer', 'Cookie', 'Content-Type', 'Content-Length', 'Cache-Control', 'Pragma', 'Origin', 'Range'] as const),
  ...(['Authorization', 'If-Modified-Since', 'If-None-Match', 'Upgrade-Insecure-Requests', 'Sec-Fetch-Site'] as const),
  ...(['Sec-Fetch-Mode', 'X-Requested-With', 'X-Forwarded-For', 'Date', 'Server', 'Set-Cookie', 'Location'] as const),
  ...(['Transfer-Encoding', 'Expires', 'ETag', 'Last-Modified', 'Vary'] as const),
];

const SLOTS = 128;
const NONE = -1;
const bytesOf = KNOWN_NAMES.map((name) => Uint8Array.from(Buffer.from(name, 'latin1')));
const slotOf = (first: number, last: number, length: number): number => (first * 7 + last * 3 + length) & (SLOTS - 1);

const slots = new Int8Array(SLOTS).fill(NONE);
bytesOf.forEach((name, bit) => {
  let slot = slotOf(name[0] as number, name[name.length - 1] as number, name.length);
  while (slots[slot] !== NONE) slot = (slot + 1) & (SLOTS - 1);
  slots[slot] = bit;
});

function same(name: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** The bit of the name that stands from `at` to `to`, which is not empty; 0 of another one. */
export function bitOfName(bytes: Uint8Array, at: number, to: number): number {
  let slot = slotOf(bytes[at] as number, bytes[to - 1] as number, to - at);
  for (let bit = slots[slot] as number; bit !== NONE; bit = slots[slot] as number) {
    const name = bytesOf[bit] as Uint8Array;
    if (name.length === to - at && same(name, bytes, at)) return (1 << bit) >>> 0;
    slot = (slot + 1) & (SLOTS - 1);
  }
  return 0;
}
