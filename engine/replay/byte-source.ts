// SPDX-License-Identifier: Apache-2.0
// Reads a file front to back in large pieces and hands out exact runs of bytes.

import { closeSync, openSync, readSync } from 'node:fs';
import { IdsError, messageOf } from '../../common/errors.js';

const CHUNK = 1 << 20;

/** Sequential access to a file; `offset` is the position of the next byte, for error messages. */
export class ByteSource {
  readonly path: string;
  #fd: number;
  #buffer = Buffer.alloc(CHUNK);
  #start = 0;
  #end = 0;
  #offset = 0;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** @throws IdsError FILE_UNREADABLE */
  static open(path: string): ByteSource {
    try {
      return new ByteSource(path, openSync(path, 'r'));
    } catch (error) {
      throw new IdsError('FILE_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  get offset(): number {
    return this.#offset;
  }

  /** The next `count` bytes, valid until the next call; undefined if the file ends before them (`rest` says how many are left). */
  take(count: number): Buffer | undefined {
    if (!this.#fill(count)) return undefined;
    const bytes = this.#buffer.subarray(this.#start, this.#start + count);
    this.#start += count;
    this.#offset += count;
    return bytes;
  }

  /** The next `count` bytes without moving on. */
  peek(count: number): Buffer | undefined {
    return this.#fill(count) ? this.#buffer.subarray(this.#start, this.#start + count) : undefined;
  }

  /** True if no byte is left. */
  get ended(): boolean {
    return !this.#fill(1);
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #fill(count: number): boolean {
    if (this.#end - this.#start >= count) return true;
    const kept = this.#buffer.subarray(this.#start, this.#end);
    if (count > this.#buffer.length) this.#buffer = Buffer.alloc(count + CHUNK);
    this.#buffer.set(kept, 0);
    this.#end = kept.length;
    this.#start = 0;
    while (this.#end < count) {
      let got: number;
      try {
        got = readSync(this.#fd, this.#buffer, this.#end, this.#buffer.length - this.#end, null);
      } catch (error) {
        throw new IdsError('FILE_UNREADABLE', `cannot read ${this.path}: ${messageOf(error)}`, { cause: error });
      }
      if (got === 0) return false;
      this.#end += got;
    }
    return true;
  }
}
