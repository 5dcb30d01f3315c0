// SPDX-License-Identifier: Apache-2.0
// The entries of address rules in a table of their own: what the blocklist service makes of them, without the service.

import { Limit } from '../../common/abi.gen.js';
import type { AddressList } from '../../rules/index.js';
import { packMeta, type EnforcedTable, type EntryColumns, type ListCapacity } from '../lists/table/index.js';

/** Room for every prefix of the lists. */
export function capacityFor(lists: readonly AddressList[]): ListCapacity {
  const sum = (of: (list: AddressList) => number): number => lists.reduce((total, list) => total + of(list), 0);
  return {
    capacity4: Math.max(
      1,
      sum(({ prefixes }) => prefixes.len4.length),
    ),
    capacity6: Math.max(
      1,
      sum(({ prefixes }) => prefixes.len6.length),
    ),
  };
}

/** Rules beyond the counters of the kernel share the last number. */
const numberOf = (index: number): number => Math.min(index + 1, Limit.ORIGINS - 1);

function entriesOf(lists: readonly AddressList[]): EntryColumns {
  const { capacity4, capacity6 } = capacityFor(lists);
  const columns = {
    addr4: new Uint32Array(capacity4),
    len4: new Uint8Array(capacity4),
    meta4: new Uint32Array(capacity4),
    addr6: new Uint32Array(4 * capacity6),
    len6: new Uint8Array(capacity6),
    meta6: new Uint32Array(capacity6),
  };
  let [four, six] = [0, 0];
  // Of a prefix that comes twice the last one counts: a drop wins over an alert.
  for (const wanted of ['alert', 'drop'] as const) {
    lists.forEach(({ action, prefixes }, index) => {
      if (action !== wanted) return;
      const meta = packMeta({ set: numberOf(index), forced: false, alert: action === 'alert' });
      const [to4, to6] = [four + prefixes.len4.length, six + prefixes.len6.length];
      columns.addr4.set(prefixes.addr4, four);
      columns.len4.set(prefixes.len4, four);
      columns.meta4.fill(meta, four, to4);
      columns.addr6.set(prefixes.addr6, 4 * six);
      columns.len6.set(prefixes.len6, six);
      columns.meta6.fill(meta, six, to6);
      [four, six] = [to4, to6];
    });
  }
  return {
    addr4: columns.addr4.subarray(0, four),
    len4: columns.len4.subarray(0, four),
    meta4: columns.meta4.subarray(0, four),
    expires4: new Uint32Array(four),
    addr6: columns.addr6.subarray(0, 4 * six),
    len6: columns.len6.subarray(0, six),
    meta6: columns.meta6.subarray(0, six),
    expires6: new Uint32Array(six),
  };
}

/** Fills an empty table. Gives the origins by number, as events carry them. */
export function loadAddressLists(table: EnforcedTable, lists: readonly AddressList[]): (number: number) => string {
  lists.forEach((_, index) => table.writeSet(numberOf(index), numberOf(index)));
  if (lists.length > 0) table.putBatch(entriesOf(lists));
  return (number) => (number === Limit.ORIGINS - 1 ? 'other' : (lists[number - 1]?.origin ?? 'unknown'));
}
