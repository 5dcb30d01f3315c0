// SPDX-License-Identifier: Apache-2.0
// A packet that was handed over whole, taken apart: the buffers of its headers, and its payload.

import {
  BytesFlag,
  BytesRecordLayout,
  EventFlag,
  EventLayout,
  EventType,
  HeadersLayout,
} from '../../common/abi.gen.js';
import { BufferId, type BufferMessage } from '../../rules/index.js';

const ICMP = 1;

/** The transport header's buffer by IP protocol. */
const headerOf: ReadonlyMap<number, BufferId> = new Map<number, BufferId>([
  [ICMP, BufferId.ICMPV4_HDR],
  [6, BufferId.TCP_HDR],
  [17, BufferId.UDP_HDR],
  [58, BufferId.ICMPV6_HDR],
]);

const ICMP_HEADER = 8;
/** Bytes that messages of ICMP have behind the first eight and before their payload (RFC 792, RFC 950). */
const ICMP_MORE: ReadonlyMap<number, number> = new Map([
  [13, 12],
  [14, 12],
  [17, 4],
  [18, 4],
]);
const ROUTER_ADVERTISEMENT = 9;

/** Length of an ICMP header as Suricata has it: that of a router's advertisement goes by its addresses (RFC 1256). */
function icmpHeader(message: Uint8Array): number {
  const type = message[0] ?? 0;
  if (type !== ROUTER_ADVERTISEMENT) return ICMP_HEADER + (ICMP_MORE.get(type) ?? 0);
  const more = (message[4] ?? 0) * (message[5] ?? 0) * 4;
  return message.length < ICMP_HEADER + more ? ICMP_HEADER : ICMP_HEADER + more;
}

/** True if the record of payload at `at` is a packet with its headers. */
export function isWhole(view: DataView, at: number): boolean {
  return (view.getUint32(at + BytesRecordLayout.flags, true) & BytesFlag.BYTES_HEADERS) !== 0;
}

/** The payload of the whole packet at `at`; undefined if it was not handed over. */
export function wholePayload(view: DataView, bytes: Uint8Array, at: number): Uint8Array | undefined {
  if ((view.getUint32(at + BytesRecordLayout.flags, true) & BytesFlag.BYTES_PACKET) === 0) return undefined;
  const from = at + BytesRecordLayout.SIZE;
  const packet = from + HeadersLayout.SIZE;
  const end = packet + view.getUint32(at + BytesRecordLayout.length, true);
  return bytes.subarray(packet + view.getUint16(from + HeadersLayout.payload, true), end);
}

/** The IP packet of the record at `at`, in at most `most` bytes; undefined if it is none, or was put together from pieces. */
export function ipPacket(view: DataView, bytes: Uint8Array, at: number, most: number): Uint8Array | undefined {
  if (bytes[at + EventLayout.type] !== EventType.EVENT_PAYLOAD || !isWhole(view, at)) return undefined;
  const from = at + BytesRecordLayout.SIZE;
  if (view.getUint16(from + HeadersLayout.l4, true) === 0) return undefined;
  const packet = from + HeadersLayout.SIZE;
  return bytes.subarray(packet, packet + Math.min(most, view.getUint32(at + BytesRecordLayout.length, true)));
}

/** Puts the headers of the whole packet at `at` into the message. */
export function putHeaders(message: BufferMessage, view: DataView, bytes: Uint8Array, at: number): void {
  const from = at + BytesRecordLayout.SIZE;
  const packet = from + HeadersLayout.SIZE;
  const end = packet + view.getUint32(at + BytesRecordLayout.length, true);
  const l4 = view.getUint16(from + HeadersLayout.l4, true);
  const headers = view.getUint16(from + HeadersLayout.payload, true);
  const version = bytes[at + EventLayout.ipVersion];
  // A datagram that was put together has no IP header of its own.
  if (l4 > 0) message.put(version === 4 ? BufferId.IPV4_HDR : BufferId.IPV6_HDR, bytes.subarray(packet, packet + l4));
  if (((bytes[at + EventLayout.flags] ?? 0) & EventFlag.EVENT_L4) === 0) return;
  const proto = bytes[at + EventLayout.proto] ?? 0;
  const buffer = headerOf.get(proto);
  if (buffer === undefined) return;
  const own = bytes.subarray(packet + l4, proto === ICMP ? end : packet + headers);
  message.put(buffer, proto === ICMP ? own.subarray(0, icmpHeader(own)) : own);
}
