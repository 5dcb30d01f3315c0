// SPDX-License-Identifier: Apache-2.0
// A TCP connection as somebody wrote it down: which bytes of which stream come in which segment, in whatever order.
import { TCP, tcp } from '../kernel/support/frames.js';

export type Side = 'client' | 'server';

/** A segment with data. */
export interface Piece {
  readonly from: Side;
  /** Where its bytes are in the stream of its sender. */
  readonly at: number;
  readonly bytes: Buffer;
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** The stream cut at these places, in order. */
export function cut(from: Side, text: string, places: readonly number[] = [], base = 0): Piece[] {
  const ends = [...places, text.length];
  return ends.map((end, i) => ({
    from,
    at: base + (ends[i - 1] ?? 0),
    bytes: bytesOf(text.slice(ends[i - 1] ?? 0, end)),
  }));
}

/** The pieces in another order; a piece may come more than once. */
export const inOrder = (pieces: readonly Piece[], order: readonly number[]): Piece[] =>
  order.flatMap((n) => pieces[n] ?? []);

/** Bytes from the beginning of a side's stream that the first `count` pieces have brought without a hole. */
export function contiguous(pieces: readonly Piece[], from: Side, count: number): number {
  const ranges = pieces
    .slice(0, count)
    .filter((piece) => piece.from === from)
    .map(({ at, bytes }) => [at, at + bytes.length] as const)
    .sort(([a], [b]) => a - b);
  return ranges.reduce((end, [first, last]) => (first <= end ? Math.max(end, last) : end), 0);
}

/** Number of the piece with which the first `end` bytes of a side's stream are all there. */
export function completing(pieces: readonly Piece[], from: Side, end: number): number {
  return pieces.findIndex((_, i) => contiguous(pieces, from, i + 1) >= end);
}

export interface Ends {
  readonly client: string;
  readonly server: string;
  readonly sport: number;
  readonly dport: number;
}

/** Initial sequence numbers: the client's wraps around early. */
export const ISN: Readonly<Record<Side, number>> = { client: 0xffff_fff0, server: 0x1000_0000 };

export interface Segment {
  readonly from: Side;
  readonly frame: Uint8Array;
  /** Number of its piece; undefined of the handshake. */
  readonly piece?: number;
}

/** One segment from a side of the connection. */
export function segment(
  ends: Ends,
  from: Side,
  part: { seq: number; ack?: number; flags: number; payload?: Uint8Array },
): Uint8Array {
  const { client, server, sport, dport } = ends;
  const addresses =
    from === 'client'
      ? { src: client, dst: server, sport, dport }
      : { src: server, dst: client, sport: dport, dport: sport };
  return tcp({ ...addresses, ...part, seq: part.seq >>> 0, ack: (part.ack ?? 0) >>> 0 });
}

/** The frames of the connection: its handshake, and the pieces, each of which acknowledges what has come without a hole. */
export function framesOf(ends: Ends, pieces: readonly Piece[], isn = ISN): Segment[] {
  const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');
  const handshake: Segment[] = [
    { from: 'client', frame: segment(ends, 'client', { seq: isn.client, flags: TCP.SYN }) },
    {
      from: 'server',
      frame: segment(ends, 'server', { seq: isn.server, ack: isn.client + 1, flags: TCP.SYN | TCP.ACK }),
    },
    { from: 'client', frame: segment(ends, 'client', { seq: isn.client + 1, ack: isn.server + 1, flags: TCP.ACK }) },
  ];
  const data = pieces.map(({ from, at, bytes }, piece) => ({
    from,
    piece,
    frame: segment(ends, from, {
      seq: isn[from] + 1 + at,
      ack: isn[other(from)] + 1 + contiguous(pieces, other(from), piece),
      flags: TCP.PSH | TCP.ACK,
      payload: bytes,
    }),
  }));
  return [...handshake, ...data];
}
