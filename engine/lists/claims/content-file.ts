// SPDX-License-Identifier: Apache-2.0
// Content as bytes on the disk: a header in JSON, then the columns as they are in memory.

import { endianness } from 'node:os';
import { IdsError } from '../../../common/errors.js';
import type { Column, Content } from './content.js';
import { Groups } from './groups.js';

const MAGIC = 0x31534449; // IDS1
const PREAMBLE = 8;

interface Header {
  readonly four: number;
  readonly six: number;
  readonly grouped4: boolean;
  readonly grouped6: boolean;
  readonly groups: number;
  readonly reasons: readonly string[];
}

const align = (at: number): number => (at + 7) & ~7;

/** The columns, one after the other, each at a multiple of 8. */
function layout(header: Header): { readonly sizes: readonly number[]; readonly total: number } {
  const { four, six, groups, grouped4, grouped6 } = header;
  const sizes = [8 * groups, 8 * groups, 4 * groups, groups, 4 * four, four, 16 * six, six];
  sizes.push(grouped4 ? 4 * four : 0, grouped6 ? 4 * six : 0);
  return { sizes, total: sizes.reduce((sum, size) => sum + align(size), 0) };
}

/** @throws IdsError STORE_FAILED on a machine of the other byte order */
export function encodeContent({ four, six, groups }: Content): Uint8Array {
  if (endianness() !== 'LE')
    throw new IdsError('STORE_FAILED', 'list contents are stored on little endian machines alone');
  const { created, expires, reason, flags, reasons } = groups.columns();
  const header: Header = {
    four: four.keys.len.length,
    six: six.keys.len.length,
    grouped4: four.group !== undefined,
    grouped6: six.group !== undefined,
    groups: created.length,
    reasons,
  };
  const text = Buffer.from(JSON.stringify(header));
  const { sizes, total } = layout(header);
  let at = align(PREAMBLE + text.length);
  const bytes = new Uint8Array(at + total);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, text.length, true);
  bytes.set(text, PREAMBLE);
  const none = new Uint8Array(0);
  const columns = [created, expires, reason, flags, four.keys.addr, four.keys.len, six.keys.addr, six.keys.len];
  columns.push(four.group ?? none, six.group ?? none);
  columns.forEach((column, i) => {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += align(sizes[i] ?? 0);
  });
  return bytes;
}

/** The columns lie in the given bytes afterwards: they are not to be changed. @throws Error what is wrong with them */
export function decodeContent(given: Uint8Array): Content {
  // Columns of wide numbers need an even start.
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREAMBLE || view.getUint32(0, true) !== MAGIC) throw new Error('no list content');
  const length = view.getUint32(4, true);
  const header = JSON.parse(Buffer.from(bytes.subarray(PREAMBLE, PREAMBLE + length)).toString()) as Header;
  const { sizes, total } = layout(header);
  let at = align(PREAMBLE + length);
  if (bytes.length !== at + total) throw new Error(`${bytes.length} bytes instead of ${at + total}`);
  const places = sizes.map((size) => {
    const place = bytes.byteOffset + at;
    at += align(size);
    return place;
  });
  const { buffer } = bytes;
  const place = (i: number): number => places[i] ?? 0;
  const groups = Groups.of({
    created: new Float64Array(buffer, place(0), header.groups),
    expires: new Float64Array(buffer, place(1), header.groups),
    reason: new Uint32Array(buffer, place(2), header.groups),
    flags: new Uint8Array(buffer, place(3), header.groups),
    reasons: header.reasons,
  });
  const column = (words: 1 | 4, addr: number, len: number, group: number | undefined, count: number): Column => ({
    keys: {
      words,
      addr: new Uint32Array(buffer, place(addr), count * words),
      len: new Uint8Array(buffer, place(len), count),
    },
    group: group === undefined ? undefined : new Uint32Array(buffer, place(group), count),
  });
  return {
    four: column(1, 4, 5, header.grouped4 ? 8 : undefined, header.four),
    six: column(4, 6, 7, header.grouped6 ? 9 : undefined, header.six),
    groups,
  };
}
