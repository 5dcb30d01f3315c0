// SPDX-License-Identifier: Apache-2.0
// Is a file a capture? By its first bytes, or where it cannot be read by its name.

import { closeSync, openSync, readSync } from 'node:fs';

/** pcap with times in microseconds and nanoseconds, pcapng. */
const magics = ['a1b2c3d4', 'd4c3b2a1', 'a1b23c4d', '4d3cb2a1', '0a0d0d0a'];

export function isCapture(path: string): boolean {
  if (/\.(pcap|pcapng|cap|dmp)$/i.test(path)) return true;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const bytes = Buffer.alloc(4);
    return readSync(fd, bytes, 0, 4, 0) === 4 && magics.includes(bytes.toString('hex'));
  } catch {
    return false; // a directory, a pipe
  } finally {
    closeSync(fd);
  }
}
