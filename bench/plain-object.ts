// SPDX-License-Identifier: Apache-2.0
// bench/live.bpf.c, loaded: programs and maps of the benchmark alone, with nothing of the product's in them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpfMap } from '../engine/bpf/bpf-map.js';
import { check, checkPointer } from '../engine/bpf/check.js';
import { libbpf, optSize } from '../engine/bpf/native.js';

export class PlainObject {
  readonly #object: bigint;
  readonly #maps = new Map<string, number>();
  readonly #programs = new Map<string, number>();

  private constructor(object: bigint) {
    const c = libbpf();
    this.#object = object;
    for (let map = c.objectNextMap(object, null); map !== null; map = c.objectNextMap(object, map))
      this.#maps.set(c.mapName(map), c.mapFd(map));
    for (let one = c.objectNextProgram(object, null); one !== null; one = c.objectNextProgram(object, one))
      this.#programs.set(c.programName(one), c.programFd(one));
  }

  static load(name = 'live.bpf.o'): PlainObject {
    const c = libbpf();
    c.setPrint(null);
    const file = join(import.meta.dirname, name);
    const bytes = readFileSync(file);
    const opts = { sz: optSize.open, object_name: 'bench', kernel_log_buf: null, kernel_log_size: 0 };
    const object = checkPointer(c.objectOpen(bytes, bytes.length, opts), `open ${file}`);
    try {
      check(c.objectLoad(object), `load ${file}`);
      return new PlainObject(object);
    } catch (error) {
      c.objectClose(object);
      throw error;
    }
  }

  /** Its descriptor is this object's. */
  map(name: string): BpfMap {
    return BpfMap.ofFd(name, this.#maps.get(name) ?? -1, { owned: false });
  }

  program(name: string): number {
    return this.#programs.get(name) ?? -1;
  }

  close(): void {
    libbpf().objectClose(this.#object);
  }
}
