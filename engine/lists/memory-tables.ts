// SPDX-License-Identifier: Apache-2.0
// The list tables without a kernel: same contract, same longest match. Dry runs and tests judge with it.

import { formatPrefix, parseAddress, type Prefix } from '../../common/address.js';
import { decodeBlock } from './records.js';
import { PrefixTree } from './prefix-tree.js';
import type { HitCounts, ListTables, PrefixTable } from './tables.js';

/** A prefix table in memory. */
export class MemoryPrefixTable implements PrefixTable {
  readonly #tree = new PrefixTree<readonly [Prefix, Uint8Array]>();
  readonly #capacity: number;
  /** Changes made, for tests that count them. */
  writes = 0;

  constructor(capacity = Infinity) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#tree.size;
  }

  put(prefix: Prefix, value: Uint8Array): void {
    if (this.#tree.get(prefix) === undefined && this.#tree.size >= this.#capacity) {
      throw new Error(`put ${formatPrefix(prefix)}: no space left in the table`);
    }
    this.#tree.set(prefix, [prefix, value.slice()]);
    this.writes++;
  }

  delete(prefix: Prefix): boolean {
    this.writes++;
    return this.#tree.delete(prefix);
  }

  get(prefix: Prefix): Uint8Array | undefined {
    return this.#tree.get(prefix)?.[1];
  }

  entries(): Iterable<readonly [Prefix, Uint8Array]> {
    return this.#tree.values();
  }

  /** The value of the longest prefix that covers an address, as the kernel looks it up. */
  lookup(address: Uint8Array): Uint8Array | undefined {
    return this.#tree.covering({ bytes: address, length: 128 }).at(-1)?.[1];
  }
}

/** Both tables and the hit counters in memory. */
export class MemoryTables implements ListTables {
  readonly blocklist: MemoryPrefixTable;
  readonly allowlist: MemoryPrefixTable;
  readonly #hits = new Map<number, HitCounts>();

  constructor(capacity = Infinity) {
    this.blocklist = new MemoryPrefixTable(capacity);
    this.allowlist = new MemoryPrefixTable(capacity);
  }

  hits(index: number): HitCounts {
    return this.#hits.get(index) ?? { packets: 0, bytes: 0, lastSeen: 0 };
  }

  /** Judges a packet of `bytes` from `address` at `boot` seconds: true if the blocklist alone drops it. */
  judge(address: string, boot: number, bytes = 60): boolean {
    const value = this.blocklist.lookup(parseAddress(address));
    if (!value) return false;
    const block = decodeBlock(value);
    if (block.expires !== 0 && Math.floor(boot) >= block.expires) return false;
    const before = this.hits(block.hits);
    this.#hits.set(block.hits, {
      packets: before.packets + 1,
      bytes: before.bytes + bytes,
      lastSeen: Math.round(boot * 1e9),
    });
    return true;
  }
}
