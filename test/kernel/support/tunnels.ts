// SPDX-License-Identifier: Apache-2.0
// Puts packets into tunnels.

import { ethernet, ip, type IpPart, udp } from './frames.js';
import { At } from './packets.js';

type Bytes = Uint8Array | readonly number[];

const join = (...parts: readonly Bytes[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))));

/** The IP packet of a frame without tags. */
export const packetOf = (frame: Uint8Array): Uint8Array => frame.slice(At.ip);

/** The ethertype of a frame. */
export const typeOf = (frame: Uint8Array): number => ((frame[At.ethType] ?? 0) << 8) | (frame[At.ethType + 1] ?? 0);

const be16 = (value: number): number[] => [value >> 8, value & 0xff];

/** GRE with these flags, a protocol, optional fields as they are and the inner bytes. */
export function gre(part: IpPart, flags: number, protocol: number, fields: Bytes, inner: Bytes): Uint8Array {
  return ip(part, 47, join(be16(flags), be16(protocol), fields, inner));
}

/** ERSPAN II with the id of a VLAN. */
export function erspan2(part: IpPart, vlan: number, frame: Uint8Array): Uint8Array {
  return gre(part, 0x1000, 0x88be, [0, 0, 0, 1], join(be16(0x1000 | vlan), [0, 0, 0, 0, 0, 0], frame));
}

export function vxlan(
  part: IpPart,
  frame: Uint8Array,
  dport = 4789,
  head: Bytes = [8, 0, 0, 0, 0, 0, 1, 0],
): Uint8Array {
  return udp({ ...part, sport: 50000, dport, payload: join(head, frame) });
}

/** With one option of 8 bytes. */
export function geneve(part: IpPart, protocol: number, inner: Bytes): Uint8Array {
  const option = [1, 2, 0x80, 1, 9, 9, 9, 9];
  return udp({
    ...part,
    sport: 50000,
    dport: 6081,
    payload: join([2, 0, ...be16(protocol), 0, 0, 1, 0], option, inner),
  });
}

export function teredo(part: IpPart, packet: Uint8Array, origin: Bytes = []): Uint8Array {
  return udp({ ...part, sport: 3544, dport: 50000, payload: join(origin, packet) });
}

/** NSH with a context of type 1; `next`: 1 IPv4, 2 IPv6, 3 Ethernet. */
export function nsh(next: number, inner: Bytes, head: Bytes = [0, 6, 1, next]): Uint8Array {
  return join(head, [0, 0, 1, 255], Array<number>(16).fill(0), inner);
}

/** NSH in a frame of its own. */
export const nshFrame = (...args: Parameters<typeof nsh>): Uint8Array => ethernet(0x894f, nsh(...args));
