// SPDX-License-Identifier: Apache-2.0
// Reads a tar archive (POSIX ustar with pax and GNU long names) out of memory: its regular files, none outside of it.

import { IdsError } from '../../common/errors.js';

export interface ArchivedFile {
  /** Relative, with `/`, none of its parts `..`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface ArchiveLimits {
  /** Entries of every kind. */
  readonly entries: number;
  /** Bytes of the files that are taken. */
  readonly bytes: number;
}

const BLOCK = 512;
const decoder = new TextDecoder();

function refuse(source: string, cause: string): IdsError {
  return new IdsError('UPDATE_REFUSED', `${source}: ${cause}`);
}

function textAt(block: Uint8Array, from: number, length: number): string {
  const end = block.indexOf(0, from);
  return decoder.decode(block.subarray(from, end < 0 || end > from + length ? from + length : end));
}

/** Octal, or big-endian behind a first byte of 0x80. */
function numberAt(block: Uint8Array, from: number, length: number): number {
  if (((block[from] ?? 0) & 0x80) !== 0) {
    return block.subarray(from + 1, from + length).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const text = textAt(block, from, length).trim();
  return text === '' ? 0 : /^[0-7]+$/.test(text) ? parseInt(text, 8) : NaN;
}

function checksumHolds(block: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
  return sum === numberAt(block, 148, 8);
}

/** The path of a pax header: `LENGTH path=NAME\n` records. */
function paxPath(bytes: Uint8Array): string | undefined {
  const found = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(decoder.decode(bytes));
  return found?.[1];
}

function checked(path: string, source: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  // eslint-disable-next-line no-control-regex -- a name with control characters is none
  if (path.startsWith('/') || parts.includes('..') || /[\u0000-\u001f\\]/.test(path)) {
    throw refuse(source, `"${path.slice(0, 200)}" leads out of the archive: nothing of it is taken`);
  }
  return parts.join('/');
}

/**
 * The files of an archive that `wanted` takes. Links and devices are passed over.
 * @param source name of the archive, for errors
 * @throws IdsError UPDATE_REFUSED if it is damaged, too large or has a path that leaves it
 */
export function untar(
  archive: Uint8Array,
  source: string,
  limits: ArchiveLimits,
  wanted: (path: string) => boolean,
): ArchivedFile[] {
  const files: ArchivedFile[] = [];
  let [at, entries, taken] = [0, 0, 0];
  let long: string | undefined;
  while (at + BLOCK <= archive.length) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) return files;
    if (!checksumHolds(block)) throw refuse(source, `it is no tar archive, or damaged at byte ${at}`);
    if (++entries > limits.entries) throw refuse(source, `it has more than ${limits.entries} entries`);
    const size = numberAt(block, 124, 12);
    const kind = String.fromCharCode(block[156] ?? 0);
    const from = at + BLOCK;
    if (!Number.isSafeInteger(size) || from + size > archive.length) {
      throw refuse(source, `it is cut off: the entry at byte ${at} has ${size} bytes`);
    }
    const body = archive.subarray(from, from + size);
    at = from + Math.ceil(size / BLOCK) * BLOCK;
    if (kind === 'L') long = textAt(body, 0, size);
    else if (kind === 'x') long = paxPath(body) ?? long;
    else if (kind !== 'g') {
      const prefix = textAt(block, 257, 5) === 'ustar' ? textAt(block, 345, 155) : '';
      const name = long ?? (prefix === '' ? '' : `${prefix}/`) + textAt(block, 0, 100);
      long = undefined;
      const path = checked(name, source);
      if ((kind !== '0' && kind !== '\0') || !wanted(path)) continue;
      taken += size;
      if (taken > limits.bytes) throw refuse(source, `its files have more than ${limits.bytes} bytes`);
      files.push({ path, bytes: body });
    }
  }
  throw refuse(source, 'it is cut off: its end is missing');
}
