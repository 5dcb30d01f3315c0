// SPDX-License-Identifier: Apache-2.0
// The answers of reject as whole IP packets, made from an event: TCP RST or ICMP unreachable. Nobody is answered who
// must not be: no broadcast or multicast (RFC 1122 3.2.2), no RST to a RST (RFC 9293 3.10.7.1), no ICMP error to an ICMP
// error or to a fragment without its transport header (RFC 1122 3.2.2, RFC 4443 2.4).

import { type EventRecord, EventFlag } from '../../common/abi.gen.js';
import { isMapped4 } from '../../common/address.js';

/** `behind`: the destination, once it has taken the packet, which passed. */
export type ReplyTo = 'source' | 'destination' | 'behind';

export interface ReplyPacket {
  readonly family: 4 | 6;
  /** From the IP header on. */
  readonly packet: Uint8Array;
  /** Where it goes: 4 or 16 bytes. */
  readonly target: Uint8Array;
}

const [ICMP, TCP, UDP, ICMP6] = [1, 6, 17, 58];
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const HOPS = 64;
/** IPv4: echo reply and request, router and timestamp messages and the like may be answered; errors may not. */
const icmpErrors4 = new Set([3, 4, 5, 11, 12]);

/** The one's complement sum of RFC 1071, folded and inverted; parts but the last have an even length. */
function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function bytes(size: number, fill: (view: DataView) => void): Uint8Array {
  const out = new Uint8Array(size);
  fill(new DataView(out.buffer));
  return out;
}

/** True for an address that is one host's: not unspecified, loopback, multicast or broadcast. */
function unicast(address: Uint8Array): boolean {
  const [first = 0] = address;
  if (address.length === 4) return first !== 0 && first !== 127 && first < 224;
  const low = address.subarray(0, 15).some((byte) => byte !== 0);
  return first !== 0xff && (low || (address[15] ?? 0) > 1);
}

interface Ends {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
}

/** The pseudo header of a checksum over TCP, UDP or ICMPv6. */
function pseudo({ src, dst }: Ends, protocol: number, length: number): Uint8Array {
  const tail = bytes(8, (view) => {
    view.setUint32(0, length);
    view.setUint32(4, protocol);
  });
  return Uint8Array.from([...src, ...dst, ...tail]);
}

/** An IP header; `length` is that of what follows. */
function ipHeader(
  { src, dst }: Ends,
  protocol: number,
  length: number,
  o: { ttl?: number; tos?: number; id?: number } = {},
): Uint8Array {
  const tos = o.tos ?? 0;
  if (src.length === 16) {
    const head = bytes(40, (view) => {
      view.setUint32(0, 0x60000000 | (tos << 20));
      view.setUint16(4, length);
      view.setUint8(6, protocol);
      view.setUint8(7, o.ttl ?? HOPS);
    });
    head.set(src, 8);
    head.set(dst, 24);
    return head;
  }
  const head = bytes(20, (view) => {
    view.setUint16(0, 0x4500 | tos);
    view.setUint16(2, 20 + length);
    view.setUint16(4, o.id ?? 0);
    view.setUint8(8, o.ttl ?? HOPS);
    view.setUint8(9, protocol);
  });
  head.set(src, 12);
  head.set(dst, 16);
  new DataView(head.buffer).setUint16(10, checksum(head));
  return head;
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** Sequence numbers that the segment takes up. */
function spanOf({ payloadLen, tcpFlags }: EventRecord): number {
  return payloadLen + ((tcpFlags & SYN) !== 0 ? 1 : 0) + ((tcpFlags & FIN) !== 0 ? 1 : 0);
}

/** RFC 9293 3.10.7.1: to a segment with ACK the RST takes its place from there, else it acknowledges all of the segment. */
function resetToSource(e: EventRecord, ends: Ends): Uint8Array {
  const withAck = (e.tcpFlags & ACK) !== 0;
  const [seq, ack, flags] = withAck ? [e.ack, 0, RST] : [0, (e.seq + spanOf(e)) >>> 0, RST | ACK];
  return segment(ends, e.dport, e.sport, seq, ack, flags);
}

/** To the receiver the RST looks like the next thing that the sender said: in place of the segment, or behind it. */
function resetToDestination(e: EventRecord, ends: Ends, behind: boolean): Uint8Array {
  const withAck = (e.tcpFlags & ACK) !== 0;
  const seq = behind ? (e.seq + spanOf(e)) >>> 0 : e.seq;
  return segment(ends, e.sport, e.dport, seq, withAck ? e.ack : 0, withAck ? RST | ACK : RST);
}

function segment(ends: Ends, sport: number, dport: number, seq: number, ack: number, flags: number): Uint8Array {
  const out = bytes(20, (view) => {
    view.setUint16(0, sport);
    view.setUint16(2, dport);
    view.setUint32(4, seq);
    view.setUint32(8, ack);
    view.setUint16(12, 0x5000 | flags);
  });
  new DataView(out.buffer).setUint16(16, checksum(pseudo(ends, TCP, out.length), out));
  return out;
}

/** What an ICMP error quotes: header and first 8 bytes of the packet, put together again from the event. */
function quote(e: EventRecord, original: Ends): Uint8Array {
  const six = original.src.length === 16;
  const length = Math.max(0, e.ipLen - (six ? 40 : 20));
  const head = ipHeader(original, e.proto, length, { ttl: e.ttl, tos: e.tos, id: e.ipId });
  const start = bytes(8, (view) => {
    if (e.proto === ICMP || e.proto === ICMP6) {
      // The two ports of an event are type and code then.
      view.setUint8(0, e.sport);
      view.setUint8(1, e.dport);
      view.setUint16(4, e.icmpId);
      view.setUint16(6, e.icmpSeq);
      return;
    }
    view.setUint16(0, e.sport);
    view.setUint16(2, e.dport);
    if (e.proto === TCP) view.setUint32(4, e.seq);
    else view.setUint16(4, Math.min(0xffff, 8 + e.payloadLen));
  });
  return joined(head, start);
}

function unreachable(e: EventRecord, ends: Ends, original: Ends): Uint8Array {
  const six = ends.src.length === 16;
  const port = e.proto === UDP;
  const head = six
    ? Uint8Array.of(1, port ? 4 : 1, 0, 0, 0, 0, 0, 0)
    : Uint8Array.of(3, port ? 3 : 13, 0, 0, 0, 0, 0, 0);
  const message = joined(head, quote(e, original));
  const sum = six ? checksum(pseudo(ends, ICMP6, message.length), message) : checksum(message);
  new DataView(message.buffer).setUint16(2, sum);
  return message;
}

/** The two addresses of an event in the form of its IP version. */
function addressesOf(view: DataView, e: EventRecord): Ends {
  const at = (offset: number): Uint8Array => {
    const address = new Uint8Array(view.buffer, view.byteOffset + offset, 16).slice();
    return isMapped4(address) ? address.subarray(12) : address;
  };
  return { src: at(e.saddr), dst: at(e.daddr) };
}

/**
 * The answer to the packet of an event, or undefined if it must not be answered or too little of it is known.
 * @param view the memory that the event's byte offsets point into.
 */
export function buildReply(view: DataView, e: EventRecord, to: ReplyTo = 'source'): ReplyPacket | undefined {
  if ((e.flags & EventFlag.EVENT_L4) === 0 || (e.ipVersion !== 4 && e.ipVersion !== 6)) return undefined;
  // Of a packet in a tunnel: outside of it those addresses may be somebody else's.
  if (e.layer > 0) return undefined;
  // A group address of the link layer: the packet was not meant for one host, whatever its IP header says.
  if ((view.getUint8(e.ethDst) & 1) !== 0) return undefined;
  const original = addressesOf(view, e);
  if (!unicast(original.src) || !unicast(original.dst) || original.src.length !== original.dst.length) return undefined;
  const ends = to === 'source' ? { src: original.dst, dst: original.src } : original;
  const family = ends.src.length === 4 ? 4 : 6;
  const finish = (protocol: number, body: Uint8Array): ReplyPacket => {
    return { family, packet: joined(ipHeader(ends, protocol, body.length), body), target: ends.dst };
  };
  if (e.proto === TCP) {
    if ((e.tcpFlags & RST) !== 0) return undefined;
    return finish(TCP, to === 'source' ? resetToSource(e, ends) : resetToDestination(e, ends, to === 'behind'));
  }
  // An unreachable message to the destination would quote a packet that it never sent.
  if (to !== 'source') return undefined;
  if (e.proto === ICMP && icmpErrors4.has(e.sport)) return undefined;
  if (e.proto === ICMP6 && e.sport < 128) return undefined;
  return finish(family === 4 ? ICMP : ICMP6, unreachable(e, ends, original));
}
