// SPDX-License-Identifier: Apache-2.0
// The kernel's flow table, read in place.

import { FlowLayout as L } from '../../common/abi.gen.js';
import type { FlowViews } from '../bpf/index.js';
import { FIRST_ID, readFlow, type Flow } from './flow.js';

const WORDS = L.SIZE / 4;

export class FlowTable {
  readonly #memory: FlowViews;

  constructor(memory: FlowViews) {
    this.#memory = memory;
  }

  get capacity(): number {
    return this.#memory.words.length / WORDS;
  }

  /** The id in a place; one below FIRST_ID is none. */
  idAt(index: number): number {
    const { words } = this.#memory;
    const at = index * WORDS;
    return Atomics.load(words, at) + Atomics.load(words, at + 1) * 2 ** 32;
  }

  /** The flow in a place; undefined if there is none, or it changed hands while it was read. */
  read(index: number): Flow | undefined {
    const id = this.idAt(index);
    if (id < FIRST_ID) return undefined;
    const flow = readFlow(this.#memory.flows, index * L.SIZE, index);
    return flow.id === id && this.idAt(index) === id ? flow : undefined;
  }

  /** Every flow that is there. */
  *flows(): Generator<Flow> {
    for (let index = 0; index < this.capacity; index++) {
      const flow = this.read(index);
      if (flow) yield flow;
    }
  }
}
