// SPDX-License-Identifier: Apache-2.0
// Just enough of ELF to find a section of a BPF object: 64-bit, little endian, machine EM_BPF.

import { IdsError } from '../../common/errors.js';

const HEADER_SIZE = 64;
const SECTION_SIZE = 64;
const EM_BPF = 247;
const SHT_NOBITS = 8;

/** An error about a BPF object that is damaged or none at all. */
export function objectInvalid(what: string): IdsError {
  return new IdsError('OBJECT_INVALID', `not a usable BPF object: ${what}; build it anew with scripts/build-bpf`);
}

/** A bounds-checked little-endian view: every read beyond the end is an OBJECT_INVALID error, never a RangeError. */
export class Bytes {
  readonly #view: DataView;
  readonly #what: string;

  constructor(bytes: Uint8Array, what: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get length(): number {
    return this.#view.byteLength;
  }

  /** Refuses a range that does not lie inside. */
  need(at: number, size: number): void {
    if (!(at >= 0 && size >= 0 && at + size <= this.#view.byteLength)) {
      throw objectInvalid(
        `${this.#what} ends at byte ${this.#view.byteLength}, but bytes ${at} to ${at + size} are needed`,
      );
    }
  }

  u16(at: number): number {
    this.need(at, 2);
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    this.need(at, 4);
    return this.#view.getUint32(at, true);
  }

  i32(at: number): number {
    this.need(at, 4);
    return this.#view.getInt32(at, true);
  }

  /** A 64-bit number that must be exact as a Number. */
  u64(at: number): number {
    const value = this.u32(at) + this.u32(at + 4) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw objectInvalid(`${this.#what} has an offset beyond 2^53 at byte ${at}`);
    return value;
  }

  slice(at: number, size: number): Uint8Array {
    this.need(at, size);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, size);
  }

  /** The zero-terminated text at `at`. */
  text(at: number): string {
    let end = at;
    for (; ; end++) {
      this.need(end, 1);
      if (this.#view.getUint8(end) === 0) break;
    }
    return Buffer.from(this.slice(at, end - at)).toString('latin1');
  }
}

/**
 * The contents of the section of that name, or undefined if the file has none.
 * @throws IdsError OBJECT_INVALID for anything that is not an intact BPF object.
 */
export function elfSection(file: Uint8Array, name: string): Uint8Array | undefined {
  const elf = new Bytes(file, 'the file');
  elf.need(0, HEADER_SIZE);
  if (elf.u32(0) !== 0x464c457f) throw objectInvalid('it has no ELF magic');
  if (elf.u16(4) !== 0x0102) throw objectInvalid('it is not 64-bit little-endian ELF');
  if (elf.u16(18) !== EM_BPF) throw objectInvalid(`it is for machine ${elf.u16(18)}, not for BPF (${EM_BPF})`);
  const table = elf.u64(40);
  const count = elf.u16(60);
  if (elf.u16(58) !== SECTION_SIZE)
    throw objectInvalid(`its section headers have ${elf.u16(58)} bytes, not ${SECTION_SIZE}`);
  elf.need(table, count * SECTION_SIZE);
  const header = (index: number): number => {
    if (index >= count) throw objectInvalid(`section ${index} is named, but there are ${count}`);
    return table + index * SECTION_SIZE;
  };
  const contents = (at: number): Uint8Array => elf.slice(elf.u64(at + 24), elf.u64(at + 32));
  const names = new Bytes(contents(header(elf.u16(62))), 'the section name table');
  for (let index = 0; index < count; index++) {
    const at = header(index);
    if (elf.u32(at + 4) !== SHT_NOBITS && names.text(elf.u32(at)) === name) return contents(at);
  }
  return undefined;
}
