// SPDX-License-Identifier: Apache-2.0
// Tables keyed by address prefix: the blocklist and the allowlist.

import { PrefixLayout } from '../../common/abi.gen.js';
import type { Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { BpfMap } from './bpf-map.js';

const KEY = PrefixLayout.SIZE;

function writeKey(prefix: Prefix, out: Uint8Array, at = 0): Uint8Array {
  new DataView(out.buffer, out.byteOffset).setUint32(at + PrefixLayout.prefix, prefix.length, true);
  out.set(prefix.bytes, at + PrefixLayout.addr);
  return out;
}

function readKey(key: Uint8Array): Prefix {
  const length = new DataView(key.buffer, key.byteOffset).getUint32(PrefixLayout.prefix, true);
  return { length, bytes: key.slice(PrefixLayout.addr, PrefixLayout.addr + 16) };
}

/** Prefix to value bytes, in the kernel. Writes are seen by the next packet. */
export class PrefixTable {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  get maxEntries(): number {
    return this.#map.info.maxEntries;
  }

  get valueSize(): number {
    return this.#map.info.valueSize;
  }

  /** @throws IdsError LIST_FULL */
  put(prefix: Prefix, value: Uint8Array): void {
    this.#map.put(writeKey(prefix, new Uint8Array(KEY)), value);
  }

  /** False if this very prefix was not there. */
  delete(prefix: Prefix): boolean {
    return this.#map.delete(writeKey(prefix, new Uint8Array(KEY)));
  }

  /** The value of the longest prefix that covers this one; the kernel has no other question. */
  lookup(prefix: Prefix): Uint8Array | undefined {
    return this.#map.get(writeKey(prefix, new Uint8Array(KEY)));
  }

  /** The value of this very prefix. A shorter one that covers it does not count: the table is walked to tell. */
  get(prefix: Prefix): Uint8Array | undefined {
    const covering = this.lookup(prefix);
    if (covering === undefined) return undefined;
    for (const [key, value] of this.entries()) {
      if (key.length === prefix.length && key.bytes.every((byte, i) => byte === prefix.bytes[i])) return value;
    }
    return undefined;
  }

  *entries(): Generator<[Prefix, Uint8Array]> {
    for (const [key, value] of this.#map.entries()) yield [readKey(key), value.slice()];
  }

  /** Values are back to back. @throws IdsError LIST_FULL; `details.written` entries are then in the table. */
  putBatch(prefixes: readonly Prefix[], values: Uint8Array): void {
    if (values.length !== prefixes.length * this.valueSize)
      throw new IdsError('INTERNAL', 'as many values as prefixes are needed');
    this.#map.putBatch(this.#keys(prefixes), values);
  }

  /** Gives how many were there. */
  deleteBatch(prefixes: readonly Prefix[]): number {
    return this.#map.deleteBatch(this.#keys(prefixes));
  }

  /** Empties the table and gives how many entries went. */
  clear(): number {
    const keys: Prefix[] = [];
    for (const [prefix] of this.entries()) keys.push(prefix);
    return this.deleteBatch(keys);
  }

  #keys(prefixes: readonly Prefix[]): Uint8Array {
    const keys = new Uint8Array(prefixes.length * KEY);
    prefixes.forEach((prefix, i) => writeKey(prefix, keys, i * KEY));
    return keys;
  }
}
