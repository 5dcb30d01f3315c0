// SPDX-License-Identifier: Apache-2.0
// The addresses of each country, from a MaxMind DB (https://maxmind.github.io/MaxMind-DB/): what geoip asks for.
//
// Rules are compiled to addresses, so the whole tree is walked once; mmdb-lib decodes the records that it leads to.

import { Reader, type Response } from 'mmdb-lib';
import type { AddressSet } from './ast.js';
import { formatAddress } from '../common/address.js';

/** Addresses by ISO 3166-1 code in capitals. */
export type Countries = ReadonlyMap<string, AddressSet>;

type Metadata = Reader<Response>['metadata'];

const MAPPED = 0xffffn << 32n;
/** Nodes that a sound tree is entered at more than once: prefixes that lead to IPv4 again. */
const ALIASES = 256;

/** A record of node `node`, the left one being 0; record sizes are 24, 28 and 32 bits. */
function recordOf(bytes: Buffer, { recordSize, nodeByteSize }: Metadata, node: number, right: number): number {
  const at = node * nodeByteSize;
  switch (recordSize) {
    case 24:
      return bytes.readUIntBE(at + 3 * right, 3);
    case 28: {
      const middle = bytes.readUInt8(at + 3);
      const high = right === 0 ? middle >>> 4 : middle & 15;
      return high * 2 ** 24 + bytes.readUIntBE(at + 4 * right, 3);
    }
    default:
      return bytes.readUInt32BE(at + 4 * right);
  }
}

const textOf = (address: bigint): string => formatAddress(Buffer.from(address.toString(16).padStart(32, '0'), 'hex'));

function codeOf(record: unknown): string | undefined {
  const code = (record as { country?: { iso_code?: unknown } } | null)?.country?.iso_code;
  return typeof code === 'string' ? code.toUpperCase() : undefined;
}

/**
 * Reads a database of countries, or of cities, which name their country.
 * @param bytes the whole file
 * @throws Error if it is no such database, or damaged
 */
export function readCountries(bytes: Uint8Array): Countries {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader<Response>(buffer);
  const { metadata } = reader;
  const { nodeCount, ipVersion } = metadata;
  const ranges = new Map<string, { from: bigint; to: bigint }[]>();
  const codes = new Map<number, string | undefined>();
  const bits = ipVersion === 4 ? 32 : 128;
  let visited = 0;
  let four = -1;

  const take = (from: bigint, length: number, pointer: number): void => {
    if (!codes.has(pointer)) codes.set(pointer, codeOf(reader.get(textOf(from))));
    const code = codes.get(pointer);
    if (code === undefined) return;
    let list = ranges.get(code);
    if (list === undefined) ranges.set(code, (list = []));
    const last = list.at(-1);
    const to = from + (1n << BigInt(length)) - 1n;
    if (last !== undefined && last.to + 1n === from) last.to = to;
    else list.push({ from, to });
  };
  /** Networks below a record, `left` bits of the address being open. */
  const walk = (record: number, from: bigint, left: number, base: bigint): void => {
    if (record === nodeCount) return;
    if (record > nodeCount) return take(base | from, left, record);
    // Mapped, 6to4 and Teredo prefixes lead to the tree of IPv4 again.
    if (record === four || left === 0) return;
    if (++visited > nodeCount + ALIASES) throw new Error('its tree goes round in circles');
    walk(recordOf(buffer, metadata, record, 0), from, left - 1, base);
    walk(recordOf(buffer, metadata, record, 1), from | (1n << BigInt(left - 1)), left - 1, base);
  };

  if (bits === 128) {
    let node = 0;
    for (let depth = 0; depth < 96 && node < nodeCount; depth++) node = recordOf(buffer, metadata, node, 0);
    walk(node, 0n, 32, MAPPED);
    four = node;
  }
  walk(0, 0n, bits, bits === 32 ? MAPPED : 0n);
  for (const list of ranges.values()) list.sort((a, b) => (a.from < b.from ? -1 : 1));
  return ranges;
}

/** Addresses of all countries but `names`; what the database does not know is none of them. */
export function otherCountries(countries: Countries, names: readonly string[]): AddressSet[] {
  return [...countries].flatMap(([code, set]) => (names.includes(code) ? [] : [set]));
}
