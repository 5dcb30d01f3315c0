// SPDX-License-Identifier: Apache-2.0
// The answers that a rejected frame must get, built from the RFCs with no look at the BPF programs.

import { checksum, ethernet, TCP } from './frames.js';

const be16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value & 0xffff)];

interface Cut {
  readonly six: boolean;
  /** The rejected IP packet without link layer and padding. */
  readonly packet: Uint8Array;
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly vlan: readonly number[];
}

function cut(frame: Uint8Array): Cut {
  const vlan: number[] = [];
  const word = (at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  let at = 12;
  while (word(at) === 0x8100 || word(at) === 0x88a8) {
    vlan.push(word(at + 2));
    at += 4;
  }
  const six = word(at) === 0x86dd;
  const start = at + 2;
  const packet = frame.subarray(start, start + (six ? 40 + word(start + 4) : word(start + 2)));
  const address = six ? [8, 24, 40] : [12, 16, 20];
  const part = (n: number): Uint8Array => packet.subarray(address[n], address[n + 1]);
  return { six, packet, src: part(0), dst: part(1), vlan };
}

/** Link layer with the MAC addresses in exchange and the same tags, IP header, and the transport part. */
function answer({ six, src, dst, vlan }: Cut, protocol: number, tos: number, payload: Uint8Array): Uint8Array {
  const head = six
    ? Uint8Array.from([0x60, 0, 0, 0, ...be16(payload.length), protocol, 64, ...dst, ...src])
    : Uint8Array.from([0x45, tos, ...be16(20 + payload.length), 0, 0, 0x40, 0, 64, protocol, 0, 0, ...dst, ...src]);
  if (!six) head.set(be16(checksum(head)), 10);
  const frame = ethernet(six ? 0x86dd : 0x0800, Buffer.concat([head, payload]), vlan);
  const macs = frame.slice(0, 12);
  frame.set(macs.subarray(6), 0);
  frame.set(macs.subarray(0, 6), 6);
  return frame;
}

function seal(c: Cut, protocol: number, at: number, payload: Uint8Array, pseudo: boolean): Uint8Array {
  const head = Uint8Array.from([...c.dst, ...c.src, ...be32(payload.length), ...be32(protocol)]);
  payload.set(be16(pseudo ? checksum(head, payload) : checksum(payload)), at);
  return payload;
}

/** RFC 9293 3.10.7.1, state CLOSED. `length`: sequence numbers that the segment takes up. */
export function resetFor(
  frame: Uint8Array,
  o: { sport: number; dport: number; flags: number; seq: number; ack: number; length: number },
): Uint8Array {
  const c = cut(frame);
  const numbers = o.flags & TCP.ACK ? [...be32(o.ack), ...be32(0)] : [...be32(0), ...be32((o.seq + o.length) >>> 0)];
  const flags = o.flags & TCP.ACK ? TCP.RST : TCP.RST | TCP.ACK;
  const segment = Uint8Array.from([...be16(o.dport), ...be16(o.sport), ...numbers, 0x50, flags, 0, 0, 0, 0, 0, 0]);
  return answer(c, 6, 0, seal(c, 6, 16, segment, true));
}

/** RFC 792 / 1812 and RFC 4443: destination unreachable with the first 128 bytes of the packet. */
export function unreachableFor(frame: Uint8Array, code: number): Uint8Array {
  const c = cut(frame);
  const message = Uint8Array.from([c.six ? 1 : 3, code, 0, 0, 0, 0, 0, 0, ...c.packet.subarray(0, 128)]);
  return answer(c, c.six ? 58 : 1, 0xc0, seal(c, c.six ? 58 : 1, 2, message, c.six));
}
