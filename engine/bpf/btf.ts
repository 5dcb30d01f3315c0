// SPDX-License-Identifier: Apache-2.0
// BTF: the type information that clang puts into a BPF object. Format: Documentation/bpf/btf.rst of the kernel.

import { Bytes, elfSection, objectInvalid } from './elf.js';

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** Bits from the start of the struct. */
  readonly bit: number;
  /** Bits of a bit field, 0 for a plain member. */
  readonly bits: number;
}

interface Composite<K extends string> {
  readonly kind: K;
  readonly name: string;
  readonly size: number;
  readonly members: readonly BtfMember[];
}

interface Reference<K extends string> {
  readonly kind: K;
  readonly name: string;
  readonly type: number;
}

export type BtfType =
  | { readonly kind: 'void' }
  | { readonly kind: 'int'; readonly name: string; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'array'; readonly type: number; readonly count: number }
  | Composite<'struct'>
  | Composite<'union'>
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly values: ReadonlyMap<string, number>;
    }
  | Reference<'ptr'>
  | Reference<'modifier'>
  | Reference<'typedef'>
  | Reference<'var'>
  | Reference<'func'>
  | Reference<'tag'>
  | { readonly kind: 'proto'; readonly type: number }
  | { readonly kind: 'fwd'; readonly name: string }
  | { readonly kind: 'datasec'; readonly name: string; readonly size: number; readonly vars: readonly DatasecVar[] };

export interface DatasecVar {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** Kinds by their number; the extra bytes of a type are `fixed` plus `each` for every one of its vlen entries. */
const kinds: Readonly<Record<number, { kind: BtfType['kind']; fixed: number; each: number }>> = {
  1: { kind: 'int', fixed: 4, each: 0 },
  2: { kind: 'ptr', fixed: 0, each: 0 },
  3: { kind: 'array', fixed: 12, each: 0 },
  4: { kind: 'struct', fixed: 0, each: 12 },
  5: { kind: 'union', fixed: 0, each: 12 },
  6: { kind: 'enum', fixed: 0, each: 8 },
  7: { kind: 'fwd', fixed: 0, each: 0 },
  8: { kind: 'typedef', fixed: 0, each: 0 },
  9: { kind: 'modifier', fixed: 0, each: 0 },
  10: { kind: 'modifier', fixed: 0, each: 0 },
  11: { kind: 'modifier', fixed: 0, each: 0 },
  12: { kind: 'func', fixed: 0, each: 0 },
  13: { kind: 'proto', fixed: 0, each: 8 },
  14: { kind: 'var', fixed: 4, each: 0 },
  15: { kind: 'datasec', fixed: 0, each: 12 },
  16: { kind: 'float', fixed: 0, each: 0 },
  17: { kind: 'tag', fixed: 4, each: 0 },
  18: { kind: 'modifier', fixed: 0, each: 0 },
  19: { kind: 'enum', fixed: 0, each: 12 },
};

const MAGIC = 0xeb9f;
/** Types that refer to each other in a circle would be followed for ever. */
const MAX_DEPTH = 64;

/** The types of one object, by number; 0 is void. */
export class Btf {
  readonly types: readonly BtfType[];

  private constructor(types: readonly BtfType[]) {
    this.types = types;
  }

  /** Of an ELF object. @throws IdsError OBJECT_INVALID */
  static ofObject(file: Uint8Array): Btf {
    const section = elfSection(file, '.BTF');
    if (section === undefined) throw objectInvalid('it has no .BTF section (compile with -g)');
    return Btf.parse(section);
  }

  /** Of raw BTF. @throws IdsError OBJECT_INVALID */
  static parse(section: Uint8Array): Btf {
    const data = new Bytes(section, 'the .BTF section');
    if (data.u16(0) !== MAGIC) throw objectInvalid('its .BTF section has no BTF magic');
    const base = data.u32(4);
    const types = new Bytes(data.slice(base + data.u32(8), data.u32(12)), 'the BTF type table');
    const strings = new Bytes(data.slice(base + data.u32(16), data.u32(20)), 'the BTF string table');
    const out: BtfType[] = [{ kind: 'void' }];
    for (let at = 0; at < types.length;) {
      const { type, size } = readType(types, strings, at);
      out.push(type);
      at += size;
    }
    return new Btf(out);
  }

  type(id: number): BtfType {
    const found = this.types[id];
    if (found === undefined) throw objectInvalid(`BTF type ${id} is named, but there are ${this.types.length}`);
    return found;
  }

  /** The type behind typedefs, const, volatile and variables. */
  resolve(id: number): BtfType {
    let type = this.type(id);
    for (let depth = 0; type.kind === 'modifier' || type.kind === 'typedef' || type.kind === 'var'; depth++) {
      if (depth > MAX_DEPTH) throw objectInvalid(`BTF type ${id} refers to itself`);
      type = this.type(type.type);
    }
    return type;
  }

  /** Bytes of a type. */
  sizeOf(id: number, depth = 0): number {
    if (depth > MAX_DEPTH) throw objectInvalid(`BTF type ${id} contains itself`);
    const type = this.resolve(id);
    if (type.kind === 'array') return type.count * this.sizeOf(type.type, depth + 1);
    if (type.kind === 'ptr') return 8;
    return 'size' in type ? type.size : 0;
  }

  /** The type of that kind and name. */
  find<K extends BtfType['kind']>(kind: K, name: string): Extract<BtfType, { kind: K }> | undefined {
    return this.types.find((type): type is Extract<BtfType, { kind: K }> => {
      return type.kind === kind && 'name' in type && type.name === name;
    });
  }
}

function readType(types: Bytes, strings: Bytes, at: number): { type: BtfType; size: number } {
  const info = types.u32(at + 4);
  const vlen = info & 0xffff;
  const code = (info >>> 24) & 0x1f;
  const flag = info >>> 31 === 1;
  const last = types.u32(at + 8);
  const entry = kinds[code];
  if (entry === undefined) throw objectInvalid(`BTF kind ${code} at byte ${at} is unknown`);
  const size = 12 + entry.fixed + entry.each * vlen;
  types.need(at, size);
  const name = strings.text(types.u32(at));
  const more = at + 12;
  const each = <T>(read: (from: number) => T): T[] =>
    Array.from({ length: vlen }, (_, i) => read(more + i * entry.each));
  const make = (): BtfType => {
    switch (entry.kind) {
      case 'int':
        return { kind: 'int', name, size: last, signed: (types.u32(more) & 0x01000000) !== 0 };
      case 'float':
        return { kind: 'float', name, size: last };
      case 'array':
        return { kind: 'array', type: types.u32(more), count: types.u32(more + 8) };
      case 'struct':
      case 'union':
        return { kind: entry.kind, name, size: last, members: each((from) => readMember(types, strings, from, flag)) };
      case 'enum':
        return {
          kind: 'enum',
          name,
          size: last,
          values: new Map(each((from) => readEnum(types, strings, from, code, flag))),
        };
      case 'datasec': {
        const vars = each((from) => ({
          type: types.u32(from),
          offset: types.u32(from + 4),
          size: types.u32(from + 8),
        }));
        return { kind: 'datasec', name, size: last, vars };
      }
      case 'fwd':
        return { kind: 'fwd', name };
      case 'proto':
        return { kind: 'proto', type: last };
      case 'void':
        return { kind: 'void' };
      case 'ptr':
      case 'modifier':
      case 'typedef':
      case 'var':
      case 'func':
      case 'tag':
        return { kind: entry.kind, name, type: last };
    }
  };
  return { type: make(), size };
}

function readMember(types: Bytes, strings: Bytes, at: number, bitfields: boolean): BtfMember {
  const offset = types.u32(at + 8);
  const [bit, bits] = bitfields ? [offset & 0xffffff, offset >>> 24] : [offset, 0];
  return { name: strings.text(types.u32(at)), type: types.u32(at + 4), bit, bits };
}

function readEnum(types: Bytes, strings: Bytes, at: number, code: number, signed: boolean): [string, number] {
  const name = strings.text(types.u32(at));
  if (code === 19) {
    const high = signed ? types.i32(at + 8) : types.u32(at + 8);
    return [name, types.u32(at + 4) + high * 2 ** 32];
  }
  return [name, signed ? types.i32(at + 4) : types.u32(at + 4)];
}
