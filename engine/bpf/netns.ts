// SPDX-License-Identifier: Apache-2.0
// Network namespaces by their number: what was attached in one can only be reached from there.

import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.js';
import { libc } from './native.js';

const OWN = '/proc/thread-self/ns/net';
const CLONE_NEWNET = 0x40000000;

function inode(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    // It ended, or is not ours to see.
    return undefined;
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The number of this thread's network namespace. */
export function currentNetns(): number {
  return inode(OWN) ?? 0;
}

/** A path to a namespace: it has a name, or a process lives in it. */
function findNetns(number: number): string | undefined {
  const named = names('/run/netns').map((name) => join('/run/netns', name));
  const lived = names('/proc').flatMap((pid) => (/^\d+$/.test(pid) ? [`/proc/${pid}/ns/net`] : []));
  return [...named, ...lived].find((path) => inode(path) === number);
}

/** Calls `act`, which must not wait for anything, within a namespace; undefined if that is gone. */
export function withNetns<T>(number: number, act: () => T): T | undefined {
  if (number === currentNetns()) return act();
  const path = findNetns(number);
  if (path === undefined) return undefined;
  const [home, there] = [openSync(OWN, 'r'), openSync(path, 'r')];
  try {
    check(libc().setns(there, CLONE_NEWNET), `enter the network namespace ${path}`);
    try {
      return act();
    } finally {
      check(libc().setns(home, CLONE_NEWNET), 'return to the own network namespace');
    }
  } finally {
    closeSync(there);
    closeSync(home);
  }
}
