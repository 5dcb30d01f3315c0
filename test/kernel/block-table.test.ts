// SPDX-License-Identifier: Apache-2.0
// The kernel's verdict on the blocklist against a naive reference: random prefixes that overlap, values, removals, expiry.

import t from 'tap';
import { formatAddress, formatPrefix, maskBytes, type Prefix } from '../../common/address.js';
import type { Kernel } from '../../engine/bpf/index.js';
import { BlockTable, type EntryColumns, type EntryValue, listSizes, packMeta } from '../../engine/lists/table/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { giveBack, take } from './support/bench-pool.js';
import { tcp } from './support/frames.js';
import { type NaiveEntry, NaiveList } from './support/naive-list.js';
import { Random } from './support/random.js';

const skip = whyUnprivileged() ?? false;
const DROP = 1;
t.setTimeout(300_000);

const frames = {
  4: tcp({ src: '192.0.2.1', dst: '198.51.100.2' }),
  6: tcp({ src: '2001:db8::1', dst: '2001:db8::2' }),
} as const;

/** A kernel with a table, the reference, and a clock. */
class Bench {
  readonly kernel: Kernel;
  readonly naive = new NaiveList();
  readonly random: Random;
  table: BlockTable;
  now = 1000;
  clockMs = 0;
  cases = 0;
  #packet = 0;

  constructor(seed: number, capacity4: number, capacity6: number) {
    this.random = new Random(seed);
    this.kernel = take({ replay: true, sizes: { ...listSizes({ capacity4, capacity6 }), ids_events: 4096 } });
    this.table = this.reopen();
  }

  reopen(): BlockTable {
    return (this.table = BlockTable.open(this.kernel.listMemory(), { clock: () => this.clockMs }));
  }

  /** Sends a packet from there; undefined if the kernel did as the reference says, else what differs. */
  differs(address: Uint8Array): string | undefined {
    this.cases++;
    const four = address[10] === 255 && address[11] === 255 && address.subarray(0, 10).every((byte) => byte === 0);
    const frame = frames[four ? 4 : 6];
    frame.set(four ? address.subarray(12) : address, 14 + (four ? 12 : 8));
    const { drop, entry } = this.naive.judge(address, this.now);
    const slot = entry === undefined ? -1 : this.table.find(entry.prefix);
    const before = slot < 0 ? 0 : this.table.hits(slot).packets;
    this.kernel.control.setClock(this.now * 1e9, ++this.#packet);
    const { verdict } = this.kernel.run(frame);
    const told = `${formatAddress(address)} at ${this.now}: ${entry ? formatPrefix(entry.prefix) : 'not listed'}`;
    if ((verdict === DROP) !== drop) return `${told}: ${drop ? 'missed' : 'dropped'}`;
    if (entry === undefined) return undefined;
    if (slot < 0) return `${told}: not in the table`;
    const { packets, lastSeen } = this.table.hits(slot);
    if (packets !== before + 1) return `${told}: ${packets - before} packets counted`;
    // In units of 2^32 ns.
    const unit = 2 ** 32 / 1e9;
    return lastSeen === Math.floor(Math.floor(this.now / unit) * unit) ? undefined : `${told}: last seen ${lastSeen}`;
  }

  /** Addresses in, beside and away from what is listed. */
  differences(count: number): string[] {
    const entries = this.naive.entries;
    const found: string[] = [];
    for (let i = 0; i < count; i++) {
      const { random } = this;
      const near = entries.length > 0 && random.below(8) > 0 ? random.pick(entries).prefix : undefined;
      const address = near === undefined ? random.address(random.below(2) === 0) : random.within(near);
      if (near !== undefined && random.below(4) === 0) random.flip(address, near);
      const difference = this.differs(address);
      if (difference !== undefined) found.push(difference);
    }
    return found;
  }

  value(): EntryValue {
    const { random, now } = this;
    const expires = random.below(3) > 0 ? 0 : now - 3 + random.below(12);
    return { expires, set: random.below(4), forced: random.below(8) === 0, alert: random.below(6) === 0 };
  }

  columns(entries: readonly NaiveEntry[]): EntryColumns {
    const four = entries.filter(({ prefix }) => isFour(prefix));
    const six = entries.filter(({ prefix }) => !isFour(prefix));
    const words = ({ bytes }: Prefix, from: number): number[] => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return [0, 4, 8, 12].slice(from).map((at) => view.getUint32(at));
    };
    return {
      addr4: Uint32Array.from(four.flatMap(({ prefix }) => words(prefix, 3))),
      len4: Uint8Array.from(four, ({ prefix }) => prefix.length - 96),
      meta4: Uint32Array.from(four, packMeta),
      expires4: Uint32Array.from(four, ({ expires }) => expires),
      addr6: Uint32Array.from(six.flatMap(({ prefix }) => words(prefix, 0))),
      len6: Uint8Array.from(six, ({ prefix }) => prefix.length),
      meta6: Uint32Array.from(six, packMeta),
      expires6: Uint32Array.from(six, ({ expires }) => expires),
    };
  }

  /** One random change, the same on both sides. */
  change(makePrefix: () => Prefix, room: number): void {
    const { random, naive, table } = this;
    const fresh = (count: number): NaiveEntry[] => {
      const made = new Map<string, NaiveEntry>();
      for (let i = 0; i < count; i++) {
        const entry = { prefix: makePrefix(), ...this.value() };
        made.set(formatPrefix(entry.prefix), entry);
      }
      return [...made.values()];
    };
    const some = (): NaiveEntry[] => naive.entries.filter(() => random.below(3) === 0);
    switch (random.below(10)) {
      case 0: {
        const batch = fresh(1 + random.below(20)).slice(0, Math.max(0, room - naive.size));
        const known = batch.filter(({ prefix }) => naive.has(prefix)).length;
        const result = table.putBatch(this.columns(batch));
        if (result.added !== batch.length - known) throw new Error('putBatch counts wrong');
        for (const { prefix, ...value } of batch) naive.put(prefix, value);
        break;
      }
      case 1: {
        const batch = [...some(), ...fresh(2)];
        const known = batch.filter(({ prefix }) => naive.delete(prefix)).length;
        if (table.deleteBatch(this.columns(batch)) !== known) throw new Error('deleteBatch counts wrong');
        break;
      }
      case 2: {
        const kept = some();
        const batch = [...new Map([...kept, ...fresh(6)].map((one) => [formatPrefix(one.prefix), one])).values()];
        const content = batch.slice(0, room);
        table.assign(this.columns(content));
        naive.clear();
        for (const { prefix, ...value } of content) naive.put(prefix, value);
        break;
      }
      case 3:
      case 4:
      case 5: {
        const target = naive.size > 0 ? random.pick(naive.entries).prefix : makePrefix();
        if (table.delete(target) !== naive.delete(target)) throw new Error('delete tells wrong');
        break;
      }
      default: {
        const prefix = naive.size > 0 && random.below(4) === 0 ? random.pick(naive.entries).prefix : makePrefix();
        if (naive.size >= room && !naive.has(prefix)) return;
        const value = this.value();
        table.put(prefix, value);
        naive.put(prefix, value);
      }
    }
  }
}

const isFour = ({ bytes, length }: Prefix): boolean =>
  length >= 96 && bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((byte) => byte === 0);

/** Runs changes and packets; the first differences. */
function compare(bench: Bench, makePrefix: () => Prefix, rounds: number, room: number, packets: number): string[] {
  for (let round = 0; round < rounds; round++) {
    bench.change(makePrefix, room);
    bench.clockMs += bench.random.below(1500);
    if (bench.random.below(6) === 0) bench.now += 1 + bench.random.below(3);
    if (bench.random.below(100) === 0) bench.reopen();
    const found = bench.differences(packets);
    if (found.length > 0) return [`round ${round} of seed ${bench.random.seed}`, ...found.slice(0, 5)];
    if (bench.random.below(50) === 0) {
      const { missing, foreign, index } = bench.table.check();
      if (missing + foreign + index > 0) return [`round ${round}: ${JSON.stringify({ missing, foreign, index })}`];
    }
  }
  return [];
}

interface Mix {
  readonly name: string;
  readonly capacity: number;
  readonly rounds: number;
  readonly prefix: (random: Random) => Prefix;
}

const host = (bytes: Uint8Array, length: number): Prefix => ({ bytes: maskBytes(bytes, length), length });
const four = (random: Random, fixed: number[], from: number, to: number): Prefix => {
  const bytes = random.address(true);
  bytes.set(fixed, 12);
  return host(bytes, 96 + from + random.below(to - from + 1));
};
const six = (random: Random, fixed: number[], from: number, to: number): Prefix => {
  const bytes = random.address(false);
  bytes.set(fixed, 0);
  return host(bytes, from + random.below(to - from + 1));
};

const mixes: readonly Mix[] = [
  { name: 'one /24 with every length', capacity: 600, rounds: 700, prefix: (r) => four(r, [192, 0, 2], 20, 32) },
  {
    name: 'some /24s, many hosts: full lines and long chains',
    capacity: 60,
    rounds: 700,
    prefix: (r) => four(r, [10, 0, r.below(3)], 30, 32),
  },
  { name: 'covers within covers', capacity: 200, rounds: 500, prefix: (r) => four(r, [172, 16 + r.below(2)], 9, 26) },
  {
    name: 'the shortest ones too',
    capacity: 60,
    rounds: 150,
    prefix: (r) => four(r, [10], r.below(20) === 0 ? 0 : 4, 32),
  },
  {
    name: 'one IPv6 /32 with every length',
    capacity: 600,
    rounds: 700,
    prefix: (r) => six(r, [32, 1, 13, 184, 0, 0, 0, r.below(2)], 30, 128),
  },
  {
    name: 'IPv6 covers',
    capacity: 200,
    rounds: 500,
    prefix: (r) => six(r, [32, 1, 13, r.below(256)], 8, 40),
  },
  {
    name: 'IPv6 many records in one line',
    capacity: 60,
    rounds: 700,
    prefix: (r) => six(r, [42, r.below(2), r.below(2), r.below(40)], 25, 64),
  },
  {
    name: 'both families at random',
    capacity: 400,
    rounds: 400,
    prefix: (r) =>
      r.below(2) === 0 ? four(r, [r.below(4), r.below(4)], 8, 32) : six(r, [32, r.below(4), r.below(4)], 8, 128),
  },
];

t.test('verdicts and hits equal those of the reference', { skip, timeout: 300_000 }, async (t) => {
  let cases = 0;
  for (const [i, { name, capacity, rounds, prefix }] of mixes.entries()) {
    const bench = new Bench(1 + i, capacity, capacity);
    try {
      const room = Math.min(bench.table.capacity4, bench.table.capacity6);
      t.same(
        compare(bench, () => prefix(bench.random), rounds, room, 12),
        [],
        name,
      );
      t.match(bench.table.check(), { missing: 0, foreign: 0, index: 0 }, `${name}: memory as it should be`);
      cases += bench.cases;
    } finally {
      giveBack(bench.kernel);
    }
  }
  t.ok(cases > 30_000, `${cases} packets judged`);
});
