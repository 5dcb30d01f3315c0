// SPDX-License-Identifier: Apache-2.0
// What was put into the kernel's table a moment ago: a packet in flight may have looked for it too early.

import { covers, type Prefix } from '../../../common/address.js';

/** Seconds after which no packet is left that was being judged before. */
const REST = 1;

/** Single prefixes that are remembered; of more, each may be meant. */
const MOST = 256;

export class Unsettled {
  #prefixes: Prefix[] = [];
  #any = false;
  #last = -Infinity;

  /** Something was put: one prefix, or many. */
  note(prefix: Prefix | undefined, now: number): void {
    if (now - this.#last > REST) this.clear();
    this.#last = now;
    if (prefix && this.#prefixes.length < MOST) this.#prefixes.push(prefix);
    else this.#any = true;
  }

  /** True if something that was put may take over from this prefix; without one: from any. */
  replaces(prefix: Prefix | undefined, now: number): boolean {
    if (now - this.#last > REST) return false;
    if (this.#any || !prefix) return this.#any || this.#prefixes.length > 0;
    return this.#prefixes.some((put) => put.length !== prefix.length && (covers(put, prefix) || covers(prefix, put)));
  }

  /** All packets have been judged. */
  clear(): void {
    this.#prefixes = [];
    this.#any = false;
  }
}
