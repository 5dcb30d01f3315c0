// SPDX-License-Identifier: Apache-2.0
// SHA-1 of a few bytes, as ids of flows are made of: a call into the crypto library costs three times as much as the digest.

const words = new Int32Array(80);

/** The digest of `bytes[0..length)`, at most 55 of them, as five words in `out`. */
export function sha1Short(bytes: Uint8Array, length: number, out: Int32Array): void {
  const w = words;
  w.fill(0, 0, 16);
  for (let i = 0; i < length; i++) w[i >> 2] = (w[i >> 2] as number) | ((bytes[i] as number) << (24 - ((i & 3) << 3)));
  w[length >> 2] = (w[length >> 2] as number) | (0x80 << (24 - ((length & 3) << 3)));
  w[15] = length << 3;
  for (let i = 16; i < 80; i++) {
    const x = (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number);
    w[i] = (x << 1) | (x >>> 31);
  }
  let a = 0x67452301;
  let b = 0xefcdab89 | 0;
  let c = 0x98badcfe | 0;
  let d = 0x10325476;
  let e = 0xc3d2e1f0 | 0;
  for (let i = 0; i < 80; i++) {
    let f: number;
    if (i < 20) f = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + f + e + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  out[0] = (a + 0x67452301) | 0;
  out[1] = (b + 0xefcdab89) | 0;
  out[2] = (c + 0x98badcfe) | 0;
  out[3] = (d + 0x10325476) | 0;
  out[4] = (e + 0xc3d2e1f0) | 0;
}
