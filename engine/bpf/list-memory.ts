// SPDX-License-Identifier: Apache-2.0
// The maps of the blocklist as memory: typed arrays over what the programs read.

import type { mapShapes } from '../../common/abi.gen.js';
import type { BpfMap } from './bpf-map.js';
import { Mapping } from './memory.js';

const maps = {
  root: 'ids_list_root',
  filter4: 'ids_filter4',
  filter6: 'ids_filter6',
  any4: 'ids_any4',
  any6: 'ids_any6',
  mixed4: 'ids_mixed4',
  mixed6: 'ids_mixed6',
  front4: 'ids_front4',
  front6: 'ids_front6',
  entries4: 'ids_entries4',
  entries6: 'ids_entries6',
  buckets6: 'ids_buckets6',
  lengthSets: 'ids_length_sets',
} as const satisfies Record<string, keyof typeof mapShapes>;

/** Views of the list maps; they must not be touched after `close()`. */
export class ListMemory {
  readonly root: Uint32Array;
  readonly filter4: Uint32Array;
  readonly filter6: Uint32Array;
  readonly any4: Uint32Array;
  readonly any6: Uint32Array;
  readonly mixed4: Uint32Array;
  readonly mixed6: Uint32Array;
  readonly front4: Uint32Array;
  readonly front6: Uint32Array;
  readonly entries4: Uint32Array;
  readonly entries6: Uint32Array;
  readonly buckets6: Uint32Array;
  readonly lengthSets: Uint32Array;
  readonly sets: Uint16Array;
  /** Returns when no program can still hold what was freed before the call. */
  readonly synchronize: () => void;
  /** To be called when a change is in force: flows forget what they have cached. */
  readonly changed: () => void;
  readonly #mappings: Mapping[] = [];

  private constructor(map: (name: string) => BpfMap, synchronize: () => void, changed: () => void) {
    const words = (name: string): Uint32Array => {
      const { info, fd } = map(name);
      const bytes = info.maxEntries * info.valueSize;
      const mapping = Mapping.open(fd, bytes, { writable: true, what: name });
      this.#mappings.push(mapping);
      return new Uint32Array(mapping.buffer, 0, bytes / 4);
    };
    this.root = words(maps.root);
    this.filter4 = words(maps.filter4);
    this.filter6 = words(maps.filter6);
    this.any4 = words(maps.any4);
    this.any6 = words(maps.any6);
    this.mixed4 = words(maps.mixed4);
    this.mixed6 = words(maps.mixed6);
    this.front4 = words(maps.front4);
    this.front6 = words(maps.front6);
    this.entries4 = words(maps.entries4);
    this.entries6 = words(maps.entries6);
    this.buckets6 = words(maps.buckets6);
    this.lengthSets = words(maps.lengthSets);
    const sets = words('ids_sets');
    this.sets = new Uint16Array(sets.buffer, 0, sets.length * 2);
    this.synchronize = synchronize;
    this.changed = changed;
  }

  static open(map: (name: string) => BpfMap, synchronize: () => void, changed: () => void): ListMemory {
    return new ListMemory(map, synchronize, changed);
  }

  close(): void {
    for (const mapping of this.#mappings.splice(0)) mapping.close();
  }
}
