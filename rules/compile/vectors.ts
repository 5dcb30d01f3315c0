// SPDX-License-Identifier: Apache-2.0
// The distinct rule bit vectors of one rule set: each is stored once and named by a 16-bit number.

import { Limit } from '../../common/abi.gen.js';

/** 32-bit halves of one vector, low half first, as a little-endian host stores 64-bit words. */
export const VECTOR_HALVES = 2 * Limit.RULE_WORDS;

export type Vector = Uint32Array;

export function setBit(vector: Vector, rule: number): void {
  const at = rule >>> 5;
  vector[at] = (vector[at] ?? 0) | (1 << (rule & 31));
}

export function clearBit(vector: Vector, rule: number): void {
  const at = rule >>> 5;
  vector[at] = (vector[at] ?? 0) & ~(1 << (rule & 31));
}

/** Raised when a table of the kernel is full; compile.ts turns it into a problem that names a rule. */
export class CapacityError extends Error {
  override readonly name = 'CapacityError';
}

/** Interns bit vectors by content. */
export class VectorPool {
  readonly #words: Uint32Array;
  readonly #byHash = new Map<number, number[]>();
  readonly #used: number;
  #count = 0;

  /** @param rules how many rules are in use. @param into room for IDS_MAX_VECTORS vectors. */
  constructor(rules: number, into: Uint32Array) {
    this.#words = into;
    this.#used = Math.ceil(rules / 32);
    const all = new Uint32Array(VECTOR_HALVES);
    for (let rule = 0; rule < rules; rule++) setBit(all, rule);
    this.#append(new Uint32Array(VECTOR_HALVES));
    // Without rules the two are the same vector; both numbers must still exist.
    this.#append(all);
  }

  get count(): number {
    return this.#count;
  }

  /** The number of a vector with this content. @throws CapacityError */
  intern(vector: Vector): number {
    for (const id of this.#byHash.get(this.#hash(vector)) ?? []) if (this.#same(id, vector)) return id;
    return this.#append(vector);
  }

  #hash(vector: Vector): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#used; i++) hash = Math.imul(hash ^ (vector[i] ?? 0), 0x01000193) ^ (hash >>> 15);
    return hash;
  }

  #same(id: number, vector: Vector): boolean {
    const at = id * VECTOR_HALVES;
    for (let i = 0; i < this.#used; i++) if (this.#words[at + i] !== vector[i]) return false;
    return true;
  }

  #append(vector: Vector): number {
    if (this.#count === Limit.MAX_VECTORS) {
      throw new CapacityError(`more than ${Limit.MAX_VECTORS} different combinations of ports and addresses`);
    }
    const id = this.#count++;
    this.#words.set(vector, id * VECTOR_HALVES);
    const hash = this.#hash(vector);
    const bucket = this.#byHash.get(hash);
    if (bucket) bucket.push(id);
    else this.#byHash.set(hash, [id]);
    return id;
  }
}
