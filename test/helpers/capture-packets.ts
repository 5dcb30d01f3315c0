// SPDX-License-Identifier: Apache-2.0
// A plain reader of captures for tests, which shares nothing with the engine: classic pcap, Ethernet with VLAN tags, IPv4
// and IPv6 without extension headers, TCP and UDP. What it does not know it leaves out.

export interface CapturedSegment {
  readonly proto: 'TCP' | 'UDP';
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  /** Of the outer tag, 0 without one. */
  readonly vlan: number;
  readonly payload: Buffer;
  /** TCP */
  readonly seq: number;
  readonly flags: number;
  /** It has the option of RFC 7413, or the experimental one before it: a SYN's payload counts. */
  readonly fastOpen: boolean;
}

/** Frames of a classic pcap, and its link type; undefined for another format. */
function framesOf(file: Buffer): { readonly linkType: number; readonly frames: Buffer[] } | undefined {
  const magic = file.length >= 24 ? file.readUInt32LE(0) : 0;
  if (magic !== 0xa1b2c3d4 && magic !== 0xa1b23c4d) return undefined;
  const frames: Buffer[] = [];
  for (let at = 24; at + 16 <= file.length;) {
    const length = file.readUInt32LE(at + 8);
    if (at + 16 + length > file.length) break;
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return { linkType: file.readUInt32LE(20), frames };
}

/** The network layer of a frame, its ethertype and outer VLAN id. */
function networkOf(frame: Buffer, linkType: number): { type: number; vlan: number; packet: Buffer } | undefined {
  if (linkType === 113 && frame.length > 16)
    return { type: frame.readUInt16BE(14), vlan: 0, packet: frame.subarray(16) };
  if (linkType !== 1 || frame.length < 14) return undefined;
  let at = 12;
  let vlan = 0;
  let type = frame.readUInt16BE(at);
  while ((type === 0x8100 || type === 0x88a8) && at + 6 <= frame.length) {
    vlan ||= frame.readUInt16BE(at + 2) & 0x0fff;
    at += 4;
    type = frame.readUInt16BE(at);
  }
  return { type, vlan, packet: frame.subarray(at + 2) };
}

interface Transport {
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly bytes: Buffer;
}

const dotted = (bytes: Buffer): string => [...bytes].join('.');
const groups = (bytes: Buffer): string => {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return words.join(':');
};

function transportOf(type: number, packet: Buffer): Transport | undefined {
  if (type === 0x0800 && packet.length >= 20 && packet.readUInt8(0) >> 4 === 4) {
    const head = (packet.readUInt8(0) & 15) * 4;
    const fragment = packet.readUInt16BE(6) & 0x3fff;
    const total = packet.readUInt16BE(2);
    if (fragment || total < head || total > packet.length) return undefined;
    const [src, dst] = [dotted(packet.subarray(12, 16)), dotted(packet.subarray(16, 20))];
    return { protocol: packet.readUInt8(9), src, dst, bytes: packet.subarray(head, total) };
  }
  if (type !== 0x86dd || packet.length < 40) return undefined;
  const total = 40 + packet.readUInt16BE(4);
  if (total > packet.length) return undefined;
  const [src, dst] = [groups(packet.subarray(8, 24)), groups(packet.subarray(24, 40))];
  return { protocol: packet.readUInt8(6), src, dst, bytes: packet.subarray(40, total) };
}

function hasFastOpen(options: Buffer): boolean {
  for (let at = 0; at + 4 <= options.length && options[at] !== 0;) {
    if (options[at] === 34 || (options[at] === 254 && options.readUInt16BE(at + 2) === 0xf989)) return true;
    at += options[at] === 1 ? 1 : Math.max(options[at + 1] ?? 2, 2);
  }
  return false;
}

function segmentOf({ protocol, src, dst, bytes }: Transport, vlan: number): CapturedSegment | undefined {
  if (bytes.length < 8 || (protocol !== 6 && protocol !== 17)) return undefined;
  const ports = { src, dst, vlan, sport: bytes.readUInt16BE(0), dport: bytes.readUInt16BE(2) };
  if (protocol === 17) {
    const length = bytes.readUInt16BE(4);
    if (length < 8 || length > bytes.length) return undefined;
    return { proto: 'UDP', ...ports, payload: bytes.subarray(8, length), seq: 0, flags: 0, fastOpen: false };
  }
  const head = bytes.length >= 20 ? (bytes.readUInt8(12) >> 4) * 4 : 0;
  if (head < 20 || head > bytes.length) return undefined;
  return {
    proto: 'TCP',
    ...ports,
    payload: bytes.subarray(head),
    seq: bytes.readUInt32BE(4),
    flags: bytes.readUInt8(13),
    fastOpen: hasFastOpen(bytes.subarray(20, head)),
  };
}

/** The TCP segments and UDP datagrams of a capture, in order; undefined if it is of a format or link type that is not known. */
export function capturedSegments(file: Buffer): CapturedSegment[] | undefined {
  const capture = framesOf(file);
  if (!capture || (capture.linkType !== 1 && capture.linkType !== 113)) return undefined;
  return capture.frames.flatMap((frame) => {
    const network = networkOf(frame, capture.linkType);
    const transport = network && transportOf(network.type, network.packet);
    return (transport && segmentOf(transport, network.vlan)) ?? [];
  });
}

/** The capture with another TCP port in the place of one, checksums as right as before (RFC 1624); undefined if it holds what is not known. */
export function withPort(file: Buffer, from: number, to: number): Buffer | undefined {
  const copy = Buffer.from(file);
  const capture = framesOf(copy);
  for (const frame of capture?.frames ?? []) {
    const network = networkOf(frame, capture?.linkType ?? 0);
    const transport = network && transportOf(network.type, network.packet);
    if (transport?.protocol !== 6 || transport.bytes.length < 20) return undefined;
    const { bytes } = transport;
    for (const at of [0, 2]) {
      if (bytes.readUInt16BE(at) !== from) continue;
      bytes.writeUInt16BE(to, at);
      const sum = (~bytes.readUInt16BE(16) & 0xffff) + (~from & 0xffff) + to;
      const folded = (sum & 0xffff) + (sum >> 16);
      bytes.writeUInt16BE(~((folded & 0xffff) + (folded >> 16)) & 0xffff, 16);
    }
  }
  return capture && copy;
}
