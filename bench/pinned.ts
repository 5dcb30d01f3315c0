// SPDX-License-Identifier: Apache-2.0
// What a running daemon has pinned.

import { join } from 'node:path';
import { check } from '../engine/bpf/check.js';
import { libbpf } from '../engine/bpf/native.js';
import { abiDirs, pinNames } from '../engine/bpf/pins.js';

/** Opens the pin whose name ends so. @param pins the daemon's pin_dir @returns a file descriptor */
export function openPinned(pins: string, ending: string): number {
  const [dir] = abiDirs(pins);
  const name = dir && pinNames(dir.path).find((one) => one.endsWith(ending));
  if (!dir || name === undefined) throw new Error(`there is no ${ending} in ${pins}`);
  return check(libbpf().objGet(join(dir.path, name)), `open ${name}`);
}
