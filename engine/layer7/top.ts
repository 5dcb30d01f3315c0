// SPDX-License-Identifier: Apache-2.0
// The kernel's aggregates of HTTP by value, in words.

import { TopKeyLayout, TopKind, TopLayout as L } from '../../common/abi.gen.js';
import { printable } from '../../alerts/index.js';
import type { TopBy, TopRow } from '../api/layer7-api.js';

export const topKinds: Readonly<Record<TopBy, number>> = {
  user_agent: TopKind.TOP_USER_AGENT,
  host: TopKind.TOP_HOST,
  path: TopKind.TOP_PATH,
  status: TopKind.TOP_STATUS,
  method: TopKind.TOP_METHOD,
  header: TopKind.TOP_HEADER,
};

const CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];
const BUCKETS = 32;

function rowOf(value: Uint8Array): TopRow {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  const status: Record<string, number> = {};
  CLASSES.forEach((name, i) => {
    const count = long(L.status + 8 * i);
    if (count > 0 && i > 0) status[name] = count;
  });
  const buckets = Array.from({ length: BUCKETS }, (_, i) => view.getUint32(L.latency + 4 * i, true));
  const measured = buckets.reduce((sum, count) => sum + count, 0);
  const row = {
    value: printable(value.subarray(L.text, L.text + view.getUint8(L.length))),
    requests: long(L.requests),
    responses: long(L.responses),
    status,
  };
  if (measured === 0) return row;
  return {
    ...row,
    latencyMeanUs: Math.round(long(L.latencyUs) / measured),
    latencyP50Us: quantile(buckets, 0.5 * measured),
    latencyP95Us: quantile(buckets, 0.95 * measured),
    latencyP99Us: quantile(buckets, 0.99 * measured),
  };
}

/** Upper bound of the bucket in which the `rank`-th of all lies: bucket n goes up to 2^(n+1) - 1 microseconds. */
function quantile(buckets: readonly number[], rank: number): number {
  let sum = 0;
  for (let i = 0; i < buckets.length; i++) {
    sum += buckets[i] ?? 0;
    if (sum >= rank) return 2 ** (i + 1) - 1;
  }
  return 0;
}

/** The rows of one kind, the most requests first. @param index of TOP_HEADER: which one */
export function topRows(
  entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  kind: number,
  index: number,
  limit: number,
): TopRow[] {
  const rows: TopRow[] = [];
  for (const [key, value] of entries) {
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    if (view.getUint32(TopKeyLayout.kind, true) !== kind) continue;
    if (kind === TopKind.TOP_HEADER && view.getUint32(TopKeyLayout.index, true) !== index) continue;
    rows.push(rowOf(value));
  }
  const most = (row: TopRow): number => Math.max(row.requests, row.responses);
  return rows.sort((a, b) => most(b) - most(a) || (a.value < b.value ? -1 : 1)).slice(0, limit);
}
