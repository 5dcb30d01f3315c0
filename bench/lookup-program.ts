// SPDX-License-Identifier: Apache-2.0
// bench/lookup.bpf.c, loaded once a mode beside a kernel whose tables it shares by its pins.

import { join } from 'node:path';
import { BpfMap, indexKey } from '../engine/bpf/bpf-map.js';
import { Mapping } from '../engine/bpf/memory.js';
import { LoadedObject } from '../engine/bpf/object.js';
import { TestRun } from '../engine/bpf/test-run.js';

/** enum bench_mode */
export const Mode = { FLOOR: 0, LIST: 1, TRIE: 2, HASH: 3, WHOLE: 4 } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

/** Sources that one round goes through, each in its turn. */
export const SOURCES = 1 << 19;
const SOURCE_WORDS = 4;
export const VALUE_BYTES = 24;

const PROGRAM = 'bench_lookup';

export class LookupProgram {
  readonly #object: LoadedObject;
  readonly #test: TestRun;
  readonly #mapping: Mapping;
  readonly #sources: Uint32Array;

  private constructor(object: LoadedObject) {
    this.#object = object;
    this.#test = new TestRun(object.programs.get(PROGRAM) ?? -1);
    const bytes = SOURCES * SOURCE_WORDS * 4;
    this.#mapping = Mapping.open(object.maps.get('bench_sources') ?? -1, bytes, {
      writable: true,
      what: 'bench_sources',
    });
    this.#sources = new Uint32Array(this.#mapping.buffer, 0, SOURCES * SOURCE_WORDS);
  }

  /** @param pinPath the directory with the pins of the kernel whose tables are looked into */
  static load(mode: Mode, pinPath: string): LookupProgram {
    const file = join(import.meta.dirname, 'lookup.bpf.o');
    const settings = { bench_mode: mode };
    return new LookupProgram(LoadedObject.load({ file, programs: [PROGRAM], pinPath, settings, sizes: {} }));
  }

  /** A table of this program alone. */
  map(name: string): BpfMap {
    return BpfMap.ofFd(name, this.#object.maps.get(name) ?? -1, { owned: false });
  }

  /** @param sources SOURCES times four words in the order of the wire; of IPv4 the first alone counts */
  setSources(sources: Uint32Array): void {
    this.#sources.set(sources);
  }

  /** Nanoseconds a packet, and which share of the sources was found. */
  run(frame: Uint8Array, repeat = SOURCES): { ns: number; found: number } {
    const state = this.map('bench_state');
    state.put(indexKey(0), new Uint8Array(16));
    const { durationNs } = this.#test.run(frame, { repeat });
    const after = new DataView((state.get(indexKey(0)) ?? new Uint8Array(16)).buffer);
    return { ns: durationNs, found: Number(after.getBigUint64(8, true)) / Number(after.getBigUint64(0, true)) };
  }

  close(): void {
    this.#mapping.close();
    this.#object.close();
  }
}
