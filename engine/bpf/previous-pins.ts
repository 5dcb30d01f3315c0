// SPDX-License-Identifier: Apache-2.0
// The tables that a version with another ABI left pinned: to be read, so that lists and counters move on.

import { join } from 'node:path';
import { BpfMap } from './bpf-map.js';
import { pinNames } from './pins.js';

export class PreviousPins {
  readonly hash: string;
  readonly path: string;

  constructor(hash: string, path: string) {
    this.hash = hash;
    this.path = path;
  }

  /** A table to be read and then closed, or undefined if that version had none. Check `info` for the sizes of its time. */
  map(name: string): BpfMap | undefined {
    return pinNames(this.path).includes(name) ? BpfMap.ofPin(name, join(this.path, name)) : undefined;
  }
}
