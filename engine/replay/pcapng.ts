// SPDX-License-Identifier: Apache-2.0
// pcapng (draft-ietf-opsawg-pcapng): section headers, interface descriptions, enhanced, simple and obsolete packet blocks.

import type { ByteSource } from './byte-source.js';
import { damaged, MAX_PACKET, type CapturedPacket } from './captured-packet.js';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET_OBSOLETE = 2;
const PACKET_SIMPLE = 3;
const PACKET_ENHANCED = 6;
const BYTE_ORDER = 0x1a2b3c4d;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;
const MAX_BLOCK = 16 * 1024 * 1024;

interface NgInterface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Ticks a second. */
  readonly resolution: bigint;
  readonly offset: number;
}

interface Reader {
  u16(bytes: Buffer, at: number): number;
  u32(bytes: Buffer, at: number): number;
  i64(bytes: Buffer, at: number): bigint;
}

const littleReader: Reader = {
  u16: (bytes, at) => bytes.readUInt16LE(at),
  u32: (bytes, at) => bytes.readUInt32LE(at),
  i64: (bytes, at) => bytes.readBigInt64LE(at),
};

const bigReader: Reader = {
  u16: (bytes, at) => bytes.readUInt16BE(at),
  u32: (bytes, at) => bytes.readUInt32BE(at),
  i64: (bytes, at) => bytes.readBigInt64BE(at),
};

export function* readPcapng(source: ByteSource): Generator<CapturedPacket, void, undefined> {
  let reader = littleReader;
  let interfaces: NgInterface[] = [];
  while (!source.ended) {
    const head = source.peek(12);
    if (!head) throw damaged(source, 'the last block is cut off');
    // The section header's type reads the same in both orders; its byte-order magic decides for what follows.
    const isSection = head.readUInt32LE(0) === SECTION;
    if (isSection) {
      reader = sectionReader(source, head);
      interfaces = [];
    }
    const type = reader.u32(head, 0);
    const length = reader.u32(head, 4);
    if (length < 12 || length % 4 !== 0 || length > MAX_BLOCK)
      throw damaged(source, `a block of ${length} bytes cannot be`);
    const block = source.take(length);
    if (!block) throw damaged(source, `the last block is cut off: ${length} bytes were announced`);
    const body = block.subarray(8, length - 4);
    if (reader.u32(block, length - 4) !== length) throw damaged(source, 'the two lengths of a block differ');
    if (type === INTERFACE) interfaces.push(readInterface(source, reader, body));
    else if (type === PACKET_ENHANCED || type === PACKET_OBSOLETE)
      yield readTimed(source, reader, type, body, interfaces);
    else if (type === PACKET_SIMPLE) yield readSimple(source, reader, body, interfaces);
  }
}

function sectionReader(source: ByteSource, head: Buffer): Reader {
  if (head.readUInt32LE(8) === BYTE_ORDER) return littleReader;
  if (head.readUInt32BE(8) === BYTE_ORDER) return bigReader;
  throw damaged(source, 'a section header without a byte order');
}

function need(source: ByteSource, body: Buffer, bytes: number): void {
  if (body.length < bytes) throw damaged(source, 'a block is shorter than its fixed part');
}

function readInterface(source: ByteSource, reader: Reader, body: Buffer): NgInterface {
  need(source, body, 8);
  let resolution = 1_000_000n;
  let offset = 0;
  for (let at = 8; at + 4 <= body.length;) {
    const code = reader.u16(body, at);
    const length = reader.u16(body, at + 2);
    if (code === 0 || at + 4 + length > body.length) break;
    const first = body[at + 4] ?? 0;
    if (code === OPTION_TSRESOL && length === 1) {
      const exponent = BigInt(first & 0x7f);
      if (exponent > 63n) throw damaged(source, 'a time resolution that cannot be');
      resolution = (first & 0x80 ? 2n : 10n) ** exponent;
    } else if (code === OPTION_TSOFFSET && length === 8) {
      offset = Number(reader.i64(body, at + 4));
    }
    at += 4 + ((length + 3) & ~3);
  }
  return { linkType: reader.u16(body, 0), snapLength: reader.u32(body, 4), resolution, offset };
}

function readTimed(
  source: ByteSource,
  reader: Reader,
  type: number,
  body: Buffer,
  interfaces: readonly NgInterface[],
): CapturedPacket {
  need(source, body, 20);
  const index = type === PACKET_ENHANCED ? reader.u32(body, 0) : reader.u16(body, 0);
  const link = interfaces[index];
  if (!link) throw damaged(source, `a packet of interface ${index}, which was not described`);
  const ticks = (BigInt(reader.u32(body, 4)) << 32n) | BigInt(reader.u32(body, 8));
  const seconds = Number(ticks / link.resolution) + link.offset;
  const nanos = Number(((ticks % link.resolution) * 1_000_000_000n) / link.resolution);
  const length = reader.u32(body, 12);
  if (length > MAX_PACKET || 20 + length > body.length)
    throw damaged(source, `a packet of ${length} bytes in a shorter block`);
  const data = body.subarray(20, 20 + length);
  return { seconds, nanos, linkType: link.linkType, data, wireLength: reader.u32(body, 16) };
}

/** Simple packet blocks carry no time and belong to the first interface. */
function readSimple(
  source: ByteSource,
  reader: Reader,
  body: Buffer,
  interfaces: readonly NgInterface[],
): CapturedPacket {
  need(source, body, 4);
  const link = interfaces[0];
  if (!link) throw damaged(source, 'a packet before any interface was described');
  const wireLength = reader.u32(body, 0);
  const limit = link.snapLength === 0 ? MAX_PACKET : link.snapLength;
  const length = Math.min(wireLength, limit, body.length - 4);
  return { seconds: 0, nanos: 0, linkType: link.linkType, data: body.subarray(4, 4 + length), wireLength };
}
