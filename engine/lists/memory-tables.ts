// SPDX-License-Identifier: Apache-2.0
// The list tables without a kernel: the same table in plain memory. Dry runs and tests judge with it.

import { formatPrefix, parseAddress, type Prefix } from '../../common/address.js';
import { PrefixTree } from './prefix-tree.js';
import { BlockTable, plainMemory, type EnforcedTable, type TableMemory } from './table/index.js';
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

export interface MemoryCapacity {
  readonly capacity4: number;
  readonly capacity6: number;
}

/** Both tables in memory. */
export class MemoryTables implements ListTables {
  /** What stands for the kernel's memory. */
  readonly memory: TableMemory;
  readonly blocklist: EnforcedTable;
  readonly allowlist: MemoryPrefixTable;

  constructor(capacity: MemoryCapacity = { capacity4: 10_000, capacity6: 10_000 }) {
    this.memory = plainMemory(capacity);
    this.blocklist = BlockTable.open(this.memory);
    this.allowlist = new MemoryPrefixTable();
  }

  originHits(): HitCounts {
    return { packets: 0, bytes: 0, lastSeen: 0 };
  }

  clearOriginHits(): void {}

  /** True if the blocklist alone drops a packet from `address` at `boot` seconds. */
  judge(address: string, boot: number): boolean {
    return this.blocklist
      .covering(parseAddress(address))
      .some(({ expires, alert }) => !alert && (expires === 0 || Math.floor(boot) < expires));
  }
}
