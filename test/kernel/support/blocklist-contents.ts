// SPDX-License-Identifier: Apache-2.0
// What the agent of the kill test lists, by the number of the step: so that both sides know it.

import { parsePrefix, type Prefix } from '../../../common/address.js';
import { BatchBuilder } from '../../../engine/lists/batch-builder.js';
import type { PrefixBatch } from '../../../engine/lists/prefix-batch.js';

/** Entries of a feed: enough that a change is often caught half done. */
const FEED = 12_000;
const IMPORT = 400;

export const core = {
  /** Under one prefix of the feed or another in every version. */
  addresses: ['203.0.113.77', '198.18.0.9', '2001:db8:77::1'],
  single: (i: number): Prefix => parsePrefix(`172.16.${(i >> 8) & 255}.${i & 255}`),
};

/** The feed's version: a core that stays, prefixes that take turns around one address, and a window that moves. */
export function feed(i: number): PrefixBatch {
  const builder = new BatchBuilder(FEED);
  builder.add4(0xcb00714d, 32);
  builder.add4(0xc6120000, 24 + (i % 5));
  builder.add6(0x20010db8, 0x00770000, 0, 0, i % 2 === 0 ? 48 : 64);
  for (let n = 0; n < FEED; n++) builder.add4(0x0a000000 + 2 * (n + (i % 1000) * 3000), 32);
  return builder.build();
}

export function imported(i: number): PrefixBatch {
  const builder = new BatchBuilder(IMPORT);
  for (let n = 0; n < IMPORT; n++) builder.add4(0x64400000 + (i % 1000) * IMPORT + n, 32);
  return builder.build();
}

export function expiring(i: number): PrefixBatch {
  const builder = new BatchBuilder(2000);
  for (let n = 0; n < 2000; n++) builder.add4(0xc6130000 + (i % 20) * 1000 + n, 32);
  return builder.build();
}
