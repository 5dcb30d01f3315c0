// SPDX-License-Identifier: Apache-2.0
// The meta word of an entry as bpf/abi.h lays it out: length, used bit, flags, origin set.

import { EntryBit } from '../../../common/abi.gen.js';
import type { EntryValue } from './types.js';

/** Set, forced and alert as one word, without length and used bit. */
export function packMeta(value: Pick<EntryValue, 'set' | 'forced' | 'alert'>): number {
  const flags = (value.forced ? EntryBit.ENTRY_FORCED : 0) | (value.alert ? EntryBit.ENTRY_ALERT : 0);
  return ((value.set << EntryBit.ENTRY_SET_SHIFT) | flags) >>> 0;
}

export function unpackMeta(meta: number): Pick<EntryValue, 'set' | 'forced' | 'alert'> {
  return {
    set: meta >>> EntryBit.ENTRY_SET_SHIFT,
    forced: (meta & EntryBit.ENTRY_FORCED) !== 0,
    alert: (meta & EntryBit.ENTRY_ALERT) !== 0,
  };
}
