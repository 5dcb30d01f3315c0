// SPDX-License-Identifier: Apache-2.0
// bench/layer7.bpf.c, loaded with tables of its own: the passes over a section without packets around it.

import { join } from 'node:path';
import { ControlLayout, L7Limit, StructureLayout } from '../common/abi.gen.js';
import { BpfMap, indexKey } from '../engine/bpf/bpf-map.js';
import { LoadedObject } from '../engine/bpf/object.js';
import { TestRun } from '../engine/bpf/test-run.js';

export interface PassResult {
  /** Bytes of the section, 0 if it goes on, -1 without an automaton. */
  readonly returned: number;
  readonly scanned: number;
  readonly crowded: boolean;
  readonly odd: number;
  readonly edges: readonly number[];
  /** The section, with what was masked in place. */
  readonly bytes: Uint8Array;
}

/** struct bench_result and struct bench_order. */
const RESULT = { returned: 0, scanned: 8, edges: 12, crowded: 16, odd: 20, edge: 24, bytes: 24 + 4 * L7Limit.EDGES };
const ORDER = { at: 14, SIZE: 4 };
const PROGRAM = 'bench_layer7';

export class Layer7Program {
  readonly #object: LoadedObject;
  readonly #test: TestRun;

  private constructor(object: LoadedObject) {
    this.#object = object;
    this.#test = new TestRun(object.programs.get(PROGRAM) ?? -1);
  }

  /** @param report leave what came out for `pass`; a benchmark does without */
  static load(report: boolean): Layer7Program {
    const file = join(import.meta.dirname, 'layer7.bpf.o');
    const settings = { bench_report: Number(report) };
    return new Layer7Program(LoadedObject.load({ file, programs: [PROGRAM], pinPath: undefined, settings, sizes: {} }));
  }

  map(name: string): BpfMap {
    return BpfMap.ofFd(name, this.#object.maps.get(name) ?? -1, { owned: false });
  }

  /** @param table struct ids_structure */
  setStructure(table: Uint8Array, generation = 1): void {
    const bytes = table.slice();
    new DataView(bytes.buffer).setUint32(StructureLayout.generation, generation, true);
    this.map('ids_structures').put(indexKey(generation & 1), bytes);
    const control = this.map('ids_control');
    const value = control.get(indexKey(0)) ?? new Uint8Array(ControlLayout.SIZE);
    new DataView(value.buffer).setUint32(ControlLayout.structure, generation, true);
    control.put(indexKey(0), value);
  }

  /** Nanoseconds a run. `start`: state that the section begins in, 0 loads the bytes and no more. */
  time(section: Uint8Array, start: number, repeat: number, step = 0): number {
    return this.#test.run(frameOf(section, start, step), { repeat }).durationNs;
  }

  /** What the passes make of the section. `step`: bytes that come at once, 0 = all. */
  pass(section: Uint8Array, start: number, step = 0): PassResult {
    const { verdict } = this.#test.run(frameOf(section, start, step));
    if (verdict !== 2) throw new Error(`the program returned ${verdict}`);
    const value = this.map('bench_result').get(indexKey(0)) ?? new Uint8Array(0);
    const view = new DataView(value.buffer);
    const edges = view.getUint32(RESULT.edges, true);
    return {
      returned: view.getInt32(RESULT.returned, true),
      scanned: view.getUint32(RESULT.scanned, true),
      crowded: view.getUint32(RESULT.crowded, true) !== 0,
      odd: view.getUint32(RESULT.odd, true),
      edges: Array.from({ length: edges }, (_, i) => view.getUint32(RESULT.edge + 4 * i, true)),
      bytes: value.subarray(RESULT.bytes, RESULT.bytes + section.length),
    };
  }

  close(): void {
    this.#object.close();
  }
}

function frameOf(section: Uint8Array, start: number, step: number): Uint8Array {
  const frame = new Uint8Array(ORDER.at + ORDER.SIZE + section.length);
  frame[ORDER.at] = start;
  new DataView(frame.buffer).setUint16(ORDER.at + 2, step, true);
  frame.set(section, ORDER.at + ORDER.SIZE);
  return frame;
}
