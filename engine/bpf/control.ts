// SPDX-License-Identifier: Apache-2.0
// The run-time settings of the programs: the one value of ids_control, written in place.

import { createHash } from 'node:crypto';
import { ControlLayout as L, FlowLimit, Timeout } from '../../common/abi.gen.js';
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
  /** Packets a second that are handed over whole. */
  readonly packetRate: number;
  /** Generation of the structure automaton in force. */
  readonly structure: number;
  /** Sets of the pool of datagrams: what is not a power of two cannot be. */
  readonly datagramSets: number;
  readonly secret: readonly [bigint, bigint];
  /** Cookies of the sockets that answer rejects: what they send is not dropped. */
  readonly answers: readonly [bigint, bigint];
  /** Seconds by enum ids_timeout. */
  readonly timeouts: readonly number[];
  /** What flows have cached holds good under this one alone. */
  readonly flowGeneration: number;
}

/** Idle times of flows in seconds by enum ids_timeout, as Suricata has them. */
export const DEFAULT_TIMEOUTS: readonly number[] = [60, 600, 60, 30, 300, 30, 300, 60];

/** Each field is one aligned word, so a program sees the old or the new value and never half of one. */
const words = {
  slot: L.slot,
  flags: L.flags,
  sourceRate: L.sourceRate,
  ruleRate: L.ruleRate,
  blockedRate: L.blockedRate,
  rejectRate: L.rejectRate,
  packetRate: L.packetRate,
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
      packetRate: word(words.packetRate),
      structure: word(words.structure),
      datagramSets: word(words.datagramSets),
      secret: [long(L.secret), long(L.secret + 8)],
      answers: [long(L.answers), long(L.answers + 8)],
      flowGeneration: word(L.flowGeneration),
      timeouts: Array.from({ length: Timeout.TIMEOUTS }, (_, i) => word(L.timeout + 4 * i)),
    };
  }

  /** Writes the fields that are given; each takes effect with the next packet. */
  update(patch: Partial<Control>): void {
    for (const [name, at] of Object.entries(words)) {
      const value = patch[name as keyof typeof words];
      if (value !== undefined) Atomics.store(this.#live(), at / 4, value);
    }
    if (patch.slot !== undefined || patch.flags !== undefined) this.turnFlows();
    patch.secret?.forEach((half, i) => Atomics.store(this.#longs, L.secret / 8 + i, half));
    patch.answers?.forEach((cookie, i) => Atomics.store(this.#longs, L.answers / 8 + i, cookie));
    // No flow is looked up by a new key before the whole of it is there: it is written before anything is attached.
    if (patch.secret) flowKey(patch.secret).forEach((word, i) => Atomics.store(this.#longs, L.flowKey / 8 + i, word));
    patch.timeouts?.forEach((seconds, i) => Atomics.store(this.#live(), L.timeout / 4 + i, seconds));
  }

  /** What flows have cached of lists and rules is void from now on. To be called when a change of these is in force. */
  turnFlows(): void {
    Atomics.add(this.#live(), L.flowGeneration / 4, 1);
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

/** The words by which the flow table hashes. */
function flowKey(secret: readonly [bigint, bigint]): bigint[] {
  const words: bigint[] = [];
  for (let block = 0; words.length < FlowLimit.FLOW_KEYS; block++) {
    const hash = createHash('sha512').update(`flows ${block} ${secret[0]} ${secret[1]}`).digest();
    for (let at = 0; at < hash.length; at += 8) words.push(hash.readBigUInt64LE(at));
  }
  return words.slice(0, FlowLimit.FLOW_KEYS);
}
