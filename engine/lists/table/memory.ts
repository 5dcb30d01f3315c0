// SPDX-License-Identifier: Apache-2.0
// The memory that the tables live in: the kernel's maps as typed arrays, or plain arrays of the same shape.

import { type ListCapacity, listSizes, Root } from './shape.js';

/** Views of the list maps of bpf/maps.h. All words are the host's. */
export interface TableMemory {
  /** struct ids_list_root */
  readonly root: Uint32Array;
  /** 32 bits a word. */
  readonly filter4: Uint32Array;
  readonly filter6: Uint32Array;
  /** 16 classes a word. */
  readonly class4: Uint32Array;
  readonly class6: Uint32Array;
  /** Two front words a number, the first in the low half. */
  readonly front4: Uint32Array;
  readonly front6: Uint32Array;
  /** struct ids_line4 */
  readonly entries4: Uint32Array;
  /** struct ids_line6 */
  readonly entries6: Uint32Array;
  /** struct ids_infos6 */
  readonly info6: Uint32Array;
  /** Two words an entry. */
  readonly hits: Uint32Array;
  /** struct ids_set, as 16-bit words. */
  readonly sets: Uint16Array;
  /** Returns when no reader can still hold what was freed before the call. */
  synchronize(): void;
}

/** The same without a kernel: dry runs and tests. */
export function plainMemory(capacity: ListCapacity): TableMemory {
  const sizes = listSizes(capacity);
  return {
    root: new Uint32Array(Root.WORDS),
    filter4: new Uint32Array(1 << 17),
    filter6: new Uint32Array(1 << 17),
    class4: new Uint32Array(1 << 20),
    class6: new Uint32Array(1 << 20),
    front4: new Uint32Array(1 << 23),
    front6: new Uint32Array(1 << 23),
    entries4: new Uint32Array(sizes.ids_entries4 * 16),
    entries6: new Uint32Array(sizes.ids_entries6 * 32),
    info6: new Uint32Array(sizes.ids_info6 * 16),
    hits: new Uint32Array(sizes.ids_entry_hits * 2),
    sets: new Uint16Array(65536 * 4),
    synchronize: () => {},
  };
}
