// SPDX-License-Identifier: Apache-2.0
// The run-time settings of the programs: the one value of ids_control, written in place.

import { ControlLayout as L } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import { Mapping } from './memory.js';

export interface Control {
  readonly slot: number;
  /** enum ids_control_flag */
  readonly flags: number;
  readonly sourceRate: number;
  readonly ruleRate: number;
  readonly blockedRate: number;
  readonly rejectRate: number;
  /** Generation of the structure automaton in force. */
  readonly structure: number;
  /** Sets of the pool of datagrams: what is not a power of two cannot be. */
  readonly datagramSets: number;
  readonly secret: readonly [bigint, bigint];
}

/** Each field is one aligned word, so a program sees the old or the new value and never half of one. */
const words = {
  slot: L.slot,
  flags: L.flags,
  sourceRate: L.sourceRate,
  ruleRate: L.ruleRate,
  blockedRate: L.blockedRate,
  rejectRate: L.rejectRate,
  structure: L.structure,
  datagramSets: L.datagramSets,
} as const;

export class ControlMap {
  readonly #mapping: Mapping;
  #words: Uint32Array;
  #longs: BigUint64Array;

  private constructor(mapping: Mapping) {
    this.#mapping = mapping;
    this.#words = new Uint32Array(mapping.buffer, 0, L.SIZE / 4);
    this.#longs = new BigUint64Array(mapping.buffer, 0, L.SIZE / 8);
  }

  static open(fd: number): ControlMap {
    return new ControlMap(Mapping.open(fd, L.SIZE, { writable: true, what: 'ids_control' }));
  }

  read(): Control {
    const word = (at: number): number => Atomics.load(this.#live(), at / 4);
    const long = (at: number): bigint => this.#longs[at / 8] ?? 0n;
    return {
      slot: word(words.slot),
      flags: word(words.flags),
      sourceRate: word(words.sourceRate),
      ruleRate: word(words.ruleRate),
      blockedRate: word(words.blockedRate),
      rejectRate: word(words.rejectRate),
      structure: word(words.structure),
      datagramSets: word(words.datagramSets),
      secret: [long(L.secret), long(L.secret + 8)],
    };
  }

  /** Writes the fields that are given; each takes effect with the next packet. */
  update(patch: Partial<Control>): void {
    for (const [name, at] of Object.entries(words)) {
      const value = patch[name as keyof typeof words];
      if (value !== undefined) Atomics.store(this.#live(), at / 4, value);
    }
    patch.secret?.forEach((half, i) => Atomics.store(this.#longs, L.secret / 8 + i, half));
  }

  /** Sets or clears one bit of enum ids_control_flag. */
  flag(bit: number, on: boolean): void {
    const { flags } = this.read();
    this.update({ flags: on ? flags | bit : flags & ~bit });
  }

  /** Replay: what `now()` is for the next packet, in nanoseconds, and the packet's number in its capture, from 1. */
  setClock(ns: bigint | number, packet: number): void {
    const all = this.#live();
    const put = (at: number, value: number): void => {
      all[at / 4] = value % 2 ** 32;
      all[at / 4 + 1] = Math.floor(value / 2 ** 32);
    };
    if (typeof ns === 'bigint') this.#longs[L.clock / 8] = ns;
    else put(L.clock, ns);
    put(L.packet, packet);
  }

  close(): void {
    // Views first: memory that is unmapped must not be reached any more.
    this.#words = new Uint32Array(0);
    this.#longs = new BigUint64Array(0);
    this.#mapping.close();
  }

  #live(): Uint32Array {
    if (this.#words.length === 0) throw new IdsError('INTERNAL', 'the kernel binding is closed');
    return this.#words;
  }
}
