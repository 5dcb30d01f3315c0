// SPDX-License-Identifier: Apache-2.0
// How large the tables are that have an entry a flow.

import { FlowLimit } from '../../common/abi.gen.js';

const WAYS = FlowLimit.FLOW_WAYS;
const MIN_BUCKETS = 16;

/** Tables that are indexed by flow, whoever owns them. */
const perFlow = ['ids_flows', 'ids_flow_orders', 'ids_l7_flows'] as const;

/** Entries of the kernel's tables for that many flows, rounded up to what the table takes: a power of two. */
export function flowSizes(flows: number): Record<string, number> {
  let buckets = MIN_BUCKETS;
  while (buckets * WAYS < flows) buckets *= 2;
  return { ids_flow_tags: buckets, ...Object.fromEntries(perFlow.map((name) => [name, buckets * WAYS])) };
}
