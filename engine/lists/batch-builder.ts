// SPDX-License-Identifier: Apache-2.0
// Collects prefixes in any order and makes a batch of them: host bits cleared, sorted, each once.

import type { BatchExtra, PrefixBatch } from './prefix-batch.js';
import { isStrictlySorted, sortedOrder, sortUnique4 } from './radix.js';

/** Longer reasons are cut: they are notes, not documents. */
const MAX_REASON = 1000;

/** The network mask of a length of 0 to 32 bits, as a number. */
export function mask4(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** One family's columns while they grow. */
class Columns {
  count = 0;
  addr: Uint32Array<ArrayBuffer>;
  len: Uint8Array<ArrayBuffer>;
  /** NaN and 0 where an entry says nothing; made when the first one says something. */
  expires: Float64Array<ArrayBuffer> | undefined;
  reason: Uint32Array<ArrayBuffer> | undefined;
  readonly words: 1 | 4;

  constructor(words: 1 | 4, hint: number) {
    this.words = words;
    this.addr = new Uint32Array(hint * words);
    this.len = new Uint8Array(hint);
  }

  grow(): void {
    const size = Math.max(8, this.len.length * 2);
    const addr = new Uint32Array(size * this.words);
    addr.set(this.addr);
    this.addr = addr;
    const len = new Uint8Array(size);
    len.set(this.len);
    this.len = len;
    if (!this.expires || !this.reason) return;
    const expires = new Float64Array(size).fill(NaN);
    expires.set(this.expires);
    this.expires = expires;
    const reason = new Uint32Array(size);
    reason.set(this.reason);
    this.reason = reason;
  }

  describe(from: number, expires: number, reason: number): void {
    this.expires ??= new Float64Array(this.len.length).fill(NaN);
    this.reason ??= new Uint32Array(this.len.length);
    this.expires.fill(expires, from, this.count);
    this.reason.fill(reason, from, this.count);
  }

  /** The finished columns. */
  finish(): { addr: Uint32Array; len: Uint8Array; expires: Float64Array; reason: Uint32Array } {
    const { count, words } = this;
    const addr = this.addr.subarray(0, count * words);
    const len = this.len.subarray(0, count);
    const expires = this.expires?.subarray(0, count);
    const reason = this.reason?.subarray(0, count);
    if (isStrictlySorted(addr, len, words)) {
      return {
        addr: addr.slice(),
        len: len.slice(),
        expires: expires?.slice() ?? new Float64Array(0),
        reason: reason?.slice() ?? new Uint32Array(0),
      };
    }
    if (words === 1 && !expires) {
      const kept = sortUnique4(addr, len);
      const none = { expires: new Float64Array(0), reason: new Uint32Array(0) };
      return { addr: addr.slice(0, kept), len: len.slice(0, kept), ...none };
    }
    const order = sortedOrder(addr, len, words);
    const outAddr = new Uint32Array(count * words);
    const outLen = new Uint8Array(count);
    const outExpires = new Float64Array(expires ? count : 0);
    const outReason = new Uint32Array(reason ? count : 0);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const entry = order[i] ?? 0;
      const same = kept > 0 && this.#equal(entry, outAddr, outLen, kept - 1);
      if (!same) {
        for (let word = 0; word < words; word++) outAddr[kept * words + word] = addr[entry * words + word] ?? 0;
        outLen[kept] = len[entry] ?? 0;
        if (expires) outExpires[kept] = expires[entry] ?? NaN;
        if (reason) outReason[kept] = reason[entry] ?? 0;
        kept++;
      } else if (expires && reason) {
        // Of two that are the same, what is said wins over nothing, and the longer life over the shorter.
        const life = expires[entry] ?? NaN;
        const before = outExpires[kept - 1] ?? NaN;
        if (Number.isNaN(before) || life > before) outExpires[kept - 1] = life;
        if (outReason[kept - 1] === 0) outReason[kept - 1] = reason[entry] ?? 0;
      }
    }
    return {
      addr: outAddr.slice(0, kept * words),
      len: outLen.slice(0, kept),
      expires: outExpires.slice(0, expires ? kept : 0),
      reason: outReason.slice(0, reason ? kept : 0),
    };
  }

  #equal(entry: number, addr: Uint32Array, len: Uint8Array, at: number): boolean {
    if (this.len[entry] !== len[at]) return false;
    for (let word = 0; word < this.words; word++) {
      if (this.addr[entry * this.words + word] !== addr[at * this.words + word]) return false;
    }
    return true;
  }
}

export class BatchBuilder {
  readonly #four: Columns;
  readonly #six: Columns;
  readonly #reasons = new Map<string, number>([['', 0]]);

  /** @param hint how many IPv4 entries to expect */
  constructor(hint = 1024) {
    this.#four = new Columns(1, hint);
    this.#six = new Columns(4, Math.min(64, hint));
  }

  /** Entries added so far, duplicates included. */
  get count(): number {
    return this.#four.count + this.#six.count;
  }

  add4(address: number, length: number): void {
    const four = this.#four;
    if (four.count === four.len.length) four.grow();
    four.addr[four.count] = length === 32 ? address : address & mask4(length);
    four.len[four.count] = length;
    four.count++;
  }

  /** Four numbers, the most significant first; a mapped IPv4 prefix goes to its family. */
  add6(a: number, b: number, c: number, d: number, length: number): void {
    if (a === 0 && b === 0 && c === 0xffff && length >= 96) {
      this.add4(d, length - 96);
      return;
    }
    const six = this.#six;
    if (six.count === six.len.length) six.grow();
    const at = six.count * 4;
    six.addr[at] = a & mask4(Math.min(32, length));
    six.addr[at + 1] = b & mask4(Math.min(32, Math.max(0, length - 32)));
    six.addr[at + 2] = c & mask4(Math.min(32, Math.max(0, length - 64)));
    six.addr[at + 3] = d & mask4(Math.min(32, Math.max(0, length - 96)));
    six.len[six.count] = length;
    six.count++;
  }

  /** Where the next entries go: for `describe`. */
  mark(): { readonly four: number; readonly six: number } {
    return { four: this.#four.count, six: this.#six.count };
  }

  /** What the entries since `mark` say about themselves: wall clock milliseconds (NaN = nothing) and a reason ('' = nothing). */
  describe(mark: { readonly four: number; readonly six: number }, expires: number, reason: string): void {
    if (Number.isNaN(expires) && reason === '') return;
    const text = reason.length > MAX_REASON ? reason.slice(0, MAX_REASON) : reason;
    let index = this.#reasons.get(text);
    if (index === undefined) this.#reasons.set(text, (index = this.#reasons.size));
    if (this.#four.count > mark.four) this.#four.describe(mark.four, expires, index);
    if (this.#six.count > mark.six) this.#six.describe(mark.six, expires, index);
  }

  /** Takes another batch's entries in, with what they say. */
  addBatch(batch: PrefixBatch): void {
    const { addr4, len4, addr6, len6, extra } = batch;
    for (let i = 0; i < len4.length; i++) {
      const mark = extra && this.mark();
      this.add4(addr4[i] ?? 0, len4[i] ?? 0);
      if (mark) this.describe(mark, extra.expires4[i] ?? NaN, extra.reasons[extra.reason4[i] ?? 0] ?? '');
    }
    for (let i = 0; i < len6.length; i++) {
      const mark = extra && this.mark();
      const at = 4 * i;
      this.add6(addr6[at] ?? 0, addr6[at + 1] ?? 0, addr6[at + 2] ?? 0, addr6[at + 3] ?? 0, len6[i] ?? 0);
      if (mark) this.describe(mark, extra.expires6[i] ?? NaN, extra.reasons[extra.reason6[i] ?? 0] ?? '');
    }
  }

  build(): PrefixBatch {
    const described = this.#four.expires !== undefined || this.#six.expires !== undefined;
    const four = this.#four.finish();
    const six = this.#six.finish();
    const count = four.len.length + six.len.length;
    const batch = { count, addr4: four.addr, len4: four.len, addr6: six.addr, len6: six.len };
    if (!described) return batch;
    const extra: BatchExtra = {
      expires4: four.expires.length === four.len.length ? four.expires : new Float64Array(four.len.length).fill(NaN),
      expires6: six.expires.length === six.len.length ? six.expires : new Float64Array(six.len.length).fill(NaN),
      reason4: four.reason.length === four.len.length ? four.reason : new Uint32Array(four.len.length),
      reason6: six.reason.length === six.len.length ? six.reason : new Uint32Array(six.len.length),
      reasons: [...this.#reasons.keys()],
    };
    return { ...batch, extra };
  }
}
