// SPDX-License-Identifier: Apache-2.0
// Community ID version 1: one name for a flow across tools, and the flow id of EVE records made from the same digest.

import { isMapped4, parseAddress } from '../common/address.js';
import { sha1Short } from './sha1.js';

/** A flow as seen in one packet; for ICMP and ICMPv6 `sport` is the type and `dport` the code. */
export interface FlowTuple {
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  readonly sport?: number | undefined;
  readonly dport?: number | undefined;
  /** VLAN ids; they tell flows apart in `flowId`, not in the community id. */
  readonly vlan?: readonly number[];
}

export interface FlowIds {
  /** Undefined where a port is needed and missing, as in a later fragment. */
  readonly communityId: string | undefined;
  /** Below 2^51, the same for both directions. */
  readonly flowId: number;
}

const ICMP = 1;
const ICMP6 = 58;
const withPorts: ReadonlySet<number> = new Set([6, 17, 132]);

// Message types that answer each other. Other types have no counterpart: their flows have one direction.
const pairs = (list: readonly (readonly [number, number])[]): ReadonlyMap<number, number> =>
  new Map(list.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
const counterparts4 = pairs([
  [0, 8],
  [9, 10],
  [13, 14],
  [15, 16],
  [17, 18],
]);
const counterparts6 = pairs([
  [128, 129],
  [133, 134],
  [135, 136],
  [130, 131],
  [139, 140],
  [144, 145],
]);

/** Endpoints in canonical order: true if (a, portA) has to stand behind (b, portB). */
function swapped(a: Uint8Array, b: Uint8Array, portA: number, portB: number): boolean {
  const order = Buffer.compare(a, b);
  return order > 0 || (order === 0 && portA > portB);
}

const input = Buffer.alloc(40);
const sum = new Int32Array(5);
const sumBytes = Buffer.alloc(20);

/** The digest of `input[0..length)`, until the next call. */
function digestOf(length: number): Buffer {
  sha1Short(input, length, sum);
  for (let i = 0; i < 5; i++) sumBytes.writeInt32BE(sum[i] as number, 4 * i);
  return sumBytes;
}

/** Both ids of a flow. @throws IdsError ADDRESS_INVALID */
export function flowIds(tuple: FlowTuple, seed = 0): FlowIds {
  const { proto } = tuple;
  const a = parseAddress(tuple.src);
  const b = parseAddress(tuple.dst);
  const icmp = proto === ICMP ? counterparts4 : proto === ICMP6 ? counterparts6 : undefined;
  const ports = icmp !== undefined || withPorts.has(proto);
  const complete = !ports || (tuple.sport !== undefined && tuple.dport !== undefined);
  const sport = ports ? (tuple.sport ?? 0) : 0;
  const counterpart = icmp?.get(sport);
  const oneWay = icmp !== undefined && counterpart === undefined;
  const dport = ports ? (counterpart ?? tuple.dport ?? 0) : 0;

  const turn = !oneWay && swapped(a, b, sport, dport);
  const [first, second, port1, port2] = turn ? [b, a, dport, sport] : [a, b, sport, dport];
  const skip = isMapped4(a) && isMapped4(b) ? 12 : 0;
  const size = 16 - skip;
  input.writeUInt16BE(seed, 0);
  input.set(first.subarray(skip), 2);
  input.set(second.subarray(skip), 2 + size);
  let at = input.writeUInt8(proto, 2 + 2 * size);
  at = input.writeUInt8(0, at);
  if (ports) at = input.writeUInt16BE(port2, input.writeUInt16BE(port1, at));

  const digest = digestOf(at);
  return {
    communityId: complete ? `1:${digest.toString('base64')}` : undefined,
    flowId: flowIdOf(digest, tuple.vlan),
  };
}

/**
 * As `flowIds` with seed 0 of a TCP or UDP flow whose 16-byte addresses are at `a` and `b` of `bytes`: nothing is put
 * into words on the way.
 */
export function flowIdsOf(
  bytes: Uint8Array,
  a: number,
  b: number,
  sport: number,
  dport: number,
  proto: number,
  vlan: readonly number[],
): FlowIds {
  const mapped = isMapped4(bytes, a) && isMapped4(bytes, b);
  const skip = mapped ? 12 : 0;
  const size = 16 - skip;
  let order = 0;
  for (let i = skip; i < 16 && order === 0; i++) order = (bytes[a + i] ?? 0) - (bytes[b + i] ?? 0);
  const turn = order > 0 || (order === 0 && sport > dport);
  const [first, second] = turn ? [b, a] : [a, b];
  input[0] = input[1] = 0;
  for (let i = 0; i < size; i++) {
    input[2 + i] = bytes[first + skip + i] ?? 0;
    input[2 + size + i] = bytes[second + skip + i] ?? 0;
  }
  const at = 2 + 2 * size;
  input[at] = proto;
  input[at + 1] = 0;
  const port1 = turn ? dport : sport;
  const port2 = turn ? sport : dport;
  input[at + 2] = port1 >> 8;
  input[at + 3] = port1;
  input[at + 4] = port2 >> 8;
  input[at + 5] = port2;
  const digest = digestOf(at + 6);
  return { communityId: `1:${digest.toString('base64')}`, flowId: flowIdOf(digest, vlan) };
}

/** 51 bits, as EVE keeps them: exact in a JavaScript number and in every JSON reader. */
function flowIdOf(digest: Buffer, vlan: readonly number[] = []): number {
  let tag = 0;
  for (const id of vlan) tag = Math.imul(tag + id + 1, 0x9e3779b1);
  const low = (digest.readUInt32LE(0) ^ tag) >>> 0;
  const high = (digest.readUInt32LE(4) ^ Math.imul(tag, 0x85ebca6b)) & 0x7ffff;
  return high * 2 ** 32 + low;
}

/** The Community ID of a flow, or undefined where a port is missing. @throws IdsError ADDRESS_INVALID */
export function communityId(tuple: FlowTuple, seed = 0): string | undefined {
  return flowIds(tuple, seed).communityId;
}
