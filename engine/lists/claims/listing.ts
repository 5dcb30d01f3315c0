// SPDX-License-Identifier: Apache-2.0
// Every listed prefix in order, from any place on: single and bulk claims merged as they are asked for.

import type { Prefix } from '../../../common/address.js';
import type { Claim } from './claim.js';
import type { ClaimIndex, Listed } from './claim-index.js';
import { compareKeys, keyOf, lowerBound, prefixAt, type Keys } from './keys.js';

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

function* family(
  index: ClaimIndex,
  words: 1 | 4,
  after: Keys | undefined,
  origin: string | undefined,
): Generator<Listed> {
  const cursors = new Cursors();
  const start = (keys: Keys): number => {
    if (!after) return 0;
    const at = lowerBound(keys, after, 0);
    return at < keys.len.length && compareKeys(keys, at, after, 0) === 0 ? at + 1 : at;
  };
  const own = index.own.sorted(words);
  const wanted = (at: number): readonly Claim[] => {
    const claims = own.entries[at]?.claims ?? [];
    return origin === undefined ? claims : claims.filter((claim) => claim.origin === origin);
  };
  cursors.add({ keys: own.keys, at: start(own.keys), claims: wanted, skip: (at) => wanted(at).length === 0 });
  for (const segment of index.segments.values()) {
    if (origin !== undefined && segment.origin !== origin) continue;
    const part = segment.part(words);
    const { keys } = part;
    cursors.add({
      keys,
      at: start(keys),
      claims: (at) => [segment.claimAt(part, at)],
      skip: (at) => !part.isAlive(at),
    });
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

/**
 * Listed prefixes behind `after`, IPv4 first. To be used up before anything changes: a later call goes on from the
 * last prefix.
 */
export function* listed(index: ClaimIndex, after?: Prefix, origin?: string): Generator<Listed> {
  const key = after && keyOf(after);
  if (!key || key.words === 1) yield* family(index, 1, key, origin);
  yield* family(index, 4, key?.words === 4 ? key : undefined, origin);
}
