// SPDX-License-Identifier: Apache-2.0
// Tables with a separator (, ; tab or |): one column holds the entries.

import type { BatchBuilder } from '../batch-builder.js';
import { bound, invalid, MAX_LINE, type Source } from './formats.js';
import { isBlank, isComment, lineEnd, skipBlanks } from './plain.js';
import { PrefixScanner } from './prefix-scanner.js';

const QUOTE = 0x22;
const NEWLINE = 0x0a;
const STRIDE = 0x3fff;

/** Names of columns that hold what is to be listed, the surest first. */
const NAMES = [
  'cidr',
  'network',
  'prefix',
  'ip_prefix',
  'netblock',
  'subnet',
  'ip_range',
  'range',
  'ip',
  'ip_address',
  'ipaddress',
  'address',
  'ipv4',
  'ipv6',
  'src_ip',
  'source_ip',
  'srcip',
  'dst_ip',
  'dest_ip',
  'dstip',
  'host_ip',
  'attacker',
  'indicator',
  'ioc',
  'ioc_value',
  'value',
];

interface Cell {
  readonly start: number;
  readonly end: number;
}

/** The cells of the record at `at`; `next` is where the following one begins. Quoted cells may hold separators and newlines. */
function readRecord(bytes: Uint8Array, at: number, separator: number): { cells: Cell[]; next: number; lines: number } {
  const cells: Cell[] = [];
  let lines = 1;
  for (;;) {
    let start = at;
    while (start < bytes.length && bytes[start] === 0x20) start++;
    if (bytes[start] === QUOTE) {
      let end = start + 1;
      for (; end < bytes.length && end - start < MAX_LINE; end++) {
        if (bytes[end] === NEWLINE) lines++;
        if (bytes[end] !== QUOTE) continue;
        if (bytes[end + 1] !== QUOTE) break;
        end++;
      }
      cells.push({ start: start + 1, end });
      at = end + 1;
      while (at < bytes.length && bytes[at] !== separator && bytes[at] !== NEWLINE) at++;
    } else {
      at = start;
      while (at < bytes.length && bytes[at] !== separator && bytes[at] !== NEWLINE) at++;
      let end = at;
      while (end > start && isBlank(bytes[end - 1] ?? 0)) end--;
      cells.push({ start, end });
    }
    if (at >= bytes.length || bytes[at] === NEWLINE) return { cells, next: at + 1, lines };
    at++;
  }
}

function textOf(bytes: Uint8Array, { start, end }: Cell): string {
  return Buffer.from(bytes.subarray(start, Math.min(end, start + 200))).toString('utf8');
}

const scanner = new PrefixScanner();

function holdsEntry(bytes: Uint8Array, { start, end }: Cell): boolean {
  return scanner.prefix(bytes, start, end) && (scanner.at === end || bytes[scanner.at] === 0x2d);
}

/** Where records begin, comments left out: the first few, and the last comment before them (it may name the columns). */
function head(bytes: Uint8Array, start: number, limit: number): { records: number[]; comment: number } {
  const records: number[] = [];
  let comment = -1;
  for (let at = start; at < bytes.length && records.length < limit; at = lineEnd(bytes, at) + 1) {
    const end = lineEnd(bytes, at);
    const first = skipBlanks(bytes, at, end);
    if (first >= end) continue;
    if (!isComment(bytes, first, end)) records.push(at);
    else if (records.length === 0) comment = first + (bytes[first] === 0x2f ? 2 : 1);
  }
  return { records, comment };
}

/** The separator of a table: the one that splits its first lines into the most cells. 0 = there is none. */
function separatorOf(bytes: Uint8Array, records: readonly number[]): number {
  let best = 0;
  let most = 1;
  for (const separator of [0x2c, 0x3b, 0x09, 0x7c]) {
    const counts = records.map((at) => readRecord(bytes, at, separator).cells.length);
    const fewest = Math.min(...counts);
    if (counts.length > 0 && fewest > most) [best, most] = [separator, fewest];
  }
  return best;
}

export interface Table {
  readonly separator: number;
  /** From 0. */
  readonly column: number;
  /** Where the first record begins, the header left out. */
  readonly start: number;
}

/** How to read a table, or what is missing. `column` is a name, a number from 1, or undefined to look for it. */
export function describeTable(bytes: Uint8Array, start: number, column?: string): Table | string {
  const { records, comment } = head(bytes, start, 20);
  const [firstRecord] = records;
  if (firstRecord === undefined) return 'the list is empty';
  const separator = separatorOf(bytes, records) || 0x2c;
  const cellsAt = (at: number): Cell[] => readRecord(bytes, at, separator).cells;
  const first = cellsAt(firstRecord);
  const headed = !first.some((cell) => holdsEntry(bytes, cell));
  const header = headed ? first : comment < 0 ? [] : cellsAt(comment);
  const names = header.map((cell) => textOf(bytes, cell).trim().toLowerCase());
  const from = headed ? (records[1] ?? bytes.length) : firstRecord;
  const table = (index: number): Table => ({ separator, column: index, start: from });
  if (column !== undefined) {
    const named = names.indexOf(column.toLowerCase());
    if (named >= 0) return table(named);
    if (/^\d{1,4}$/.test(column) && Number(column) > 0) return table(Number(column) - 1);
    const known = names.length > 0 ? `it has ${names.join(', ')}` : 'it names none: give the number of one';
    return `the table has no column "${column}"; ${known}`;
  }
  const named = NAMES.map((name) => names.indexOf(name)).find((index) => index >= 0);
  if (named !== undefined) return table(named);
  const rows = records.slice(headed ? 1 : 0).map(cellsAt);
  const width = Math.max(0, ...rows.map((row) => row.length));
  for (let index = 0; index < width; index++) {
    const hits = rows.filter((row) => {
      const cell = row[index];
      return cell !== undefined && holdsEntry(bytes, cell);
    });
    if (hits.length * 2 > rows.length) return table(index);
  }
  return `no column of the table holds addresses${names.length > 0 ? ` (${names.join(', ')})` : ''}: name one with --column`;
}

/** Adds the entries of one column; returns how many lines there are. */
export function readCsv(source: Source, builder: BatchBuilder, column?: string): number {
  const { bytes, problems, onProgress, maxEntries } = source;
  const table = describeTable(bytes, source.start, column);
  if (typeof table === 'string') throw invalid(table);
  let line = 0;
  for (let at = source.start; at < bytes.length;) {
    line++;
    if ((line & STRIDE) === 0) {
      onProgress(at);
      bound(builder.count, maxEntries);
    }
    const end = lineEnd(bytes, at);
    const first = skipBlanks(bytes, at, end);
    if (at < table.start || isComment(bytes, first, end)) {
      at = end + 1;
      continue;
    }
    const { cells, next, lines } = readRecord(bytes, at, table.separator);
    const cell = cells[table.column];
    const recordEnd = Math.min(next - 1, bytes.length);
    if (recordEnd - at > MAX_LINE) problems.add(line, at, at, recordEnd, `a record longer than ${MAX_LINE} bytes`);
    else if (!cell)
      problems.add(line, at, recordEnd, recordEnd, `the record has ${cells.length} columns, not ${table.column + 1}`);
    else if (cell.start >= cell.end) problems.add(line, at, cell.start, recordEnd, 'the column is empty');
    else if (!scanner.item(bytes, cell.start, cell.end, builder)) {
      problems.add(line, at, scanner.at, recordEnd, scanner.cause);
    }
    line += lines - 1;
    at = next;
  }
  bound(builder.count, maxEntries);
  return line;
}
