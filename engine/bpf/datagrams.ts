// SPDX-License-Identifier: Apache-2.0
// The pool of datagrams that fragments are put together in.

import { Limit } from '../../common/abi.gen.js';

/** Map sizes for at least so many datagrams: the sets are a power of two. */
export function datagramSizes(datagrams: number): Record<string, number> {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(1, datagrams / Limit.DATAGRAM_WAYS)));
  return { ids_datagrams: sets * Limit.DATAGRAM_WAYS, ids_datagram_sets: sets };
}
