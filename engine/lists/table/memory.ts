// SPDX-License-Identifier: Apache-2.0
// The memory that the tables live in: the kernel's maps as typed arrays, or plain arrays of the same shape.

import { ListLimit } from '../../../common/abi.gen.js';
import { LINE4_WORDS, LINE6_WORDS, type ListCapacity, listSizes, Root } from './shape.js';

/** Views of the list maps of bpf/maps.h. All words are the host's. */
export interface TableMemory {
  /** struct ids_list_root */
  readonly root: Uint32Array;
  /** 32 bits a word. */
  readonly filter4: Uint32Array;
  readonly filter6: Uint32Array;
  readonly any4: Uint32Array;
  readonly any6: Uint32Array;
  readonly mixed4: Uint32Array;
  readonly mixed6: Uint32Array;
  /** Two front words a number, the first in the low half. */
  readonly front4: Uint32Array;
  readonly front6: Uint32Array;
  /** struct ids_line4 */
  readonly entries4: Uint32Array;
  /** struct ids_line6 */
  readonly entries6: Uint32Array;
  /** Four length sets' numbers a word, the first in the lowest byte. */
  readonly buckets6: Uint32Array;
  /** struct ids_length_set */
  readonly lengthSets: Uint32Array;
  /** struct ids_set, as 16-bit words. */
  readonly sets: Uint16Array;
  /** Returns when no reader can still hold what was freed before the call. */
  synchronize(): void;
  /** To be called when a change is in force: what programs remember of earlier lookups is void then. */
  changed(): void;
}

/** What leads to the entries of one family. */
export type FrontMemory = Record<'front' | 'mixed' | 'any' | 'filter', Uint32Array>;

export const frontMemory4 = ({ front4, mixed4, any4, filter4 }: TableMemory): FrontMemory => ({
  ...{ front: front4, mixed: mixed4, any: any4, filter: filter4 },
});

export const frontMemory6 = ({ front6, mixed6, any6, filter6 }: TableMemory): FrontMemory => ({
  ...{ front: front6, mixed: mixed6, any: any6, filter: filter6 },
});

/** The same without a kernel: dry runs and tests. */
export function plainMemory(capacity: ListCapacity): TableMemory {
  const sizes = listSizes(capacity);
  return {
    root: new Uint32Array(Root.WORDS),
    filter4: new Uint32Array(1 << 17),
    filter6: new Uint32Array(1 << 17),
    any4: new Uint32Array(1 << 19),
    any6: new Uint32Array(1 << 19),
    mixed4: new Uint32Array(1 << 17),
    mixed6: new Uint32Array(1 << 17),
    front4: new Uint32Array(1 << 23),
    front6: new Uint32Array(1 << 23),
    entries4: new Uint32Array(sizes.ids_entries4 * LINE4_WORDS),
    entries6: new Uint32Array(sizes.ids_entries6 * LINE6_WORDS),
    buckets6: new Uint32Array(ListLimit.LENGTH_BUCKETS / 4),
    lengthSets: new Uint32Array(ListLimit.LENGTH_SETS * 4),
    sets: new Uint16Array(65536 * 4),
    synchronize: () => {},
    changed: () => {},
  };
}
