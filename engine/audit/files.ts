// SPDX-License-Identifier: Apache-2.0
// The files of the audit log: the one that is written, and those before it, which bear the number of their first line.

import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const NEWLINE = 0x0a;

export interface RotatedFile {
  readonly path: string;
  /** Number of its first line. */
  readonly first: number;
}

/** Those that were rotated away, the oldest first. */
export function rotatedFiles(file: string): RotatedFile[] {
  const folder = dirname(file);
  const prefix = `${basename(file)}.`;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(name.slice(prefix.length)))
    .map((name) => ({ path: join(folder, name), first: Number(name.slice(prefix.length)) }))
    .sort((a, b) => a.first - b.first);
}

/** All of the log, the oldest first. */
export function logFiles(file: string): string[] {
  return [...rotatedFiles(file).map(({ path }) => path), ...(existsSync(file) ? [file] : [])];
}

export interface Lines {
  /** Without their newlines. */
  readonly lines: readonly Buffer[];
  /** What stands behind the last newline. */
  readonly rest: Buffer;
}

export function linesOf(bytes: Buffer): Lines {
  const lines: Buffer[] = [];
  let at = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return { lines, rest: bytes.subarray(at) };
}
