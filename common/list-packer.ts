// SPDX-License-Identifier: Apache-2.0
// Packs values for PackedList: what JSON has, and undefined, bigints and Uint8Arrays. Strings stand there once; so does what
// many values share by the keys that are named.

import type { PackedData } from './packed-list.js';
import { PackedTag } from './packed-tags.js';

const FIRST_ROOM = 1 << 20;
/** Longer strings are looked for in vain: every rule has another text. */
const LONGEST_SHARED = 96;
const SHORTEST_SHARED = 4;
const SMALL_END = 256 - PackedTag.SMALL;

/** Keys of objects, one behind the other. */
interface ShapeNode {
  readonly next: Map<string, ShapeNode>;
  shape: number;
}

const node = (): ShapeNode => ({ next: new Map(), shape: -1 });

export class ListPacker {
  #bytes = Buffer.allocUnsafeSlow(FIRST_ROOM);
  #length = 0;
  readonly #starts: number[] = [];
  readonly #shapes: string[][] = [];
  readonly #root = node();
  readonly #strings = new Map<string, number>();
  readonly #objects = new Map<object, number>();
  readonly #sharedKeys: ReadonlySet<string>;

  /** @param sharedKeys of whose values many are one and the same object */
  constructor(sharedKeys: readonly string[] = []) {
    this.#sharedKeys = new Set(sharedKeys);
  }

  /** @throws TypeError for a value that cannot be packed */
  add(value: unknown): void {
    this.#starts.push(this.#length);
    this.#value(value);
  }

  /** What was added, in memory that threads can share. */
  finish(): PackedData {
    const bytes = new Uint8Array(new SharedArrayBuffer(this.#length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    const starts = new Uint32Array(new SharedArrayBuffer(4 * this.#starts.length));
    starts.set(this.#starts);
    return { bytes, starts, shapes: this.#shapes };
  }

  #room(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(Math.ceil(1.5 * this.#bytes.length), this.#length + length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  /** A tag and the number behind it. */
  #tagged(tag: number, number: number): void {
    this.#room(10);
    this.#bytes[this.#length++] = tag;
    this.#number(number);
  }

  #number(number: number): void {
    let rest = number;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 128;
    this.#bytes[this.#length++] = rest;
  }

  #numeric(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#room(9);
      this.#bytes[this.#length] = PackedTag.DOUBLE;
      this.#bytes.writeDoubleLE(value, this.#length + 1);
      this.#length += 9;
    } else if (value < 0) this.#tagged(PackedTag.NEGATIVE, -1 - value);
    else if (value >= SMALL_END) this.#tagged(PackedTag.INTEGER, value);
    else {
      this.#room(1);
      this.#bytes[this.#length++] = PackedTag.SMALL + value;
    }
  }

  #text(tag: number, text: string, encoding: BufferEncoding): void {
    const length = encoding === 'utf16le' ? 2 * text.length : text.length;
    this.#tagged(tag, length);
    this.#room(length);
    this.#bytes.write(text, this.#length, length, encoding);
    this.#length += length;
  }

  #string(text: string): void {
    const may = text.length >= SHORTEST_SHARED && text.length <= LONGEST_SHARED;
    const known = may ? this.#strings.get(text) : undefined;
    if (known !== undefined) {
      this.#tagged(PackedTag.SAME_STRING, known);
      return;
    }
    if (may) this.#strings.set(text, this.#length);
    if (Buffer.byteLength(text) === text.length) this.#text(PackedTag.LATIN1, text, 'latin1');
    else this.#text(PackedTag.UTF16, text, 'utf16le');
  }

  #array(values: readonly unknown[]): void {
    this.#tagged(PackedTag.ARRAY, values.length);
    for (const value of values) this.#value(value);
  }

  #shapeOf(keys: readonly string[]): number {
    let at = this.#root;
    for (const key of keys) {
      let next = at.next.get(key);
      if (next === undefined) at.next.set(key, (next = node()));
      at = next;
    }
    if (at.shape < 0) at.shape = this.#shapes.push([...keys]) - 1;
    return at.shape;
  }

  #object(value: Readonly<Record<string, unknown>>): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype) throw new TypeError('only plain objects can be packed');
    const keys = Object.keys(value);
    this.#tagged(PackedTag.OBJECT, this.#shapeOf(keys));
    for (const key of keys) {
      const inner = value[key];
      if (typeof inner === 'object' && inner !== null && this.#sharedKeys.has(key)) this.#shared(inner);
      else this.#value(inner);
    }
  }

  #shared(value: object): void {
    const known = this.#objects.get(value);
    if (known !== undefined) {
      this.#tagged(PackedTag.SAME, known);
      return;
    }
    this.#plain(PackedTag.SHARED);
    this.#objects.set(value, this.#length);
    this.#value(value);
  }

  #composite(value: object): void {
    if (Array.isArray(value)) this.#array(value);
    else if (value instanceof Uint8Array) {
      this.#tagged(PackedTag.BYTES, value.length);
      this.#room(value.length);
      this.#bytes.set(value, this.#length);
      this.#length += value.length;
    } else this.#object(value as Readonly<Record<string, unknown>>);
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'number':
        return this.#numeric(value);
      case 'string':
        return this.#string(value);
      case 'bigint':
        return this.#text(PackedTag.BIGINT, value.toString(16), 'latin1');
      case 'boolean':
        return this.#plain(value ? PackedTag.TRUE : PackedTag.FALSE);
      case 'undefined':
        return this.#plain(PackedTag.UNDEFINED);
      case 'object':
        return value === null ? this.#plain(PackedTag.NULL) : this.#composite(value);
      default:
        throw new TypeError(`a ${typeof value} cannot be packed`);
    }
  }

  #plain(tag: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = tag;
  }
}

/** Packs all values of a list. @param sharedKeys see ListPacker */
export function packList(values: Iterable<unknown>, sharedKeys: readonly string[] = []): PackedData {
  const packer = new ListPacker(sharedKeys);
  for (const value of values) packer.add(value);
  return packer.finish();
}
