// SPDX-License-Identifier: Apache-2.0
// Counters of the programs, summed over the CPUs.

import { HitsLayout, readHits, readVerdictCount, VerdictCountLayout } from '../../common/abi.gen.js';
import { type BpfMap, cpus, indexKey } from './bpf-map.js';

export interface VerdictCount {
  /** enum ids_reason */
  readonly reason: number;
  readonly packets: number;
  readonly bytes: number;
  /** Of these packets: passed in monitor mode though the reason says dropped. */
  readonly would: number;
}

export interface Hits {
  readonly packets: number;
  readonly bytes: number;
  /** Nanoseconds of now(); 0 = never. */
  readonly lastSeen: number;
}

/** The terminal reasons that have a packet. */
export function readVerdicts(map: BpfMap): VerdictCount[] {
  const view = new DataView(map.array(map.info.maxEntries).buffer);
  const out: VerdictCount[] = [];
  for (let reason = 0; reason < map.info.maxEntries; reason++) {
    const sum = { reason, packets: 0, bytes: 0, would: 0 };
    for (let cpu = 0; cpu < cpus(); cpu++) {
      const one = readVerdictCount(view, (reason * cpus() + cpu) * VerdictCountLayout.SIZE);
      sum.packets += one.packets;
      sum.bytes += one.bytes;
      sum.would += one.would;
    }
    if (sum.packets > 0) out.push(sum);
  }
  return out;
}

/** A per-CPU array of u64, by index. */
export function readCounts(map: BpfMap): number[] {
  const values = new BigUint64Array(map.array(map.info.maxEntries).buffer);
  return Array.from({ length: map.info.maxEntries }, (_, index) => {
    let sum = 0n;
    for (let cpu = 0; cpu < cpus(); cpu++) sum += values[index * cpus() + cpu] ?? 0n;
    return Number(sum);
  });
}

export function readOriginHits(map: BpfMap, index: number): Hits {
  const bytes = map.get(indexKey(index));
  const sum = { packets: 0, bytes: 0, lastSeen: 0 };
  if (bytes === undefined) return sum;
  const view = new DataView(bytes.buffer);
  for (let cpu = 0; cpu < cpus(); cpu++) {
    const one = readHits(view, cpu * HitsLayout.SIZE);
    sum.packets += one.packets;
    sum.bytes += one.bytes;
    sum.lastSeen = Math.max(sum.lastSeen, one.lastSeen);
  }
  return sum;
}
