// SPDX-License-Identifier: Apache-2.0
// Every listed prefix in order, from any place on: single and bulk claims merged as they are asked for.

import type { Prefix } from '../../../common/address.js';
import type { Claim } from './claim.js';
import type { ClaimIndex, Listed } from './claim-index.js';
import { compareKeys, findKey, keyOf, lowerBound, prefixAt, type Keys } from './keys.js';
import type { Part, Segment } from './segment.js';

/** One sorted source of claims. */
interface Cursor {
  readonly keys: Keys;
  at: number;
  readonly claims: (at: number) => readonly Claim[];
  readonly skip: (at: number) => boolean;
}

/** A heap of cursors by the key they stand at. */
class Cursors {
  readonly #heap: Cursor[] = [];

  get top(): Cursor | undefined {
    return this.#heap[0];
  }

  add(cursor: Cursor): void {
    while (cursor.at < cursor.keys.len.length && cursor.skip(cursor.at)) cursor.at++;
    if (cursor.at >= cursor.keys.len.length) return;
    let at = this.#heap.push(cursor) - 1;
    while (at > 0 && this.#before(at, (at - 1) >> 1)) {
      this.#swap(at, (at - 1) >> 1);
      at = (at - 1) >> 1;
    }
  }

  /** Moves the first cursor on. */
  advance(): void {
    const cursor = this.#heap[0];
    if (!cursor) return;
    do cursor.at++;
    while (cursor.at < cursor.keys.len.length && cursor.skip(cursor.at));
    if (cursor.at >= cursor.keys.len.length) {
      const last = this.#heap.pop();
      if (!last || last === cursor) return;
      this.#heap[0] = last;
    }
    for (let at = 0; ;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) return;
      if (child + 1 < this.#heap.length && this.#before(child + 1, child)) child++;
      if (!this.#before(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  #before(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one !== undefined && other !== undefined && compareKeys(one.keys, one.at, other.keys, other.at) < 0;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (!one || !other) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}

/** Single claims of one family, as they were. */
interface Own {
  readonly keys: Keys;
  readonly claims: readonly (readonly Claim[])[];
}

/** Bulk claims of one origin and family, as they were. */
interface Bulk {
  readonly segment: Segment;
  readonly part: Part;
  readonly isAlive: (at: number) => boolean;
}

/**
 * What was listed at one moment: contents never change, so this copies what a single change touches and no more. A list
 * that is read in parts is of that moment as a whole, whatever is replaced meanwhile.
 */
export class Snapshot {
  readonly #own: Readonly<Record<1 | 4, Own>>;
  readonly #bulk: Readonly<Record<1 | 4, readonly Bulk[]>>;

  /** @param origin this one alone */
  constructor(index: ClaimIndex, origin?: string) {
    const own = (words: 1 | 4): Own => {
      const { keys, entries } = index.own.sorted(words);
      const wanted = (claims: readonly Claim[]): readonly Claim[] =>
        origin === undefined ? claims : claims.filter((claim) => claim.origin === origin);
      return { keys, claims: entries.map(({ claims }) => wanted(claims)) };
    };
    const segments = [...index.segments.values()].filter((one) => origin === undefined || one.origin === origin);
    const bulk = (words: 1 | 4): Bulk[] =>
      segments.map((segment) => {
        const part = segment.part(words);
        return { segment, part, isAlive: part.aliveNow() };
      });
    this.#own = { 1: own(1), 4: own(4) };
    this.#bulk = { 1: bulk(1), 4: bulk(4) };
  }

  /** All claims on exactly this prefix. */
  claims(prefix: Prefix): readonly Claim[] {
    const key = keyOf(prefix);
    const { keys, claims } = this.#own[key.words];
    const found = [...(claims[findKey(keys, key)] ?? [])];
    for (const { segment, part, isAlive } of this.#bulk[key.words]) {
      const at = findKey(part.keys, key);
      if (at >= 0 && isAlive(at)) found.push(segment.claimAt(part, at));
    }
    return found;
  }

  /** Listed prefixes behind `after`, IPv4 first. */
  *listed(after?: Prefix): Generator<Listed> {
    const key = after && keyOf(after);
    if (!key || key.words === 1) yield* this.#family(1, key);
    yield* this.#family(4, key?.words === 4 ? key : undefined);
  }

  *#family(words: 1 | 4, after: Keys | undefined): Generator<Listed> {
    const cursors = new Cursors();
    const start = (keys: Keys): number => {
      if (!after) return 0;
      const at = lowerBound(keys, after, 0);
      return at < keys.len.length && compareKeys(keys, at, after, 0) === 0 ? at + 1 : at;
    };
    const own = this.#own[words];
    const single = (at: number): readonly Claim[] => own.claims[at] ?? [];
    cursors.add({ keys: own.keys, at: start(own.keys), claims: single, skip: (at) => single(at).length === 0 });
    for (const { segment, part, isAlive } of this.#bulk[words]) {
      const { keys } = part;
      const claims = (at: number): readonly Claim[] => [segment.claimAt(part, at)];
      cursors.add({ keys, at: start(keys), claims, skip: (at) => !isAlive(at) });
    }
    for (let top = cursors.top; top; top = cursors.top) {
      const { keys, at } = top;
      const claims: Claim[] = [];
      for (let same = cursors.top; same && compareKeys(same.keys, same.at, keys, at) === 0; same = cursors.top) {
        claims.push(...same.claims(same.at));
        cursors.advance();
      }
      yield { prefix: prefixAt(keys, at), claims };
    }
  }
}

/** Listed prefixes behind `after`, IPv4 first, as they are at the first step. */
export function* listed(index: ClaimIndex, after?: Prefix, origin?: string): Generator<Listed> {
  yield* new Snapshot(index, origin).listed(after);
}
