// SPDX-License-Identifier: Apache-2.0
// A list file as bytes in, columns out: unpacked, recognised, read within bounds.

import { gunzipSync } from 'node:zlib';
import { Limit } from '../../../common/abi.gen.js';
import { messageOf, systemCode } from '../../../common/errors.js';
import { BatchBuilder } from '../batch-builder.js';
import { readCsv } from './csv.js';
import { detectFormat } from './detect.js';
import {
  invalid,
  MAX_BYTES,
  MAX_ENTRIES,
  Problems,
  type ListFormat,
  type ListGroup,
  type ParsedList,
  type ParseOptions,
  type Source,
} from './formats.js';
import { readIpset } from './ipset.js';
import { readJson, type JsonOrigin } from './json.js';
import { readNft } from './nft.js';
import { readPlain } from './plain.js';

/** Bytes of a short line: how many entries to make room for at first. */
const BYTES_A_LINE = 14;
/** Groups of a list: every kind of each origin that the kernel has a number for. */
const MAX_GROUPS = 4 * Limit.ORIGINS;
/** Fewer bad lines than this are no sign of a wrong format. */
const FEW = 10;

function startsWith(bytes: Uint8Array, ...magic: number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** Unpacks gzip, recognised by its first bytes. @throws IdsError LIST_INVALID if it is damaged, cut off or too large */
export function unpack(bytes: Uint8Array, maxBytes = MAX_BYTES): Uint8Array {
  const tooLarge = `the list is larger than ${maxBytes} bytes unpacked: raise the limit or split it`;
  if (!startsWith(bytes, 0x1f, 0x8b)) {
    if (bytes.length > maxBytes) throw invalid(tooLarge.replace(' unpacked', ''), { maxBytes });
    return bytes;
  }
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw invalid(tooLarge, { maxBytes });
    throw invalid(`the gzip file is damaged or was cut off: ${messageOf(error)}`, { cutOff: true });
  }
}

/** Refuses what is no text, by name. */
function refuseBinary(bytes: Uint8Array): void {
  const kinds: readonly (readonly [string, readonly number[]])[] = [
    ['a zip file', [0x50, 0x4b, 3, 4]],
    ['gzip in gzip', [0x1f, 0x8b]],
    ['an xz file', [0xfd, 0x37, 0x7a, 0x58]],
    ['a bzip2 file', [0x42, 0x5a, 0x68]],
    ['a zstd file', [0x28, 0xb5, 0x2f, 0xfd]],
    ['text in UTF-16', [0xff, 0xfe]],
    ['text in UTF-16', [0xfe, 0xff]],
    ['a program', [0x7f, 0x45, 0x4c, 0x46]],
  ];
  const kind = kinds.find(([, magic]) => startsWith(bytes, ...magic));
  if (kind) throw invalid(`this is ${kind[0]}: lists are text in UTF-8, plain or in gzip`);
}

interface Group {
  /** What the file says of them. */
  readonly said: JsonOrigin;
  readonly builder: BatchBuilder;
}

/**
 * Reads a list. Bad lines are counted, not thrown.
 * @throws IdsError LIST_INVALID: packed wrongly, beyond a bound, without a usable column, or more bad lines than good ones
 */
export function parseList(packed: Uint8Array, options: ParseOptions = {}): ParsedList {
  const { maxBytes = MAX_BYTES, maxEntries = MAX_ENTRIES, column, now = Date.now(), together, onProgress } = options;
  const bytes = unpack(packed, maxBytes);
  refuseBinary(bytes);
  const start = startsWith(bytes, 0xef, 0xbb, 0xbf) ? 3 : 0;
  const format = options.format ?? (column === undefined ? detectFormat(bytes, start) : columnFormat(bytes, start));
  const problems = new Problems(bytes);
  const total = bytes.length;
  const source: Source = { bytes, start, problems, now, maxEntries, onProgress: (done) => onProgress?.(done, total) };
  const groups = new Map<string, Group>();
  const builderOf = (said: JsonOrigin = {}): BatchBuilder => {
    const { origin = '', action = '', forced = '' } = together ? {} : said;
    const key = `${origin} ${action} ${forced}`;
    let group = groups.get(key);
    if (!group) {
      if (groups.size >= MAX_GROUPS) {
        const text = `the list names more than ${MAX_GROUPS} kinds of entries (origin, action, forced or not): split it`;
        throw invalid(text, { groups: MAX_GROUPS });
      }
      // Most lists are one group: it has room for all of them, further ones grow.
      const hint = groups.size > 0 ? 0 : Math.min(maxEntries, Math.ceil(total / BYTES_A_LINE)) + 16;
      groups.set(key, (group = { said: together ? {} : said, builder: new BatchBuilder(hint) }));
    }
    return group.builder;
  };
  const lines = read(format, source, builderOf, column);
  onProgress?.(total, total);
  return finish(format, lines, [...groups.values()], problems);
}

/** A column is asked for: of a table, or a key of JSON. */
function columnFormat(bytes: Uint8Array, start: number): ListFormat {
  return detectFormat(bytes, start) === 'json' ? 'json' : 'csv';
}

function read(
  format: ListFormat,
  source: Source,
  builderOf: (said?: JsonOrigin) => BatchBuilder,
  column: string | undefined,
): number {
  switch (format) {
    case 'plain':
      return readPlain(source, builderOf());
    case 'csv':
      return readCsv(source, builderOf(), column);
    case 'json':
      return readJson(source, builderOf, column);
    case 'ipset':
      return readIpset(source, builderOf());
    case 'nft':
      return readNft(source, builderOf());
  }
}

function finish(format: ListFormat, lines: number, groups: readonly Group[], problems: Problems): ParsedList {
  const given = groups.reduce((sum, { builder }) => sum + builder.count, 0);
  if (problems.count > FEW && problems.count > given) {
    const [first] = problems.first;
    const sample = first ? ` (line ${first.line}, column ${first.column}: ${first.cause})` : '';
    const text = `read as ${format}, ${problems.count} lines are bad and ${given} good${sample}: is this the list? Name its --format`;
    throw invalid(text, { format, bad: problems.count, good: given, badLines: problems.first });
  }
  const built = groups.map(({ said, builder }): ListGroup => ({ ...said, batch: builder.build() }));
  const count = built.reduce((sum, { batch }) => sum + batch.count, 0);
  return {
    format,
    groups: built,
    count,
    duplicates: given - count,
    lines,
    bad: problems.count,
    badLines: problems.first,
  };
}
