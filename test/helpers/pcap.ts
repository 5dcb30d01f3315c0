// SPDX-License-Identifier: Apache-2.0
// Writes captures.

/** 1700000000 seconds, the time from which those of packets are counted. */
export const EPOCH = 1_700_000_000;

export type Timed = readonly [seconds: number, frame: Uint8Array];

/** A classic pcap of nanoseconds; times are seconds after EPOCH. */
export function pcap(packets: readonly Timed[], linkType = 1): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b23c4d);
  header.writeUInt32LE(linkType, 20);
  const records = packets.flatMap(([seconds, frame]) => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(EPOCH + Math.floor(seconds));
    head.writeUInt32LE(Math.round((seconds % 1) * 1e9), 4);
    head.writeUInt32LE(frame.length, 8);
    head.writeUInt32LE(frame.length, 12);
    return [head, frame];
  });
  return Buffer.concat([header, ...records]);
}
