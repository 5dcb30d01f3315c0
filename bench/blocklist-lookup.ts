// SPDX-License-Identifier: Apache-2.0
// Nanoseconds a look into the blocklist, beside the kernel's LPM trie and hash with the same entries, in alternating rounds.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { abiHash, ControlFlag } from '../common/abi.gen.js';
import { DEFAULT_PIN_DIR, Kernel } from '../engine/bpf/index.js';
import { BlockTable, CAPACITY, type EntryColumns, listSizes } from '../engine/lists/table/index.js';
import { tcp } from '../test/kernel/support/frames.js';
import { LookupProgram, Mode, VALUE_BYTES } from './lookup-program.js';
import { mixed4, mixed6, randomWords, sources, toWire } from './prefix-mix.js';
import { median, print, type Row } from './report.js';

export interface LookupOptions {
  readonly entries4?: number;
  readonly entries6?: number;
  readonly rounds?: number;
}

/** What one structure costs on one kind of source: nanoseconds a packet, and the share of the sources that it held. */
export interface LookupFigure {
  readonly what: string;
  readonly family: 4 | 6;
  readonly mode: Mode;
  readonly listed: boolean;
  readonly ns: number;
  readonly found: number;
}

const END = 0xffff_0000;
const names = ['floor: parse and drop', 'blocklist', "kernel's LPM trie", "kernel's hash", 'whole program'] as const;

/** Entries of both families with an end far ahead, so that its check is part of what is measured. */
export function randomEntries(count4: number, count6: number, seed = 1): EntryColumns {
  const next = randomWords(seed);
  return {
    ...mixed4(count4, next),
    ...mixed6(count6, next),
    meta4: new Uint32Array(count4),
    meta6: new Uint32Array(count6),
    expires4: new Uint32Array(count4).fill(END),
    expires6: new Uint32Array(count6).fill(END),
  };
}

function values(count: number): Uint8Array {
  const words = new Uint32Array((count * VALUE_BYTES) / 4);
  for (let i = 0; i < count; i++) words[(i * VALUE_BYTES) / 4] = END;
  return new Uint8Array(words.buffer);
}

/** Keys of a trie (length, then address) or of a hash (address alone, of whole addresses alone). */
function keys(entries: EntryColumns, family: 4 | 6, trie: boolean): Uint8Array {
  const words = family === 4 ? 1 : 4;
  const [addr, len] = family === 4 ? [entries.addr4, entries.len4] : [entries.addr6, entries.len6];
  const out: number[] = [];
  for (let i = 0; i < len.length; i++) {
    if (!trie && len[i] !== 32 * words) continue;
    if (trie) out.push(len[i] ?? 0);
    for (let word = 0; word < words; word++) out.push(toWire(addr[words * i + word] ?? 0));
  }
  return new Uint8Array(Uint32Array.from(out).buffer);
}

function fill(program: LookupProgram, mode: Mode, entries: EntryColumns): void {
  for (const family of [4, 6] as const) {
    const words = family === 4 ? 1 : 4;
    if (mode === Mode.TRIE) {
      const bytes = keys(entries, family, true);
      program.map(`bench_trie${family}`).putBatch(bytes, values(bytes.length / 4 / (words + 1)));
    } else if (mode === Mode.HASH) {
      const bytes = keys(entries, family, false);
      program.map(`bench_hash${family}`).putBatch(bytes, values(bytes.length / 4 / words));
    }
  }
}

const frames = {
  4: tcp({ src: '192.0.2.1', dst: '198.51.100.2', payload: new Uint8Array(64) }),
  6: tcp({ src: '2001:db8::1', dst: '2001:db8::2', payload: new Uint8Array(64) }),
} as const;

/** Every structure on every kind of source, in alternating rounds; medians. */
export function measureLookups(o: LookupOptions = {}): LookupFigure[] {
  const { entries4 = 1_000_000, entries6 = 200_000, rounds = 5 } = o;
  const entries = randomEntries(entries4, entries6);
  const pinDir = `${DEFAULT_PIN_DIR}-bench-${randomUUID().slice(0, 8)}`;
  const kernel = Kernel.open({ pinDir, sizes: listSizes(CAPACITY) });
  const open: LookupProgram[] = [];
  try {
    kernel.control.update({ flags: ControlFlag.CONTROL_CUTS, blockedRate: 1, sourceRate: 1000, ruleRate: 5000 });
    BlockTable.open(kernel.listMemory()).putBatch(entries);
    const programs = Object.values(Mode).map((mode) => {
      const program = LookupProgram.load(mode, join(pinDir, abiHash));
      open.push(program);
      fill(program, mode, entries);
      return { mode, program };
    });
    const figures: LookupFigure[] = [];
    for (const family of [4, 6] as const) {
      for (const listed of [false, true]) {
        const hosts = hostsOf(entries, family);
        for (const { mode, program } of programs) {
          // The hash holds whole addresses alone: it is asked for those.
          const list = mode === Mode.HASH ? hosts : hostsAndNets(entries, family);
          program.setSources(sources(family, randomWords(2), listed ? list : undefined));
        }
        const samples = programs.map((): number[] => []);
        const found = programs.map(() => 0);
        for (let round = 0; round <= rounds; round++) {
          programs.forEach(({ program }, i) => {
            const run = program.run(frames[family]);
            // The first round warms up.
            if (round > 0) samples[i]?.push(run.ns);
            found[i] = run.found;
          });
        }
        programs.forEach(({ mode }, i) => {
          const ns = median(samples[i] ?? []);
          figures.push({ what: names[mode], family, mode, listed, ns, found: found[i] ?? 0 });
        });
      }
    }
    return figures;
  } finally {
    for (const program of open) program.close();
    kernel.close();
    Kernel.detachAll(pinDir);
  }
}

interface List {
  readonly addr: Uint32Array;
  readonly length: Uint8Array;
}

function hostsAndNets(entries: EntryColumns, family: 4 | 6): List {
  return family === 4 ? { addr: entries.addr4, length: entries.len4 } : { addr: entries.addr6, length: entries.len6 };
}

function hostsOf(entries: EntryColumns, family: 4 | 6): List {
  const { addr, length } = hostsAndNets(entries, family);
  const words = family === 4 ? 1 : 4;
  const picked: number[] = [];
  for (let i = 0; i < length.length; i++)
    if (length[i] === 32 * words) for (let word = 0; word < words; word++) picked.push(addr[words * i + word] ?? 0);
  const hosts = Uint32Array.from(picked);
  return { addr: hosts, length: new Uint8Array(hosts.length / words).fill(32 * words) };
}

export function benchBlocklistLookup(o: LookupOptions = {}): void {
  const figures = measureLookups(o);
  const rows = figures.map((figure): Row => {
    const floor = figures.find(
      ({ mode, family, listed }) => mode === Mode.FLOOR && family === figure.family && listed === figure.listed,
    );
    const above = figure.ns - (floor?.ns ?? NaN);
    const kind = `IPv${figure.family}, random ${figure.listed ? 'listed' : 'unlisted'} sources`;
    return {
      what: `${kind}: ${figure.what}`,
      figure: `${figure.ns.toFixed(0)} ns`,
      ratio:
        figure.mode === Mode.FLOOR ? '' : `floor + ${above.toFixed(0)} ns (${(100 * figure.found).toFixed(0)} % found)`,
    };
  });
  print(
    `Nanoseconds a packet with ${o.entries4 ?? 1_000_000} IPv4 and ${o.entries6 ?? 200_000} IPv6 prefixes (median of alternating rounds)`,
    rows,
  );
}
