// SPDX-License-Identifier: Apache-2.0
// List files that a user names, read here: the daemon gets columns and opens no path for anybody.

import { fstatSync, openSync, closeSync, readFileSync } from 'node:fs';
import { IdsError, messageOf } from '../../common/errors.js';
import { unionBatches } from '../lists/batch-ops.js';
import { LIST_FORMATS, MAX_BYTES, type BadLine, type ListFormat, type ParsedList } from '../lists/formats/formats.js';
import { parseList } from '../lists/formats/parse.js';
import type { ListAction, PrefixBatch } from '../lists/prefix-batch.js';
import type { OptionTable } from './command.js';
import type { Context } from './context.js';
import { plain, plural } from './table.js';

/** Options of every command that reads list files. */
export const listOptions = {
  format: {
    type: 'string',
    value: 'FORMAT',
    complete: LIST_FORMATS,
    describe: `${LIST_FORMATS.join(', ')}; recognised by content if not given`,
  },
  column: { type: 'string', value: 'NAME|N', describe: 'CSV: the column to take; JSON: the key' },
} as const satisfies OptionTable;

export interface ReadFile extends ParsedList {
  readonly file: string;
}

/** Entries for one origin that are of one kind, of all files. */
export interface OriginGroup {
  readonly origin: string;
  readonly action: ListAction | undefined;
  /** What the file says: our own export does. */
  readonly forced: boolean | undefined;
  readonly batch: PrefixBatch;
}

export function formatOf(text: string | undefined): ListFormat | undefined {
  if (text === undefined) return undefined;
  const format = LIST_FORMATS.find((known) => known === text);
  if (format) return format;
  throw new IdsError('USAGE', `"${text}" is no format: write ${LIST_FORMATS.join(', ')}`);
}

/** The bytes of a file; `-` is standard input. */
function readBytes(file: string): Uint8Array {
  try {
    if (file === '-') return readFileSync(0);
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_BYTES}: split it`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new IdsError('FILE_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Reads list files. @throws IdsError FILE_UNREADABLE, LIST_INVALID with the file's name in front */
export function readLists(
  files: readonly string[],
  options: { readonly format?: string | undefined; readonly column?: string | undefined },
  onProgress: (file: string, share: number) => void,
): ReadFile[] {
  const format = formatOf(options.format);
  const { column } = options;
  return files.map((file) => {
    const bytes = readBytes(file);
    try {
      const list = parseList(bytes, {
        ...(format === undefined ? {} : { format }),
        ...(column === undefined ? {} : { column }),
        onProgress: (done, total) => onProgress(file, total === 0 ? 1 : done / total),
      });
      return { ...list, file };
    } catch (error) {
      if (!(error instanceof IdsError)) throw error;
      throw new IdsError(error.code, `${file}: ${error.message}`, {
        cause: error,
        details: { ...error.details, file },
      });
    }
  });
}

/** All entries by the origin that they go to: the one that is asked for, else the file's own word, else `manual`. */
export function groupsOf(lists: readonly ReadFile[], origin?: string, action?: ListAction): OriginGroup[] {
  const groups = new Map<string, Omit<OriginGroup, 'batch'> & { batches: PrefixBatch[] }>();
  for (const group of lists.flatMap((list) => list.groups)) {
    const to = { origin: origin ?? group.origin ?? 'manual', action: action ?? group.action, forced: group.forced };
    const key = `${to.origin} ${to.action ?? ''} ${to.forced ?? ''}`;
    const known = groups.get(key);
    if (known) known.batches.push(group.batch);
    else groups.set(key, { ...to, batches: [group.batch] });
  }
  return [...groups.values()].map(({ batches, ...to }) => ({ ...to, batch: unionBatches(batches) }));
}

/** `file:12:3: cause: text`. */
export function badLineText(file: string, { line, column, cause, text }: BadLine): string {
  return plain(`${file}:${line}:${column}: ${cause}${text === '' ? '' : `: ${text}`}`);
}

/** Tells the bad lines on standard error; how many there were. */
export function warnBadLines(lists: readonly ReadFile[], context: Context): number {
  for (const { file, bad, badLines } of lists) {
    for (const line of badLines) context.warn(`ids: ${badLineText(file, line)}`);
    if (bad > badLines.length) context.warn(`ids: ${file}: ${plural(bad - badLines.length, 'more bad line')}`);
  }
  return lists.reduce((sum, { bad }) => sum + bad, 0);
}
