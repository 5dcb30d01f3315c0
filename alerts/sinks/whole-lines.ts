// SPDX-License-Identifier: Apache-2.0
import { open, truncate } from 'node:fs/promises';

/** Longer than any record. */
const LOOK = 4 << 20;
const NEWLINE = 10;

/**
 * Takes a half line off the end of a file: what a process wrote that was killed meanwhile. Its record is delivered again.
 * Gives the bytes that were taken off; -1 if there is no newline within the last 4 MiB, and so nothing was.
 */
export async function trimHalfLine(path: string): Promise<number> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const { buffer: end } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    if (size === 0 || end[0] === NEWLINE) return 0;
    const length = Math.min(size, LOOK);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const last = buffer.lastIndexOf(NEWLINE);
    if (last < 0 && length < size) return -1;
    await truncate(path, size - length + last + 1);
    return length - last - 1;
  } finally {
    await handle.close();
  }
}
