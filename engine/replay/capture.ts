// SPDX-License-Identifier: Apache-2.0
// Capture files, packet by packet: classic pcap (either byte order, micro- or nanoseconds) and pcapng.

import type { ByteSource } from './byte-source.js';
import { damaged, MAX_PACKET, type CapturedPacket } from './captured-packet.js';
import { readPcapng } from './pcapng.js';

const NG_BLOCK = 0x0a0d0d0a;
const PCAP_MICRO = 0xa1b2c3d4;
const PCAP_NANO = 0xa1b23c4d;

/**
 * Reads a capture front to back.
 * @throws IdsError CAPTURE_INVALID where the file is damaged; the packets before that have been handed out.
 */
export function* readCapture(source: ByteSource): Generator<CapturedPacket, void, undefined> {
  const magic = source.peek(4);
  if (!magic) throw damaged(source, 'this is no capture: the file is shorter than a header');
  if (magic.readUInt32LE(0) === NG_BLOCK) yield* readPcapng(source);
  else yield* readPcap(source, magic);
}

function* readPcap(source: ByteSource, magic: Buffer): Generator<CapturedPacket, void, undefined> {
  const little = [PCAP_MICRO, PCAP_NANO].includes(magic.readUInt32LE(0));
  const value = little ? magic.readUInt32LE(0) : magic.readUInt32BE(0);
  if (value !== PCAP_MICRO && value !== PCAP_NANO) {
    throw damaged(source, 'this is no pcap or pcapng file: unknown magic number; convert it with tshark -F pcap');
  }
  const header = source.take(24);
  if (!header) throw damaged(source, 'the file header is cut off');
  const read = (bytes: Buffer, at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  // The upper half of the link type field holds the FCS length, not the type.
  const linkType = read(header, 20) & 0xffff;
  const scale = value === PCAP_NANO ? 1 : 1000;
  while (!source.ended) {
    const record = source.take(16);
    if (!record) throw damaged(source, 'the last packet header is cut off');
    const [seconds, fraction] = [read(record, 0), read(record, 4)];
    const [length, wireLength] = [read(record, 8), read(record, 12)];
    if (length > MAX_PACKET) throw damaged(source, `a packet of ${length} bytes cannot be: the file is damaged here`);
    const data = source.take(length);
    if (!data) throw damaged(source, `the last packet is cut off: ${length} bytes were announced`);
    yield { seconds, nanos: fraction * scale, linkType, data, wireLength };
  }
}
