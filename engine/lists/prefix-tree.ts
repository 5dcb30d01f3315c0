// SPDX-License-Identifier: Apache-2.0
// A path-compressed binary tree over prefixes: exact, covering and covered entries without a scan.

import { covers, type Prefix } from '../../common/address.js';

interface Node<T> {
  prefix: Prefix;
  value: T | undefined;
  child: [Node<T> | undefined, Node<T> | undefined];
}

function bit(bytes: Uint8Array, index: number): 0 | 1 {
  return (((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) as 0 | 1;
}

/** Bits that two prefixes have in common from the left. */
function common(a: Prefix, b: Prefix): number {
  const limit = Math.min(a.length, b.length);
  for (let i = 0; 8 * i < limit; i++) {
    const diff = (a.bytes[i] ?? 0) ^ (b.bytes[i] ?? 0);
    if (diff !== 0) return Math.min(limit, 8 * i + Math.clz32(diff) - 24);
  }
  return limit;
}

function cut(prefix: Prefix, length: number): Prefix {
  const bytes = new Uint8Array(16);
  for (let i = 0; 8 * i < length; i++) {
    bytes[i] = (prefix.bytes[i] ?? 0) & (0xff00 >> Math.min(8, length - 8 * i)) & 0xff;
  }
  return { bytes, length };
}

function leaf<T>(prefix: Prefix, value: T | undefined): Node<T> {
  return { prefix, value, child: [undefined, undefined] };
}

/** Values by prefix. Mapped IPv4 and IPv6 share one space of 128 bits, as in the kernel's tables. */
export class PrefixTree<T> {
  readonly #root = leaf<T>({ bytes: new Uint8Array(16), length: 0 }, undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(prefix: Prefix): T | undefined {
    let node: Node<T> | undefined = this.#root;
    while (node && node.prefix.length < prefix.length && covers(node.prefix, prefix)) {
      node = node.child[bit(prefix.bytes, node.prefix.length)];
    }
    return node?.prefix.length === prefix.length && covers(node.prefix, prefix) ? node.value : undefined;
  }

  set(prefix: Prefix, value: T): void {
    let node = this.#root;
    for (;;) {
      if (node.prefix.length === prefix.length) {
        if (node.value === undefined) this.#size++;
        node.value = value;
        return;
      }
      const side = bit(prefix.bytes, node.prefix.length);
      const next = node.child[side];
      if (!next) {
        node.child[side] = leaf(prefix, value);
        this.#size++;
        return;
      }
      const shared = common(next.prefix, prefix);
      if (shared < next.prefix.length) {
        const middle = leaf<T>(cut(prefix, shared), undefined);
        middle.child[bit(next.prefix.bytes, shared)] = next;
        node.child[side] = middle;
        node = middle;
      } else {
        node = next;
      }
    }
  }

  delete(prefix: Prefix): boolean {
    const path: Node<T>[] = [];
    let node: Node<T> | undefined = this.#root;
    while (node && node.prefix.length < prefix.length && covers(node.prefix, prefix)) {
      path.push(node);
      node = node.child[bit(prefix.bytes, node.prefix.length)];
    }
    if (node?.prefix.length !== prefix.length || !covers(node.prefix, prefix) || node.value === undefined) return false;
    node.value = undefined;
    this.#size--;
    // A node without a value and with fewer than two children has no reason to stay.
    for (
      let gone: Node<T> | undefined = node;
      gone && gone !== this.#root && gone.value === undefined;
      gone = path.pop()
    ) {
      const [zero, one]: Node<T>['child'] = gone.child;
      if (zero && one) break;
      const parent = path.at(-1);
      if (parent) parent.child[bit(prefix.bytes, parent.prefix.length)] = zero ?? one;
    }
    return true;
  }

  /** The values of entries that cover the whole of `prefix` (itself included), the shortest first. */
  covering(prefix: Prefix): T[] {
    const found: T[] = [];
    let node: Node<T> | undefined = this.#root;
    while (node && covers(node.prefix, prefix)) {
      if (node.value !== undefined) found.push(node.value);
      if (node.prefix.length >= prefix.length) break;
      node = node.child[bit(prefix.bytes, node.prefix.length)];
    }
    return found;
  }

  /** The values of entries that lie within `prefix` (itself included), in address order, up to `limit`. */
  covered(prefix: Prefix, limit = Infinity): T[] {
    let node: Node<T> | undefined = this.#root;
    while (node && node.prefix.length < prefix.length && covers(node.prefix, prefix)) {
      node = node.child[bit(prefix.bytes, node.prefix.length)];
    }
    if (!node || !covers(prefix, node.prefix)) return [];
    const found: T[] = [];
    const stack: Node<T>[] = [node];
    for (let top = stack.pop(); top && found.length < limit; top = stack.pop()) {
      if (top.value !== undefined) found.push(top.value);
      if (top.child[1]) stack.push(top.child[1]);
      if (top.child[0]) stack.push(top.child[0]);
    }
    return found;
  }

  /** Every value, in address order, shorter prefixes first. */
  values(): T[] {
    return this.covered({ bytes: new Uint8Array(16), length: 0 });
  }
}
