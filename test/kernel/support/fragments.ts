// SPDX-License-Identifier: Apache-2.0
// Cuts a packet into fragments.

import { ip, type IpPart } from './frames.js';
import { chain6, extension, payloadOf } from './packets.js';

/** Where a fragment begins and ends in its datagram; offsets are multiples of 8. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** More fragments follow; unless said, if it does not reach the end. */
  readonly more?: boolean;
}

export interface Fragmented extends IpPart {
  readonly id?: number;
  readonly proto: number;
  /** What the fragments carry: what stands behind the IP header of a whole packet. */
  readonly bytes: Uint8Array;
}

/** A piece of the datagram in a frame of its own; bytes that the datagram does not have are `X`. */
export function fragment(whole: Fragmented, { from, to, more = to < whole.bytes.length }: Piece): Uint8Array {
  const bytes = new Uint8Array(to - from).fill(0x58);
  bytes.set(whole.bytes.subarray(from, Math.min(to, whole.bytes.length)));
  if (whole.src.includes(':')) {
    return chain6(whole, [extension.fragment(from / 8, more, whole.id ?? 1)], whole.proto, bytes);
  }
  return ip({ ...whole, fragment: (more ? 0x2000 : 0) | (from / 8) }, whole.proto, bytes);
}

/** All pieces between these offsets. */
export function fragments(whole: Fragmented, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts, whole.bytes.length];
  return ends.map((to, i) => fragment(whole, { from: ends[i - 1] ?? 0, to }));
}

/** The datagram of a whole frame. */
export function fragmented(part: IpPart, proto: number, frame: Uint8Array, id = 1): Fragmented {
  return { ...part, id, proto, bytes: payloadOf(frame) };
}

/** Every order of the list. */
export function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, i) => permutations(list.filter((_, j) => j !== i)).map((rest) => [one, ...rest]));
}
