// SPDX-License-Identifier: Apache-2.0
// What the engine remembers of single flows, in the kernel's table of orders: it outlives the daemon, so that no flow is
// told twice.

import { FlowOrdersLayout as L } from '../../common/abi.gen.js';
import type { FlowViews } from '../bpf/index.js';

const WORDS = L.SIZE / 4;

export class FlowMarks {
  readonly #words: Uint32Array;

  constructor(memory: FlowViews) {
    this.#words = memory.orders;
  }

  #is(at: number, id: number): boolean {
    return Atomics.load(this.#words, at) + Atomics.load(this.#words, at + 1) * 2 ** 32 === id;
  }

  #set(at: number, id: number): void {
    Atomics.store(this.#words, at, id % 2 ** 32);
    Atomics.store(this.#words, at + 1, Math.floor(id / 2 ** 32));
  }

  /** Whether the end of this flow was told. */
  isTold(index: number, id: number): boolean {
    return this.#is(index * WORDS + L.told / 4, id);
  }

  /** The kernel writes no record of it any more. */
  setTold(index: number, id: number): void {
    this.#set(index * WORDS + L.told / 4, id);
  }

  isAlerted(index: number, id: number): boolean {
    return this.#is(index * WORDS + L.alerted / 4, id);
  }

  /** A rule of the engine matched the flow. */
  setAlerted(index: number, id: number): void {
    if (index * WORDS < this.#words.length) this.#set(index * WORDS + L.alerted / 4, id);
  }
}
