// SPDX-License-Identifier: Apache-2.0
// A folder as a lock (flock(2)): given back when it is closed, however the process ends.

import { closeSync, openSync } from 'node:fs';
import { check } from './check.js';
import { libc } from './native.js';

export const LOCK_EX = 2;

/** Does what no other process may do with a folder meanwhile; waits for one that does. @throws IdsError SYSCALL */
export function withFolderLock<T>(folder: string, work: () => T): T {
  const fd = openSync(folder, 'r');
  try {
    check(libc().flock(fd, LOCK_EX), `lock ${folder}`);
    return work();
  } finally {
    closeSync(fd);
  }
}
