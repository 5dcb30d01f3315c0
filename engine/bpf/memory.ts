// SPDX-License-Identifier: Apache-2.0
// Memory shared with the kernel.

import { check, checkPointer } from './check.js';
import { libc, viewOf } from './native.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

const SC_PAGESIZE = 30;

let page: number | undefined;

/** Bytes of a page of memory. */
export function pageSize(): number {
  return (page ??= check(Number(libc().sysconf(SC_PAGESIZE)), 'ask for the page size'));
}

/** Gives memory that is free, of all threads, back to the kernel: the C library keeps what it may need again. */
export function trimMemory(): void {
  libc().mallocTrim(0);
}

/** A mapping of a descriptor. Its buffer must not be touched after `close()`: owners drop their views first. */
export class Mapping {
  readonly length: number;
  readonly address: bigint;
  readonly #own: boolean;
  #buffer: ArrayBuffer | undefined;

  private constructor(address: bigint, length: number, own: boolean) {
    this.address = address;
    this.length = length;
    this.#own = own;
    this.#buffer = viewOf(address, length);
  }

  /** @param length bytes, rounded up to whole pages. */
  static open(fd: number, length: number, o: { offset?: number; writable?: boolean; what: string }): Mapping {
    const whole = Math.ceil(length / pageSize()) * pageSize();
    const protection = o.writable ? PROT_READ | PROT_WRITE : PROT_READ;
    const address = checkPointer(libc().mmap(null, whole, protection, MAP_SHARED, fd, o.offset ?? 0), `map ${o.what}`);
    return new Mapping(address, whole, true);
  }

  /** What another thread of the process has mapped: it stays there as long as that thread keeps it. */
  static borrow(address: bigint, length: number): Mapping {
    return new Mapping(address, length, false);
  }

  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw new Error('the mapping is closed');
    return this.#buffer;
  }

  close(): void {
    if (this.#buffer === undefined) return;
    this.#buffer = undefined;
    if (this.#own) check(libc().munmap(this.address, this.length), 'unmap memory');
  }
}
