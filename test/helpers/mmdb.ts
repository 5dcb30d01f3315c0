// SPDX-License-Identifier: Apache-2.0
// Writes small MaxMind DB files (https://maxmind.github.io/MaxMind-DB/) of countries, or of records of any kind.

import { parsePrefix, isPrefix4 } from '../../common/address.js';

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Array.isArray(value)) {
    // An extended type: its number less seven is in the second byte.
    return Buffer.concat([Buffer.of(value.length, 11 - 7), ...(value as readonly Value[]).map(encode)]);
  }
  if (typeof value === 'number' && !Number.isInteger(value)) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return Buffer.concat([control(3, 8), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, one]) => [encode(key), encode(one)])]);
}

/** A control byte, and another one for sizes from 29 to 284. */
const control = (type: number, size: number): Buffer =>
  size < 29 ? Buffer.of((type << 5) | size) : Buffer.of((type << 5) | 29, size - 29);

interface Node {
  children: [Node | number | undefined, Node | number | undefined];
}

interface Options {
  readonly recordSize?: 24 | 28 | 32;
  readonly version?: 4 | 6;
}

/** A database: two-letter codes (or whole records) by prefix, none nested in another. A file of version 6 leads from ::ffff:0:0/96 to IPv4 too. */
export function mmdb(
  countries: Readonly<Record<string, string | { readonly [key: string]: Value }>>,
  { recordSize = 24, version = 6 }: Options = {},
): Buffer {
  const root: Node = { children: [undefined, undefined] };
  const codes = [...new Set(Object.values(countries))];
  const data = codes.map((code) => encode(typeof code === 'string' ? { country: { iso_code: code } } : code));
  const place = (bits: readonly number[], value: Node | number): void => {
    let node = root;
    bits.forEach((bit, i) => {
      if (i === bits.length - 1) node.children[bit as 0 | 1] = value;
      else {
        const next = node.children[bit as 0 | 1];
        node = typeof next === 'object' ? next : (node.children[bit as 0 | 1] = { children: [undefined, undefined] });
      }
    });
  };
  const bitsOf = (bytes: Uint8Array, from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => ((bytes[(from + i) >> 3] ?? 0) >> (7 - ((from + i) & 7))) & 1);
  const zeros = version === 4 ? [] : Array<number>(96).fill(0);
  for (const [text, code] of Object.entries(countries)) {
    const prefix = parsePrefix(text);
    const four = isPrefix4(prefix);
    const bits = bitsOf(prefix.bytes, four ? 96 : 0, prefix.length);
    place(four ? [...zeros, ...bits] : bits, codes.indexOf(code));
  }
  if (version === 6) {
    let four: Node | number | undefined = root;
    for (let i = 0; i < 96 && typeof four === 'object'; i++) four = four.children[0];
    if (typeof four === 'object') place(bitsOf(parsePrefix('::ffff:0:0/96').bytes, 0, 96), four);
  }
  return file(root, data, { recordSize, version });
}

function file(root: Node, data: readonly Buffer[], { recordSize, version }: Required<Options>): Buffer {
  const numbers = new Map<Node, number>();
  const order: Node[] = [];
  const number = (node: Node): void => {
    if (numbers.has(node)) return;
    numbers.set(node, order.length);
    order.push(node);
    for (const child of node.children) if (typeof child === 'object') number(child);
  };
  number(root);
  const starts = data.map((_, i) => data.slice(0, i).reduce((sum, one) => sum + one.length, 0));
  const valueOf = (child: Node | number | undefined): number =>
    child === undefined
      ? order.length
      : typeof child === 'number'
        ? order.length + 16 + (starts[child] ?? 0)
        : (numbers.get(child) ?? 0);
  const tree = Buffer.concat(
    order.map(({ children }) => {
      const [left, right] = children.map(valueOf) as [number, number];
      const bytes = Buffer.alloc(recordSize / 4);
      if (recordSize === 28) {
        bytes.writeUIntBE(left % 2 ** 24, 0, 3);
        bytes.writeUInt8((Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24), 3);
        bytes.writeUIntBE(right % 2 ** 24, 4, 3);
      } else {
        bytes.writeUIntBE(left, 0, recordSize / 8);
        bytes.writeUIntBE(right, recordSize / 8, recordSize / 8);
      }
      return bytes;
    }),
  );
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test-Country',
    description: { en: 'test' },
    ip_version: version,
    node_count: order.length,
    record_size: recordSize,
  });
  const marker = Buffer.concat([Buffer.of(0xab, 0xcd, 0xef), Buffer.from('MaxMind.com')]);
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata]);
}
