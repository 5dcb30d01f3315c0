// SPDX-License-Identifier: Apache-2.0
// Waits until every program that runs has ended: the kernel does so when a map of maps is written.

import { BpfMap, indexKey, MapType } from './bpf-map.js';
import { check } from './check.js';
import { libbpf, optSize } from './native.js';

const INNER = { type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };

export class RcuBarrier {
  readonly #inner: BpfMap;
  readonly #outer: BpfMap;

  private constructor(inner: BpfMap, outer: BpfMap) {
    this.#inner = inner;
    this.#outer = outer;
  }

  static open(): RcuBarrier {
    const inner = BpfMap.create('ids_rcu_inner', INNER);
    try {
      const opts = { sz: optSize.map, map_flags: 0, inner_map_fd: inner.fd };
      const fd = check(libbpf().mapCreate(MapType.ARRAY_OF_MAPS, 'ids_rcu', 4, 4, 1, opts), 'create map ids_rcu');
      return new RcuBarrier(inner, BpfMap.ofFd('ids_rcu', fd, { owned: true }));
    } catch (error) {
      inner.close();
      throw error;
    }
  }

  wait(): void {
    this.#outer.put(indexKey(0), indexKey(this.#inner.fd));
  }

  close(): void {
    this.#outer.close();
    this.#inner.close();
  }
}
