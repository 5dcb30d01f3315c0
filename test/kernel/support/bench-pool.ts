// SPDX-License-Identifier: Apache-2.0
// Kernels of benches that were closed, to be taken again: to verify the programs takes longer than most tests do. What
// is taken again is as new: every shared table has the bytes that it had when it was made.

import { mapShapes, RulesetLayout } from '../../../common/abi.gen.js';
import {
  type BpfMap,
  datagramSizes,
  indexKey,
  Kernel,
  type KernelOptions,
  RingReader,
} from '../../../engine/bpf/index.js';
import { MapType } from '../../../engine/bpf/bpf-map.js';
import { flowSizes } from '../../../engine/flows/sizes.js';
import type { KernelSource } from '../../../engine/replay/replay.js';
import { forgetBlocklist } from './rules.js';

/** Tables of a size that a test can afford to make anew, or to wipe, each time. */
export const smallSizes = { ids_allowlist: 256, ...datagramSizes(16), ...flowSizes(4096) };

const NAMES = Object.keys(mapShapes);
/** Maps that are in rulesets' slots. */
const SLOTS = ['ids_rulesets', 'ids_addresses', 'ids_rule_counts', 'ids_pattern_sets'];
/** The maps of ListMemory, all of them empty as long as the root is. */
const isList = (name: string): boolean =>
  /^ids_(list_root|filter|any|mixed|front|entries|buckets6|length_sets|sets$)/.test(name);

const free = new Map<string, Kernel[]>();
const taken = new WeakSet<Kernel>();
const made = new WeakMap<Kernel, { readonly key: string; readonly control: Uint8Array }>();

/** A kernel as `Kernel.open` gives it; to be given back with `giveBack`. */
export function take(options: KernelOptions): Kernel {
  const key = JSON.stringify(options);
  const known = free.get(key)?.pop();
  const before = known && made.get(known);
  if (known && before) {
    wipe(known, before.control);
    taken.add(known);
    return known;
  }
  const kernel = Kernel.open(options);
  made.set(kernel, { key, control: controlOf(kernel).slice() });
  taken.add(kernel);
  return kernel;
}

/** Keeps a kernel for the next one who wants such a one, or closes it. Once: somebody else may have it then. */
export function giveBack(kernel: Kernel): void {
  const how = made.get(kernel);
  if (how !== undefined && !taken.delete(kernel)) throw new Error('this kernel was given back before');
  if (how === undefined || isClosed(kernel) || kernel.attachments().length > 0) return kernel.close();
  const others = free.get(how.key) ?? [];
  free.set(how.key, [...others, kernel]);
}

/** For replays one after the other in small tables. */
export const benchKernels: KernelSource = {
  take: (options) => take({ ...options, sizes: { ...smallSizes, ...options.sizes } }),
  giveBack,
};

/** Every byte of the shared tables, as far as they are not empty. */
export function contents(kernel: Kernel): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, view] of Object.entries(kernel.listMemory() as object)) {
    if (!(view instanceof Uint32Array || view instanceof Uint16Array)) continue;
    const words = wordsOf(view);
    if (words.length > 0) found[name] = words.join();
  }
  for (const name of NAMES) {
    const map = kernel.map(name);
    const { type, maxEntries } = map.info;
    if (type === MapType.RINGBUF || isList(name)) continue;
    const entries = isArray(type)
      ? dirty(map, maxEntries).map((at) => [indexKey(at), map.get(indexKey(at)) ?? new Uint8Array()])
      : SLOTS.includes(name)
        ? [0, 1].flatMap((at) => (map.get(indexKey(at)) === undefined ? [] : [[indexKey(at)]]))
        : [...map.entries()];
    if (entries.length > 0) found[name] = entries.flat().map(hex).join(' ');
  }
  return found;
}

function wordsOf(view: Uint32Array | Uint16Array): string[] {
  const words: string[] = [];
  for (let at = 0; at < view.length; at++) if (view[at] !== 0) words.push(`${at}:${view[at]}`);
  return words;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const isArray = (type: number): boolean => type === MapType.ARRAY || type === MapType.PERCPU_ARRAY;
const controlOf = (kernel: Kernel): Uint8Array => kernel.map('ids_control').get(indexKey(0)) ?? new Uint8Array();
const isZero = (kernel: Kernel, name: string): boolean => dirty(kernel.map(name), 1).length === 0;

function isClosed(kernel: Kernel): boolean {
  try {
    return kernel.map('ids_control').fd < 0;
  } catch {
    return true;
  }
}

function wipe(kernel: Kernel, control: Uint8Array): void {
  // The binding lets go of its rule set; then the slots are as if there had never been one.
  kernel.installRuleset({ blob: new Uint8Array(RulesetLayout.SIZE), addresses: new Uint8Array(0) }, 0);
  for (const name of SLOTS) for (const slot of [0, 1]) kernel.map(name).delete(indexKey(slot));
  if (!isZero(kernel, 'ids_list_root')) for (const view of Object.values(kernel.listMemory())) clear(view);
  // Cells of another epoch are free: where none was begun there is none.
  const counted = !isZero(kernel, 'ids_epoch');
  for (const name of NAMES) {
    const map = kernel.map(name);
    if (SLOTS.includes(name) || isList(name) || (name === 'ids_cells' && !counted)) continue;
    if (isArray(map.info.type)) zero(map);
    else if (map.info.type === MapType.RINGBUF) drain(kernel, name);
    else for (const key of [...map.entries()].map(([one]) => one.slice())) map.delete(key);
  }
  kernel.map('ids_control').put(indexKey(0), control);
  forgetBlocklist(kernel);
}

/** Places of an array whose value is not all zero. */
function dirty(map: BpfMap, count: number): number[] {
  const bytes = map.array(count);
  const size = map.valueBytes;
  const words = new BigUint64Array(bytes.buffer, 0, Math.floor(bytes.length / 8));
  const found = new Set<number>();
  for (let at = words.length * 8; at < bytes.length; at++) if (bytes[at] !== 0) found.add(Math.floor(at / size));
  for (let n = 0; n < words.length; n++) {
    if (words[n] === 0n) continue;
    // A word may lie in two values.
    for (let at = n * 8; at < n * 8 + 8; at++) if (bytes[at] !== 0) found.add(Math.floor(at / size));
  }
  return [...found];
}

function clear(view: unknown): void {
  if (view instanceof Uint32Array || view instanceof Uint16Array) view.fill(0);
}

function zero(map: BpfMap): void {
  const places = dirty(map, map.info.maxEntries);
  if (places.length === 0) return;
  map.putBatch(new Uint8Array(Uint32Array.from(places).buffer), new Uint8Array(places.length * map.valueBytes));
}

function drain(kernel: Kernel, name: string): void {
  const reader = RingReader.open(name === 'ids_events' ? kernel.rings.events : kernel.rings.bulk);
  reader.drain(() => undefined);
  reader.close();
}
