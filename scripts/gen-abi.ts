// SPDX-License-Identifier: Apache-2.0
// Writes common/abi.gen.ts from the BTF of the built object, or with --check compares.
//   node dist/scripts/gen-abi.js [--check] [OBJECT]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { Btf } from '../engine/bpf/btf.js';
import { abiFacts, type AbiFacts, type FieldFacts, hashFacts, type StructFacts } from '../engine/bpf/facts.js';

const root = join(import.meta.dirname, '../..');
const target = join(root, 'common/abi.gen.ts');

/** Enums whose members are looked up by number. */
const named = ['ids_reason', 'ids_verdict', 'ids_stat', 'ids_event_type', 'ids_action', 'ids_field'];
/** Structs that the engine reads or writes as flat records; of the others it needs the offsets alone. */
const records = [
  ...['ids_event', 'ids_hits', 'ids_allow', 'ids_cut', 'ids_interface', 'ids_address_class', 'ids_cond'],
  ...['ids_verdict_count', 'ids_rule_count', 'ids_http'],
];

const pascal = (name: string): string => {
  const words = name.replace(/^ids_/, '').split('_');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
};
const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function memberName(enumName: string, member: string): string {
  const bare = member.replace(/^IDS_/, '');
  const prefix = `${enumName.replace(/^ids_/, '').toUpperCase()}_`;
  return bare.startsWith(prefix) ? bare.slice(prefix.length) : bare;
}

function enumText(name: string, members: Readonly<Record<string, number>>): string {
  const type = pascal(name);
  const pairs = Object.entries(members).map(([member, value]) => [memberName(name, member), value] as const);
  const body = pairs.map(([member, value]) => `  ${member}: ${value},`).join('\n');
  let text = `/** enum ${name} */\nexport const ${type} = {\n${body}\n} as const;\nexport type ${type} = (typeof ${type})[keyof typeof ${type}];\n`;
  if (named.includes(name)) {
    // Of two names for one number the later one wins: it is the particular one (REASON_DECODE is also DECODE_ETH_SHORT).
    const byValue = [...new Map(pairs.map(([member, value]) => [value, member]))].sort(([a], [b]) => a - b);
    const lookup = byValue.map(([value, member]) => `  ${value}: '${member}',`).join('\n');
    text += `export const ${type}Names: Readonly<Record<number, string>> = {\n${lookup}\n};\n`;
  }
  return text;
}

function layoutText(name: string, struct: StructFacts): string {
  const body = Object.entries(struct.fields).map(
    ([field, [offset, , type]]) => `  ${camel(field)}: ${offset}, // ${type}`,
  );
  return `/** Byte offsets of struct ${name}. */\nexport const ${pascal(name)}Layout = {\n  SIZE: ${struct.size},\n${body.join('\n')}\n} as const;\n`;
}

/** A field of a flat record: how to read and write it, or undefined for padding and what is no scalar. */
interface Slot {
  readonly name: string;
  readonly type: string;
  readonly read: string;
  readonly write?: string;
}

function scalar(name: string, offset: number, type: string): Slot | undefined {
  const at = offset === 0 ? 'at' : `at + ${offset}`;
  const [, order, bits] = /^(u|be)(8|16|32|64)$/.exec(type) ?? [];
  if (bits === undefined) return undefined;
  if (bits === '64') {
    const value = `r.${name}`;
    return {
      name,
      type: 'number',
      read: `view.getUint32(${at}, true) + view.getUint32(at + ${offset + 4}, true) * 4294967296`,
      write: `view.setUint32(${at}, ${value} % 4294967296, true);\n  view.setUint32(at + ${offset + 4}, Math.floor(${value} / 4294967296), true)`,
    };
  }
  const tail = bits === '8' ? '' : `, ${order !== 'be'}`;
  return {
    name,
    type: 'number',
    read: `view.getUint${bits}(${at}${tail})`,
    write: `view.setUint${bits}(${at}, r.${name}${tail})`,
  };
}

function slots(field: string, [offset, size, type]: FieldFacts): Slot[] {
  const name = camel(field);
  if (/^pad\d*$/.test(field)) return [];
  const one = scalar(name, offset, type);
  if (one) return [one];
  const [, element, count] = /^(u16|u32|u64|be16|be32)\[(\d+)\]$/.exec(type) ?? [];
  if (element !== undefined) {
    const step = size / Number(count);
    return Array.from({ length: Number(count) }, (_, i) => scalar(`${name}${i}`, offset + i * step, element)).filter(
      (slot) => slot !== undefined,
    );
  }
  const [, struct] = /^struct (\w+)$/.exec(type) ?? [];
  if (struct !== undefined)
    return [{ name, type: `${pascal(struct)}Record`, read: `read${pascal(struct)}(view, at + ${offset})` }];
  // Bytes stay where they are: the record says where they begin in the view.
  return [{ name, type: 'number', read: `at + ${offset}` }];
}

function recordText(name: string, struct: StructFacts): string {
  const type = pascal(name);
  const fields = Object.entries(struct.fields).flatMap(([field, facts]) => slots(field, facts));
  const members = fields.map((slot) => `  ${slot.name}: ${slot.type};`).join('\n');
  const reads = fields.map((slot) => `    ${slot.name}: ${slot.read},`).join('\n');
  let text = `/** struct ${name}; byte arrays as their offset in the view. */\nexport interface ${type}Record {\n${members}\n}\n`;
  text += `export function read${type}(view: DataView, at = 0): ${type}Record {\n  return {\n${reads}\n  };\n}\n`;
  if (fields.every((slot) => slot.write !== undefined)) {
    const writes = fields.map((slot) => `  ${slot.write};`).join('\n');
    text += `export function write${type}(view: DataView, at: number, r: Readonly<${type}Record>): void {\n${writes}\n}\n`;
  }
  return text;
}

function moduleText(facts: AbiFacts): string {
  const parts = [
    `// SPDX-License-Identifier: Apache-2.0\n// Generated by scripts/gen-abi.ts from the BTF of dist/bpf/ids.bpf.o. Do not edit.\n`,
    `/** Names the layouts, enums and map shapes below: part of the pin path. */\nexport const abiHash: string = '${hashFacts(facts)}';\n`,
    ...Object.entries(facts.enums).map(([name, members]) => enumText(name, members)),
    ...Object.entries(facts.structs).map(([name, struct]) => layoutText(name, struct)),
    ...records.flatMap((name) => (facts.structs[name] ? [recordText(name, facts.structs[name])] : [])),
    `/** Map definitions by name. */\nexport const mapShapes = ${JSON.stringify(facts.maps, null, 2)} as const;\n`,
    `/** Everything above as plain data, to compare a loaded object with. */\nexport const abi = {\n  structs: ${JSON.stringify(facts.structs)},\n  enums: ${JSON.stringify(facts.enums)},\n  maps: mapShapes,\n} as const;\n`,
  ];
  return parts.join('\n');
}

function main(args: readonly string[]): number {
  const check = args.includes('--check');
  const object = args.find((arg) => !arg.startsWith('--')) ?? join(root, 'dist/bpf/ids.bpf.o');
  const text = moduleText(abiFacts(Btf.ofObject(readFileSync(object))));
  let old = '';
  try {
    old = readFileSync(target, 'utf8');
  } catch {
    // Not generated yet.
  }
  if (old === text) return 0;
  if (check) {
    console.error('gen-abi: common/abi.gen.ts differs from the BTF of the built object: run npm run gen and commit it');
    return 1;
  }
  writeFileSync(target, text);
  console.error('gen-abi: wrote common/abi.gen.ts');
  return 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`gen-abi: ${messageOf(error)}`);
  process.exitCode = 1;
}
