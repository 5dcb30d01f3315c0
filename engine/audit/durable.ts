// SPDX-License-Identifier: Apache-2.0
// Files that are there as a whole or not at all.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a folder holds is on the disk. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes a file in the place of what was there, if anything; it is on the disk when this returns. */
export function writeWhole(file: string, content: string | Uint8Array, mode: number): void {
  const part = `${file}.part`;
  const bytes = Buffer.from(content);
  rmSync(part, { force: true });
  const fd = openSync(part, 'wx', mode);
  try {
    let at = 0;
    while (at < bytes.length) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  renameSync(part, file);
  syncFolder(dirname(file));
}
