// SPDX-License-Identifier: Apache-2.0
// The face of the enforced table: `BlockTable.open(kernel.listMemory())` is an EnforcedTable over the kernel's memory,
// `BlockTable.open(plainMemory({ capacity4, capacity6 }))` the same without a kernel.

export { packMeta, unpackMeta } from './meta.js';
export type {
  BatchResult,
  Differences,
  EnforcedTable,
  EntryColumns,
  EntryHits,
  EntryValue,
  PrefixColumns,
  SlottedColumns,
  TableEntry,
} from './types.js';
