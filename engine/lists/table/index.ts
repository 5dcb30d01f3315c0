// SPDX-License-Identifier: Apache-2.0
// The face of the enforced table: `BlockTable.open(kernel.listMemory())` is an EnforcedTable over the kernel's memory,
// `BlockTable.open(plainMemory({ capacity4, capacity6 }))` the same without a kernel.

export { BlockTable, type TableOptions } from './block-table.js';
export { plainMemory, type TableMemory } from './memory.js';
export { packMeta, unpackMeta } from './meta.js';
export { CAPACITY, type ListCapacity, listSizes } from './shape.js';
export type {
  BatchResult,
  Differences,
  EnforcedTable,
  EntryColumns,
  EntryHits,
  EntryValue,
  FamilyCount,
  PrefixColumns,
  SlottedColumns,
  TableEntry,
} from './types.js';
