// SPDX-License-Identifier: Apache-2.0
// The blocklist as one would write it without a thought for speed: a list of prefixes, every one of them asked.

import { covers, formatPrefix, type Prefix } from '../../../common/address.js';
import type { EntryValue } from '../../../engine/lists/table/index.js';

export interface NaiveEntry extends EntryValue {
  readonly prefix: Prefix;
}

export interface Judgement {
  readonly drop: boolean;
  /** The entry under which the packet is counted. */
  readonly entry: NaiveEntry | undefined;
}

export class NaiveList {
  readonly #entries = new Map<string, NaiveEntry>();

  get size(): number {
    return this.#entries.size;
  }

  get entries(): NaiveEntry[] {
    return [...this.#entries.values()];
  }

  put(prefix: Prefix, value: EntryValue): void {
    this.#entries.set(formatPrefix(prefix), { prefix, ...value });
  }

  delete(prefix: Prefix): boolean {
    return this.#entries.delete(formatPrefix(prefix));
  }

  has(prefix: Prefix): boolean {
    return this.#entries.has(formatPrefix(prefix));
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Any live entry that covers the address decides; one that drops comes before one that alerts, then the longer one. */
  judge(address: Uint8Array, nowSeconds: number): Judgement {
    const host = { bytes: address, length: 128 };
    let best: NaiveEntry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.expires !== 0 && nowSeconds >= entry.expires) continue;
      if (!sameFamily(entry.prefix, host) || !covers(entry.prefix, host)) continue;
      const better =
        best === undefined ||
        (best.alert && !entry.alert) ||
        (best.alert === entry.alert && entry.prefix.length > best.prefix.length);
      if (better) best = entry;
    }
    return { drop: best !== undefined && !best.alert, entry: best };
  }
}

const mapped = ({ bytes, length }: Prefix): boolean =>
  length >= 96 && bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((byte) => byte === 0);

function sameFamily(a: Prefix, b: Prefix): boolean {
  return mapped(a) === mapped(b);
}
