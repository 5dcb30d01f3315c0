// SPDX-License-Identifier: Apache-2.0
// A blocklist with everything around it on tables in memory and a clock that a test turns.

import { parsePrefix, type Prefix } from '../../../../common/address.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { keyOf } from '../../../../engine/lists/claims/keys.js';
import {
  Allowlist,
  Blocklist,
  Guard,
  MemoryTables,
  type MemoryCapacity,
  openListStore,
  type Clock,
  type Exemption,
} from '../../../../engine/lists/index.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';

export class FakeClock implements Clock {
  wall = Date.UTC(2026, 0, 1) / 1000;
  boot = 5000;

  wallMs(): number {
    return this.wall * 1000;
  }

  bootSeconds(): number {
    return this.boot;
  }

  advance(seconds: number): void {
    this.wall += seconds;
    this.boot += seconds;
  }
}

export interface FixtureOptions {
  file?: string;
  clock?: FakeClock;
  tables?: MemoryTables;
  capacity?: MemoryCapacity;
  configured?: string[];
  exemptions?: [string, string][];
  sshPeer?: string;
  established?: (address: Uint8Array) => boolean;
}

export function fixture(options: FixtureOptions = {}) {
  const clock = options.clock ?? new FakeClock();
  const tables = options.tables ?? new MemoryTables(options.capacity);
  const store = openListStore(options.file ?? ':memory:');
  const configured = (options.configured ?? []).map((text) => parsePrefix(text));
  const allowlist = Allowlist.open({ table: tables.allowlist, store, clock, configured });
  const exemptions = { current: options.exemptions ?? [] };
  const guard = new Guard({
    allowlist,
    clock,
    exemptions: (): Exemption[] => exemptions.current.map(([text, label]) => ({ prefix: parsePrefix(text), label })),
    sshPeer: options.sshPeer,
    ...(options.established ? { established: options.established } : {}),
  });
  const blocklist = Blocklist.open({ tables, store, clock, allowlist, guard });
  const close = (): void => {
    blocklist.close();
    guard.close();
    store.close();
  };
  return { clock, tables, store, allowlist, exemptions, guard, blocklist, close };
}

export const prefixes = (...texts: string[]) => texts.map((text) => parsePrefix(text));

/** Prefixes that the table holds. */
export const enforced = ({ tables }: Pick<ReturnType<typeof fixture>, 'tables'>): number =>
  tables.blocklist.size4 + tables.blocklist.size6;

/** The kernel's verdict on a packet from an address now. */
export function judged(f: Pick<ReturnType<typeof fixture>, 'tables' | 'clock'>, address: string): boolean {
  return f.tables.judge(address, f.clock.boot);
}

/** Numbers from 0 to `below` - 1, the same in every run. */
export function randomizer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Prefixes as a batch. */
export function batchOf(list: readonly Prefix[]): PrefixBatch {
  const builder = new BatchBuilder();
  for (const prefix of list) {
    const { words, addr, len } = keyOf(prefix);
    const [a = 0, b = 0, c = 0, d = 0] = addr;
    if (words === 1) builder.add4(a, len[0] ?? 0);
    else builder.add6(a, b, c, d, len[0] ?? 0);
  }
  return builder.build();
}

/** Every entry as prefix and origin. */
export const texts = (f: ReturnType<typeof fixture>): string[] =>
  f.blocklist.list().map((entry) => `${entry.prefix} ${entry.origin}`);
