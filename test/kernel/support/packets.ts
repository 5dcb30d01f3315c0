// SPDX-License-Identifier: Apache-2.0
// Frames that are wrong on purpose, and the long chains of headers that frames.ts has no use for.

import { ethernet, ip, type IpPart } from './frames.js';

/** Where things start in an untagged frame. */
export const At = { ethType: 12, ip: 14, ip4Payload: 34, ip6Payload: 54 } as const;

export const Next = {
  HOP: 0,
  TCP: 6,
  UDP: 17,
  ROUTING: 43,
  FRAGMENT: 44,
  AH: 51,
  ICMP6: 58,
  NONE: 59,
  DEST: 60,
} as const;

/** A copy with bytes overwritten, by offset. */
export function patch(frame: Uint8Array, bytes: Readonly<Record<number, number | readonly number[]>>): Uint8Array {
  const copy = frame.slice();
  for (const [at, value] of Object.entries(bytes)) copy.set(typeof value === 'number' ? [value] : value, Number(at));
  return copy;
}

/** A copy with bytes behind it, as Ethernet pads short frames. */
export function padded(frame: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(Math.max(length, frame.length));
  copy.set(frame);
  return copy;
}

/** One extension header: its number and its bytes; the first byte is filled with what follows. */
export type Extension = readonly [next: number, bytes: readonly number[]];

/** An IPv6 packet with a chain of extension headers in front of `payload`. */
export function chain6(part: IpPart, extensions: readonly Extension[], next: number, payload: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  extensions.forEach(([, header], i) => {
    const following = extensions[i + 1]?.[0] ?? next;
    bytes.push(following, ...header.slice(1));
  });
  return ip(part, extensions[0]?.[0] ?? next, Uint8Array.from([...bytes, ...payload]));
}

/** Extension headers as they should be. `next` is filled in by chain6. */
export const extension = {
  hop: (options: readonly number[] = [1, 4, 0, 0, 0, 0]): Extension => [
    Next.HOP,
    [0, (options.length + 2) / 8 - 1, ...options],
  ],
  dest: (options: readonly number[] = [1, 4, 0, 0, 0, 0]): Extension => [
    Next.DEST,
    [0, (options.length + 2) / 8 - 1, ...options],
  ],
  routing: (type = 2): Extension => [Next.ROUTING, [0, 0, type, 0, 0, 0, 0, 0]],
  auth: (): Extension => [Next.AH, [0, 4, 0, 0, ...Array<number>(20).fill(7)]],
  /** Offset in units of 8 bytes. */
  fragment: (offset: number, more: boolean, id = 0x01020304): Extension => [
    Next.FRAGMENT,
    [
      0,
      0,
      offset >> 5,
      ((offset << 3) & 0xff) | Number(more),
      id >>> 24,
      (id >> 16) & 0xff,
      (id >> 8) & 0xff,
      id & 0xff,
    ],
  ],
};

/** The bytes behind the IP header of a frame made by frames.ts. */
export function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.slice((frame[At.ip] ?? 0) >> 4 === 6 ? At.ip6Payload : At.ip + ((frame[At.ip] ?? 0) & 15) * 4);
}

/** A frame of that EtherType with nothing of ours in it. */
export function other(type: number, length = 46): Uint8Array {
  return ethernet(type, new Uint8Array(length).fill(0xaa));
}
