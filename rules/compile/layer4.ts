// SPDX-License-Identifier: Apache-2.0
// Vectors by IP protocol and by layer-4 key: TCP packets by their flags, ICMP and ICMPv6 packets by their type. What
// rules ask of flags and types is evaluated here, once for every value, and costs the packet nothing.

import { Field, L4Space, Limit } from '../../common/abi.gen.js';
import type { Condition } from '../ast.js';
import { decidedByLayer4, decidedByProtocol, holds } from './conditions.js';
import type { Entry } from './entries.js';
import { setBit, VECTOR_HALVES, type Vector, type VectorPool } from './vectors.js';

function addAll(to: Vector, from: Vector): void {
  for (let i = 0; i < VECTOR_HALVES; i++) to[i] = (to[i] ?? 0) | (from[i] ?? 0);
}

/** Entries that ask the same of the protocol share a key. */
function protocolKey({ rule, source, destination, conditions }: Entry): string {
  const open = source.anyAddress && destination.anyAddress && source.anyPort && destination.anyPort;
  const asked = conditions
    .filter(decidedByProtocol)
    .map(({ field, negate, mask, lo, hi }) => [field, negate, mask, lo, hi].join(' '));
  return [rule.ipProtocols?.join(' ') ?? '*', rule.anyFrame && open, ...asked].join();
}

/** Fills `table` (IDS_PROTO_KEYS vector numbers); rules that are judged on messages are in none of them. */
export function compileProtocols(entries: readonly Entry[], pool: VectorPool, table: Uint16Array): void {
  const groups = new Map<string, { readonly first: Entry; readonly vector: Vector }>();
  entries.forEach((entry, position) => {
    if (entry.message !== undefined) return;
    const key = protocolKey(entry);
    const group = groups.get(key) ?? { first: entry, vector: new Uint32Array(VECTOR_HALVES) };
    setBit(group.vector, position);
    groups.set(key, group);
  });
  for (let protocol = 0; protocol < Limit.PROTO_KEYS; protocol++) {
    const vector = new Uint32Array(VECTOR_HALVES);
    for (const { first, vector: members } of groups.values()) {
      if (matchesProtocol(first, protocol)) addAll(vector, members);
    }
    table[protocol] = pool.intern(vector);
  }
}

/** True if the entry can match packets of this protocol key; exact for IDS_PROTO_NONE, where nothing else decides. */
export function matchesProtocol({ rule, source, destination, conditions }: Entry, protocol: number): boolean {
  if (protocol === Limit.PROTO_NONE) {
    const open = source.anyAddress && destination.anyAddress && source.anyPort && destination.anyPort;
    return rule.anyFrame && open;
  }
  if (rule.ipProtocols !== undefined && !rule.ipProtocols.includes(protocol)) return false;
  return conditions.every((condition) => !decidedByProtocol(condition) || holds(condition, protocol));
}

const SPACES = [
  { space: L4Space.L4_TCP, field: Field.TCP_FLAGS },
  { space: L4Space.L4_ICMP, field: Field.ICMP_TYPE },
  { space: L4Space.L4_ICMP6, field: Field.ICMP_TYPE },
] as const;

/** Entries that ask the same of flags and types. */
interface Asking {
  readonly conditions: readonly Condition[];
  readonly vector: Vector;
}

/**
 * Fills `table` (IDS_L4_SPACES times 256 vector numbers) and returns the vector of packets without a layer-4 key.
 * @param further entries behind them that ask nothing of it
 */
export function compileLayer4(
  entries: readonly Entry[],
  further: number,
  pool: VectorPool,
  table: Uint16Array,
): number {
  const none = new Uint32Array(VECTOR_HALVES);
  for (let i = 0; i < further; i++) setBit(none, entries.length + i);
  const groups = new Map<string, Asking>();
  entries.forEach((entry, position) => {
    const conditions = entry.conditions.filter(decidedByLayer4);
    if (conditions.length === 0) return setBit(none, position);
    const key = conditions.map(({ field, negate, mask, lo, hi }) => [field, negate, mask, lo, hi].join(' ')).join();
    const group = groups.get(key) ?? { conditions, vector: new Uint32Array(VECTOR_HALVES) };
    setBit(group.vector, position);
    groups.set(key, group);
  });
  for (const { space, field } of SPACES) {
    for (let value = 0; value < 256; value++) {
      const vector = none.slice();
      for (const group of groups.values()) {
        const met = group.conditions.every((condition) => condition.field === field && holds(condition, value));
        if (met) addAll(vector, group.vector);
      }
      table[space * 256 + value] = pool.intern(vector);
    }
  }
  return pool.intern(none);
}
