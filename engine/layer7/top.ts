// SPDX-License-Identifier: Apache-2.0
// The kernel's aggregates of HTTP by value, in words.

import { TopKind, TopLayout as L, TopLimit, TopSetLayout } from '../../common/abi.gen.js';
import { printable } from '../../alerts/index.js';
import type { BpfMap } from '../bpf/index.js';
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
const { TOP_WAYS: WAYS, TOP_BUCKETS: BUCKETS, TOP_EPOCH: EPOCH } = TopLimit;

/** The maps ids_top_sets and ids_top, and the epoch that counts. */
export interface TopTables {
  readonly sets: Uint8Array;
  readonly values: Uint8Array;
  readonly epoch: number;
}

/** Both tables as they are now. */
export function readTop(map: (name: string) => Pick<BpfMap, 'array' | 'info'>, epoch: number): TopTables {
  const all = (name: string): Uint8Array => map(name).array(map(name).info.maxEntries);
  return { sets: all('ids_top_sets'), values: all('ids_top'), epoch };
}

/** Figures of one value. */
class Figures {
  requests = 0;
  latencyUs = 0;
  readonly status = CLASSES.map(() => 0);
  readonly latency = new Array<number>(BUCKETS).fill(0);

  add(view: DataView, requests: number): void {
    const long = (at: number): number => Number(view.getBigUint64(at, true));
    this.requests += requests;
    this.latencyUs += long(L.latencyUs);
    for (let i = 0; i < CLASSES.length; i++) this.status[i] = (this.status[i] ?? 0) + long(L.status + 8 * i);
    for (let i = 0; i < BUCKETS; i++)
      this.latency[i] = (this.latency[i] ?? 0) + view.getUint32(L.latency + 4 * i, true);
  }

  row(value: string): TopRow {
    const { requests, status, latency, latencyUs } = this;
    const measured = latency.reduce((sum, count) => sum + count, 0);
    const row = {
      value,
      requests,
      responses: status.reduce((sum, count) => sum + count, 0),
      status: Object.fromEntries(CLASSES.map((name, i) => [name, status[i] ?? 0] as const).filter(([, n]) => n > 0)),
    };
    if (measured === 0) return row;
    return {
      ...row,
      latencyMeanUs: Math.round(latencyUs / measured),
      latencyP50Us: quantile(latency, 0.5 * measured),
      latencyP95Us: quantile(latency, 0.95 * measured),
      latencyP99Us: quantile(latency, 0.99 * measured),
    };
  }
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

/** The rows of one kind, the most requests first. @param index of TOP_HEADER: headerNumber() of its name */
export function topRows({ sets, values, epoch }: TopTables, kind: number, index: number, limit: number): TopRow[] {
  const keys = new DataView(sets.buffer, sets.byteOffset, sets.byteLength);
  const found = new Map<string, Figures>();
  for (let at = 0; at * L.SIZE < values.length; at++) {
    const set = Math.floor(at / WAYS) * TopSetLayout.SIZE + 8 * (at % WAYS);
    const key = keys.getUint32(set + TopSetLayout.key, true);
    const view = new DataView(values.buffer, values.byteOffset + at * L.SIZE, L.SIZE);
    // A key that is being written has the bits of no epoch beside it.
    if (key <= EPOCH || (key & EPOCH) !== (epoch & EPOCH) || view.getUint32(L.kind, true) !== kind) continue;
    if (kind === TopKind.TOP_HEADER && view.getUint32(L.index, true) !== index) continue;
    const from = at * L.SIZE + L.text;
    const text = printable(values.subarray(from, from + view.getUint8(L.length)));
    const figures = found.get(text) ?? new Figures();
    // What two processors met first at once may have two places, as values have that differ behind where they are cut.
    figures.add(view, Number(keys.getBigUint64(set + TopSetLayout.count, true)));
    found.set(text, figures);
  }
  const rows = [...found].map(([text, figures]) => figures.row(text));
  return rows.sort((a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1)).slice(0, limit);
}
