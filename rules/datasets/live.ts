// SPDX-License-Identifier: Apache-2.0
// The data sets that rules in force ask and change. What packets add is bounded by each set's memcap: beyond it values are
// refused, and counted.

import { VALUE_OVERHEAD, isStatic, type DatasetSpec } from './declarations.js';
import type { DatasetType } from './values.js';

export class LiveDataset {
  readonly type: DatasetType;
  readonly spec: Omit<DatasetSpec, 'values'>;
  /** Scores by key. */
  readonly values: Map<string, number>;
  /** Values that there was no room for. */
  refused = 0;
  #bytes = 0;

  constructor({ values, ...spec }: DatasetSpec) {
    this.spec = spec;
    this.type = spec.type;
    this.values = new Map(values);
    for (const key of values.keys()) this.#bytes += key.length + VALUE_OVERHEAD;
  }

  /** Bytes that its values take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True if it was not there. */
  add(key: string, score = 0): boolean {
    if (this.values.has(key)) return false;
    const size = key.length + VALUE_OVERHEAD;
    if (this.#bytes + size > this.spec.memcap) {
      this.refused++;
      return false;
    }
    this.#bytes += size;
    this.values.set(key, score);
    return true;
  }

  /** True if it was there. */
  delete(key: string): boolean {
    if (!this.values.delete(key)) return false;
    this.#bytes -= key.length + VALUE_OVERHEAD;
    return true;
  }
}

export class LiveDatasets {
  readonly #sets = new Map<string, LiveDataset>();

  /** @param before sets that are kept where they are not static and of the same type */
  constructor(specs: readonly DatasetSpec[], before?: LiveDatasets) {
    for (const spec of specs) {
      const old = isStatic(spec) ? undefined : before?.get(spec.name);
      this.#sets.set(spec.name, old?.type === spec.type ? old : new LiveDataset(spec));
    }
  }

  get(name: string): LiveDataset | undefined {
    return this.#sets.get(name);
  }

  get all(): readonly LiveDataset[] {
    return [...this.#sets.values()];
  }

  /** Values held, and values refused for want of room. */
  get stats(): { readonly held: number; readonly refused: number } {
    let [held, refused] = [0, 0];
    for (const set of this.#sets.values()) {
      held += set.values.size;
      refused += set.refused;
    }
    return { held, refused };
  }
}
