// SPDX-License-Identifier: Apache-2.0
// What the two sides must agree on, as plain data taken from BTF: layouts, enums and map shapes. common/abi.gen.ts holds
// the facts of the object it was generated from; a loaded object is compared with them.

import { createHash } from 'node:crypto';
import type { Btf, BtfMember, BtfType } from './btf.js';
import { objectInvalid } from './elf.js';

/** Offset and size in bytes, and the type: `u8` … `u64`, `be16`, `be32`, `struct NAME`, each with `[N]` for arrays. */
export type FieldFacts = readonly [offset: number, size: number, type: string];

export interface StructFacts {
  readonly size: number;
  readonly fields: Readonly<Record<string, FieldFacts>>;
}

export interface MapFacts {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Of a map of maps: the shape of its inner maps. */
  readonly inner?: MapFacts;
}

export interface AbiFacts {
  readonly structs: Readonly<Record<string, StructFacts>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly maps: Readonly<Record<string, MapFacts>>;
}

/** The struct of bpf/export.h whose members name every shared type. */
const EXPORT = 'ids_export';

/** Maps that hold one packet while it is judged: private to one load of the programs and no part of the ABI. */
const scratch = /^ids_packets$|_scratch$/;

/** True for a map that both sides know, and that later runs find again. */
export function isSharedMap(name: string): boolean {
  return name.startsWith('ids_') && !scratch.test(name);
}

/** The name of a scalar, struct or array type as facts write it. */
function typeName(btf: Btf, id: number): string {
  const type = btf.type(id);
  switch (type.kind) {
    case 'typedef':
      return /^__be(16|32|64)$/.test(type.name) ? type.name.slice(2) : typeName(btf, type.type);
    case 'modifier':
      return typeName(btf, type.type);
    case 'int':
      return `${type.signed ? 'i' : 'u'}${type.size * 8}`;
    case 'array': {
      // The outermost dimension comes first: u16[3][256].
      const element = typeName(btf, type.type);
      const cut = element.indexOf('[');
      return cut < 0 ? `${element}[${type.count}]` : `${element.slice(0, cut)}[${type.count}]${element.slice(cut)}`;
    }
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name}`;
    default:
      throw objectInvalid(`a shared struct holds a ${type.kind}, which has no fixed layout`);
  }
}

function structFacts(btf: Btf, struct: Extract<BtfType, { kind: 'struct' }>): StructFacts {
  const field = (member: BtfMember): [string, FieldFacts] => {
    if (member.bits !== 0 || member.bit % 8 !== 0)
      throw objectInvalid(`struct ${struct.name} has a bit field, ${member.name}`);
    return [member.name, [member.bit / 8, btf.sizeOf(member.type), typeName(btf, member.type)]];
  };
  return { size: struct.size, fields: Object.fromEntries(struct.members.map(field)) };
}

/** The shape of a map from its BTF definition (`__uint`, `__type`, `__array` of bpf_helpers.h). */
function mapFacts(btf: Btf, id: number, name: string, depth = 0): MapFacts {
  const definition = btf.resolve(id);
  if (definition.kind !== 'struct' || depth > 1) throw objectInvalid(`map ${name} is not defined by a struct`);
  const target = (member: BtfMember | undefined): number | undefined => {
    const type = member && btf.resolve(member.type);
    return type?.kind === 'ptr' ? type.type : undefined;
  };
  const member = (wanted: string): BtfMember | undefined => definition.members.find((one) => one.name === wanted);
  const uint = (wanted: string): number => {
    const found = target(member(wanted));
    const array = found === undefined ? undefined : btf.resolve(found);
    return array?.kind === 'array' ? array.count : 0;
  };
  const size = (wanted: string): number => {
    const found = target(member(wanted));
    return found === undefined ? uint(`${wanted}_size`) : btf.sizeOf(found);
  };
  const values = member('values');
  const list = values && btf.resolve(values.type);
  const element = list?.kind === 'array' ? btf.resolve(list.type) : undefined;
  const inner = element?.kind === 'ptr' ? element.type : undefined;
  const nested = inner !== undefined && btf.resolve(inner).kind === 'struct';
  return {
    type: uint('type'),
    keySize: size('key') || (values ? 4 : 0),
    valueSize: size('value') || (values ? 4 : 0),
    maxEntries: uint('max_entries'),
    flags: uint('map_flags'),
    ...(nested ? { inner: mapFacts(btf, inner, name, depth + 1) } : {}),
  };
}

const sorted = <T>(entries: [string, T][]): Record<string, T> => {
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
};

/**
 * The facts of an object: the types that bpf/export.h names and the shared maps.
 * @throws IdsError OBJECT_INVALID
 */
export function abiFacts(btf: Btf): AbiFacts {
  const exported = btf.find('struct', EXPORT);
  if (exported === undefined) throw objectInvalid(`it does not include bpf/export.h (no struct ${EXPORT})`);
  const structs: [string, StructFacts][] = [];
  const enums: [string, Record<string, number>][] = [];
  for (const { type: id, name } of exported.members) {
    const type = btf.resolve(id);
    if (type.kind === 'struct') structs.push([type.name, structFacts(btf, type)]);
    else if (type.kind === 'enum') enums.push([type.name, Object.fromEntries(type.values)]);
    else throw objectInvalid(`member ${name} of struct ${EXPORT} is neither a struct nor an enum`);
  }
  const maps = (btf.find('datasec', '.maps')?.vars ?? []).flatMap(({ type: id }): [string, MapFacts][] => {
    const variable = btf.type(id);
    if (variable.kind !== 'var') throw objectInvalid('its .maps section holds something that is no variable');
    return isSharedMap(variable.name) ? [[variable.name, mapFacts(btf, variable.type, variable.name)]] : [];
  });
  return { structs: sorted(structs), enums: sorted(enums), maps: sorted(maps) };
}

/** First 12 hex digits of the SHA-256 over the facts. */
export function hashFacts(facts: AbiFacts): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 12);
}
