// SPDX-License-Identifier: Apache-2.0
// Transformed buffers of the message that is being judged: each is made once, when the first rule asks for it.

import { applyTransforms } from '../transforms/apply.js';
import type { Transforms } from '../transforms/transform.js';
import type { BufferId } from './message.js';

type Made = (Uint8Array | undefined)[];

class Transformed {
  /** By transforms and buffer, the instances in their order; undefined: nothing is certain. */
  readonly #made = new Map<string, Made[]>();

  /** Another message. */
  begin(): void {
    if (this.#made.size > 0) this.#made.clear();
  }

  /** The instance transformed; undefined if that depends on what follows behind an open one. */
  of(transforms: Transforms, id: BufferId, instance: number, bytes: Uint8Array, open: boolean): Uint8Array | undefined {
    let buffers = this.#made.get(transforms.key);
    if (buffers === undefined) this.#made.set(transforms.key, (buffers = []));
    const made = (buffers[id] ??= []);
    if (made.length === instance) made.push(applyTransforms(transforms, bytes, open));
    return made[instance];
  }
}

export const transformed = new Transformed();
