// SPDX-License-Identifier: Apache-2.0
// Frames from their parts, with lengths and checksums as they should be unless a part says otherwise.

import { isMapped4, parseAddress } from '../../../common/address.js';

export const TCP = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

export interface IpPart {
  readonly src: string;
  readonly dst: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** IPv4: the flags and offset word. */
  readonly fragment?: number;
  readonly options?: Uint8Array;
  /** VLAN ids, outer first. */
  readonly vlan?: readonly number[];
}

/** The internet checksum over the bytes (RFC 1071). */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const be16 = (value: number): Uint8Array => Uint8Array.of((value >> 8) & 0xff, value & 0xff);
const be32 = (value: number): Uint8Array => concat(be16(value >>> 16), be16(value));

function short(text: string): Uint8Array {
  const bytes = parseAddress(text);
  return isMapped4(bytes) ? bytes.subarray(12) : bytes;
}

/** Ethernet, VLAN tags (the outer of two as 802.1ad) and a payload. */
export function ethernet(type: number, payload: Uint8Array, vlan: readonly number[] = []): Uint8Array {
  const tags = vlan.map((id, i) => concat(be16(i === 0 && vlan.length > 1 ? 0x88a8 : 0x8100), be16(id)));
  return concat(Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2), ...tags, be16(type), payload);
}

/** An IP packet of that protocol in a frame; the version is the addresses'. */
export function ip(part: IpPart, protocol: number, payload: Uint8Array): Uint8Array {
  const [src, dst] = [short(part.src), short(part.dst)];
  if (src.length === 16) {
    const head = concat(
      Uint8Array.of(0x60 | ((part.tos ?? 0) >> 4), ((part.tos ?? 0) & 15) << 4, 0, 0),
      be16(payload.length),
    );
    return ethernet(0x86dd, concat(head, Uint8Array.of(protocol, part.ttl ?? 64), src, dst, payload), part.vlan);
  }
  const options = part.options ?? new Uint8Array();
  const size = 20 + options.length;
  const head = concat(
    Uint8Array.of(0x40 | (size / 4), part.tos ?? 0),
    be16(size + payload.length),
    be16(part.id ?? 1),
    be16(part.fragment ?? 0),
    Uint8Array.of(part.ttl ?? 64, protocol, 0, 0),
    src,
    dst,
    options,
  );
  head.set(be16(checksum(head)), 10);
  return ethernet(0x0800, concat(head, payload), part.vlan);
}

/** Fills the checksum at that place, with the pseudo header of the addresses. */
function sealed(part: IpPart, protocol: number, at: number, segment: Uint8Array): Uint8Array {
  const pseudo = concat(short(part.src), short(part.dst), be32(segment.length), be32(protocol));
  segment.set(be16(checksum(pseudo, segment)), at);
  return segment;
}

export interface TcpPart extends IpPart {
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly window?: number;
  readonly tcpOptions?: Uint8Array;
  readonly payload?: Uint8Array | string;
}

export function tcp(part: TcpPart): Uint8Array {
  const options = part.tcpOptions ?? new Uint8Array();
  const segment = concat(
    be16(part.sport ?? 40000),
    be16(part.dport ?? 80),
    be32(part.seq ?? 1000),
    be32(part.ack ?? 0),
    Uint8Array.of(((20 + options.length) / 4) << 4, part.flags ?? TCP.SYN),
    be16(part.window ?? 64240),
    be32(0),
    options,
    Buffer.from(part.payload ?? ''),
  );
  return ip(part, 6, sealed(part, 6, 16, segment));
}

export function udp(part: IpPart & { sport?: number; dport?: number; payload?: Uint8Array | string }): Uint8Array {
  const payload = Buffer.from(part.payload ?? '');
  const segment = concat(be16(part.sport ?? 40000), be16(part.dport ?? 53), be16(8 + payload.length), be16(0), payload);
  return ip(part, 17, sealed(part, 17, 6, segment));
}

/** ICMP or ICMPv6, as the addresses are; an echo request unless told. */
export function icmp(
  part: IpPart & { type?: number; code?: number; icmpId?: number; seq?: number; payload?: Uint8Array | string },
): Uint8Array {
  const six = short(part.src).length === 16;
  const type = part.type ?? (six ? 128 : 8);
  const rest = Buffer.from(part.payload ?? '');
  const message = concat(Uint8Array.of(type, part.code ?? 0, 0, 0), be16(part.icmpId ?? 1), be16(part.seq ?? 1), rest);
  if (six) return ip(part, 58, sealed(part, 58, 2, message));
  message.set(be16(checksum(message)), 2);
  return ip(part, 1, message);
}
