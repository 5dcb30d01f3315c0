// SPDX-License-Identifier: Apache-2.0
// Keys in the columns of the enforced table.

import type { Prefix } from '../../../common/address.js';
import type { BatchBuilder } from '../batch-builder.js';
import type { EntryColumns, PrefixColumns } from '../table/index.js';
import { keyOf, noKeys4, noKeys6, type Keys } from './keys.js';

const none = new Uint32Array(0);

/** Adds one prefix to a batch. */
export function addPrefix(builder: BatchBuilder, prefix: Prefix): void {
  const { words, addr, len } = keyOf(prefix);
  const [a = 0, b = 0, c = 0, d = 0] = addr;
  if (words === 1) builder.add4(a, len[0] ?? 0);
  else builder.add6(a, b, c, d, len[0] ?? 0);
}

/** Prefixes of one family as the table takes them. */
export function prefixColumns(keys: Keys): PrefixColumns {
  const { four, six } = keys.words === 1 ? { four: keys, six: noKeys6 } : { four: noKeys4, six: keys };
  return { addr4: four.addr, len4: four.len, addr6: six.addr, len6: six.len };
}

/** Entries of one family as the table takes them. */
export function entryColumns(keys: Keys, meta: Uint32Array, expires: Uint32Array): EntryColumns {
  return keys.words === 1
    ? { ...prefixColumns(keys), meta4: meta, expires4: expires, meta6: none, expires6: none }
    : { ...prefixColumns(keys), meta4: none, expires4: none, meta6: meta, expires6: expires };
}
