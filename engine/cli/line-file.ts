// SPDX-License-Identifier: Apache-2.0
// Lines into a file or onto standard output, in large pieces.

import { closeSync, openSync, writeSync } from 'node:fs';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';

/** Lines are written in pieces of this many characters. */
const WRITE_AT = 1 << 16;

export interface LineFile {
  write(line: string): void;
  /** @throws IdsError OUTPUT_FAILED */
  flush(): void;
  /** Writes nothing any more; idempotent. */
  close(): void;
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      // Somebody else's end of the terminal or pipe may be set to not block.
      if (systemCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Opens a file anew, or standard output for `-`. @throws IdsError OUTPUT_FAILED */
export function openLineFile(path: string): LineFile {
  const failed = (error: unknown): IdsError =>
    new IdsError('OUTPUT_FAILED', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  let fd = 1;
  try {
    if (path !== '-') fd = openSync(path, 'w', 0o640);
  } catch (error) {
    throw failed(error);
  }
  let waiting = '';
  let open = true;
  /** Nobody reads the pipe any more: the rest is for nobody. */
  let unread = false;
  const flush = (): void => {
    const text = waiting;
    waiting = '';
    if (text === '' || unread) return;
    try {
      writeAll(fd, text);
    } catch (error) {
      if (systemCode(error) !== 'EPIPE') throw failed(error);
      unread = true;
    }
  };
  return {
    write: (line) => {
      waiting += `${line}\n`;
      if (waiting.length >= WRITE_AT) flush();
    },
    flush,
    close: () => {
      if (open && fd !== 1) closeSync(fd);
      open = false;
    },
  };
}
