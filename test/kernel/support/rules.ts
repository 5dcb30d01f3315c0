// SPDX-License-Identifier: Apache-2.0
// Rules, lists and settings on a bench.

import { AllowKind, AllowLayout, ControlFlag, CutKeyLayout, CutLayout } from '../../../common/abi.gen.js';
import { parseAddress, parsePrefix } from '../../../common/address.js';
import type { Kernel } from '../../../engine/bpf/index.js';
import { BlockTable } from '../../../engine/lists/table/index.js';
import { type Compilation, compileRules } from '../../../rules/index.js';
import type { Rig } from './rig.js';

export const vars = { HOME_NET: '10.0.0.0/8,2001:db8::/32', EXTERNAL_NET: '!$HOME_NET' };

/** Compiles and installs; throws on any problem, so that a test never runs with other rules than it names. */
export function install(rig: Rig, lines: string | readonly string[], generation = 1, thresholds = ''): Compilation {
  const text = [lines].flat().join('\n');
  const compiled = compileRules([{ file: 'test.rules', text }], {
    addressVars: { HOME_NET: `[${vars.HOME_NET}]`, EXTERNAL_NET: vars.EXTERNAL_NET },
    portVars: {},
    redact: [],
    addressRules: 'inline',
    thresholds: { file: 'threshold.config', text: thresholds },
  });
  const [problem] = compiled.problems;
  if (problem) throw new Error(`${problem.line}:${problem.column} ${problem.cause}`);
  rig.kernel.installRuleset(compiled.ruleset, generation);
  return compiled;
}

/** Rules as [position, sid] pairs, to name what an event's rule number means. */
export function sidsOf(compiled: Compilation): (position: number) => number | undefined {
  const sids = new Map(compiled.rules.flatMap(({ positions, sid }) => positions.map((at) => [at, sid] as const)));
  return (position) => sids.get(position);
}

export function setFlags(rig: Rig, ...flags: (keyof typeof ControlFlag)[]): void {
  rig.kernel.control.update({ flags: flags.reduce((bits, name) => bits | ControlFlag[name], 0) });
}

export interface BlockPart {
  readonly expires?: number;
  readonly origin?: number;
  readonly forced?: boolean;
  readonly alert?: boolean;
}

const tables = new WeakMap<Kernel, BlockTable>();

/** The blocklist of a kernel, opened once. */
export function blocklistOf(kernel: Kernel): BlockTable {
  const known = tables.get(kernel) ?? BlockTable.open(kernel.listMemory());
  tables.set(kernel, known);
  return known;
}

/** What is known of a kernel's blocklist is not so any more. */
export function forgetBlocklist(kernel: Kernel): void {
  tables.delete(kernel);
}

/** Lists a prefix; the set that it is listed under has one origin of the same number. */
export function block({ kernel }: { kernel: Kernel }, prefix: string, o: BlockPart = {}): void {
  const table = blocklistOf(kernel);
  const { expires = 0, origin = 0, forced = false, alert = false } = o;
  table.writeSet(origin, origin);
  table.put(parsePrefix(prefix), { expires, set: origin, forced, alert });
}

/** Packets and last seen of an entry. */
export function hitsOf({ kernel }: { kernel: Kernel }, prefix: string): { packets: number; lastSeen: number } {
  const table = blocklistOf(kernel);
  return table.hits(table.find(parsePrefix(prefix)));
}

export function allow(rig: Rig, prefix: string, ...kinds: (keyof typeof AllowKind)[]): void {
  const value = new Uint8Array(AllowLayout.SIZE);
  new DataView(value.buffer).setUint32(
    AllowLayout.kind,
    kinds.reduce((bits, kind) => bits | AllowKind[kind], 0),
    true,
  );
  rig.kernel.allowlist.put(parsePrefix(prefix), value);
}

/** The key of a flow; the first end is the one that comes first in canonical order. */
export function cut(rig: Rig, ends: readonly [[string, number], [string, number]], proto: number, expires = 0): void {
  const key = new Uint8Array(CutKeyLayout.SIZE);
  const view = new DataView(key.buffer);
  ends.forEach(([address, port], i) => {
    key.set(parseAddress(address), CutKeyLayout.addr + 16 * i);
    view.setUint16(CutKeyLayout.port + 2 * i, port);
  });
  view.setUint8(CutKeyLayout.proto, proto);
  const value = new Uint8Array(CutLayout.SIZE);
  new DataView(value.buffer).setUint32(CutLayout.expires, expires, true);
  rig.kernel.cuts.put(key, value);
}
