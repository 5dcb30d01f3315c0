// SPDX-License-Identifier: Apache-2.0
// bench/layer7.bpf.c, loaded with tables of its own: the passes over a section without packets around it.

import { join } from 'node:path';
import { ControlLayout, L7Limit, Limit, mapShapes, PatternsLayout, StructureLayout } from '../common/abi.gen.js';
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
  /** Patterns that were hit, in their order. */
  readonly hits: readonly number[];
  /** A pattern was hit that the engine waits for. */
  readonly wanted: boolean;
  /** How many rules have all of their contents, the positions of the first ones, and of all. */
  readonly decided: number;
  readonly first: readonly number[];
  readonly positions: readonly number[];
  /** Bit n: rules were asked about the whole of region n. */
  readonly told: number;
  /** The section, with what was masked in place. */
  readonly bytes: Uint8Array;
}

/** struct bench_result and struct bench_order. */
const WORDS = [
  'returned',
  'length',
  'scanned',
  'edges',
  'crowded',
  'odd',
  'hits',
  'wanted',
  'decided',
  'told',
] as const;
const RULES = 4 * WORDS.length;
const HITS = RULES + 2 * L7Limit.DECIDED;
const EDGES = HITS + 2 * L7Limit.HITS;
const POSITIONS = Math.ceil((EDGES + 4 * L7Limit.EDGES) / 8) * 8;
const BYTES = POSITIONS + 8 * Limit.RULE_WORDS;
const ORDER = { at: 14, SIZE: 4 };
const PROGRAM = 'bench_layer7';

export interface Order {
  /** State that the section begins in; 0: without the structure pass. */
  readonly start?: number;
  /** 1: patterns are looked for in the section; else the region that all bytes are the buffer of. */
  readonly judge?: number;
  /** Bytes that come at once, 0 = all. */
  readonly step?: number;
}

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

  /** @param table the head of struct ids_patterns, as rules/ compiles it */
  setPatterns(table: Uint8Array, generation = 1): void {
    const inner = BpfMap.create('ids_patterns', mapShapes.ids_pattern_sets.inner);
    const bytes = new Uint8Array(inner.valueBytes);
    bytes.set(table);
    new DataView(bytes.buffer).setUint32(PatternsLayout.generation, generation, true);
    inner.put(indexKey(0), bytes);
    this.map('ids_pattern_sets').put(indexKey(0), indexKey(inner.fd));
    inner.close();
  }

  /** Nanoseconds a run. */
  time(section: Uint8Array, order: Order, repeat: number): number {
    return this.#test.run(frameOf(section, order), { repeat }).durationNs;
  }

  /** What the passes make of the section. */
  pass(section: Uint8Array, order: Order): PassResult {
    const { verdict } = this.#test.run(frameOf(section, order));
    if (verdict !== 2) throw new Error(`the program returned ${verdict}`);
    const value = this.map('bench_result').get(indexKey(0)) ?? new Uint8Array(0);
    const view = new DataView(value.buffer);
    const word = (name: (typeof WORDS)[number]): number => view.getInt32(4 * WORDS.indexOf(name), true);
    const list = (length: number, at: (i: number) => number): number[] => Array.from({ length }, (_, i) => at(i));
    return {
      returned: word('returned'),
      scanned: word('scanned'),
      crowded: word('crowded') !== 0,
      odd: word('odd'),
      hits: list(word('hits'), (i) => view.getUint16(HITS + 2 * i, true)),
      wanted: word('wanted') !== 0,
      decided: word('decided'),
      first: list(Math.min(word('decided'), L7Limit.DECIDED), (i) => view.getUint16(RULES + 2 * i, true)),
      positions: bitsOf(value.subarray(POSITIONS, BYTES)),
      told: word('told') >>> 0,
      edges: list(word('edges'), (i) => view.getUint32(EDGES + 4 * i, true)),
      bytes: value.subarray(BYTES, BYTES + section.length),
    };
  }

  close(): void {
    this.#object.close();
  }
}

/** Numbers of the bits that are set. */
function bitsOf(bytes: Uint8Array): number[] {
  const bits: number[] = [];
  bytes.forEach((byte, at) => {
    for (let bit = 0; byte >> bit; bit++) if ((byte >> bit) & 1) bits.push(8 * at + bit);
  });
  return bits;
}

function frameOf(section: Uint8Array, order: Order): Uint8Array {
  const frame = new Uint8Array(ORDER.at + ORDER.SIZE + section.length);
  frame[ORDER.at] = order.start ?? 0;
  frame[ORDER.at + 1] = order.judge ?? 0;
  new DataView(frame.buffer).setUint16(ORDER.at + 2, order.step ?? 0, true);
  frame.set(section, ORDER.at + ORDER.SIZE);
  return frame;
}
