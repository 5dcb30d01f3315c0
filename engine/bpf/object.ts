// SPDX-License-Identifier: Apache-2.0
// The BPF object file: compared with our ABI, configured, loaded. What libbpf would print goes nowhere; the verifier's
// words are taken from a buffer of ours.

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { abi, abiHash } from '../../common/abi.gen.js';
import { IdsError, messageOf } from '../../common/errors.js';
import { mapInfo, MapType } from './bpf-map.js';
import { Btf } from './btf.js';
import { callFailed, check, checkPointer, closeFds, E, errnoOf } from './check.js';
import { abiFacts, type AbiFacts, isSharedMap, type MapFacts } from './facts.js';
import { libbpf, optSize, viewOf } from './native.js';
import { adoptPrograms, pinPrograms, wantedEntries } from './pinned-programs.js';

export const DEFAULT_OBJECT = join(import.meta.dirname, '../../bpf/ids.bpf.o');

const LOG_SIZE = 1 << 20;
const LOG_TAIL = 4000;

/** The first difference between two trees of facts, as path and the two values. */
function firstDifference(expected: unknown, found: unknown, path: string): [string, string, string] | undefined {
  if (Object.is(expected, found)) return undefined;
  const object = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!object(expected) || !object(found))
    return [path, JSON.stringify(expected) ?? 'nothing', JSON.stringify(found) ?? 'nothing'];
  for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const difference = firstDifference(expected[key], found[key], path === '' ? key : `${path}.${key}`);
    if (difference) return difference;
  }
  return undefined;
}

/** @throws IdsError ABI_MISMATCH naming the struct, enum or map, the field, and both values. */
export function compareFacts(found: AbiFacts, file: string): void {
  const difference = firstDifference(abi, found, '');
  if (difference === undefined) return;
  const [path, ours, theirs] = difference;
  const [, name = '', field = ''] = path.split('.').filter((part) => part !== 'fields');
  const message = `${file} was built from other sources: ${name}${field === '' ? '' : `.${field}`} is ${theirs} there, ${ours} here; build both anew`;
  throw new IdsError('ABI_MISMATCH', message, { details: { name, field, expected: ours, found: theirs, abiHash } });
}

export interface LoadOptions {
  readonly file: string;
  /** The programs that are run and attached; others of the object are not loaded. */
  readonly programs: readonly string[];
  /** Maps are pinned and looked for here; undefined: nothing is pinned. */
  readonly pinPath: string | undefined;
  /** The programs are pinned too, and those that an earlier run pinned are taken if they are the same. */
  readonly pinPrograms?: boolean;
  /** `const volatile` settings of the programs by name. */
  readonly settings: Readonly<Record<string, number>>;
  /** Entries of maps by name, instead of what the object says. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** A loaded object: it owns the descriptors of its programs and maps. */
export class LoadedObject {
  readonly maps: ReadonlyMap<string, number>;
  /** By name. */
  readonly programs: ReadonlyMap<string, number>;
  /** Pinned maps of an earlier run were reused. */
  readonly adopted: boolean;
  /** Maps whose pinned size differs from the one that was asked for. */
  readonly kept: readonly string[];
  #release: (() => void) | undefined;

  private constructor(parts: Pick<LoadedObject, 'maps' | 'programs' | 'adopted' | 'kept'>, release: () => void) {
    this.maps = parts.maps;
    this.programs = parts.programs;
    this.adopted = parts.adopted;
    this.kept = parts.kept;
    this.#release = release;
  }

  /** Loads the object, or takes what an earlier run has pinned of the same one. */
  static load(o: LoadOptions): LoadedObject {
    const bytes = readObject(o.file);
    for (const name of Object.keys(o.sizes)) {
      if (!(name in abi.maps)) throw new IdsError('INTERNAL', `there is no map ${name} to size`);
    }
    const parts = { bytes, programs: o.programs, settings: o.settings, sizes: o.sizes };
    const path = o.pinPrograms === true ? o.pinPath : undefined;
    const pinned = path === undefined ? undefined : adoptPrograms(path, parts);
    if (pinned !== undefined) {
      const fds = [...pinned.programs.values(), ...pinned.maps.values()];
      return new LoadedObject({ ...pinned, adopted: true }, () => closeFds(fds));
    }
    const loaded = LoadedObject.#load(bytes, o);
    try {
      if (path !== undefined) pinPrograms(path, parts, loaded.programs, loaded.maps);
      return loaded;
    } catch (error) {
      loaded.close();
      throw error;
    }
  }

  static #load(bytes: Uint8Array, o: LoadOptions): LoadedObject {
    compareFacts(abiFacts(Btf.ofObject(bytes)), o.file);
    const c = libbpf();
    c.setPrint(null);
    const log = new Uint8Array(LOG_SIZE);
    const opts = { sz: optSize.open, object_name: 'ids', kernel_log_buf: log, kernel_log_size: LOG_SIZE };
    const object = checkPointer(c.objectOpen(bytes, bytes.length, opts), `open the BPF object ${o.file}`);
    try {
      const { adopted, kept } = configureMaps(object, o);
      configureSettings(object, o.settings);
      const handles = choosePrograms(object, o.programs);
      const rc = c.objectLoad(object);
      if (rc < 0) throw loadFailed(errnoOf(rc), o.file, log);
      const programs = new Map([...handles].map(([name, handle]) => [name, c.programFd(handle)] as const));
      return new LoadedObject({ maps: mapsOf(object), programs, adopted, kept }, () => c.objectClose(object));
    } catch (error) {
      c.objectClose(object);
      throw error;
    }
  }

  close(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

function mapsOf(object: bigint): Map<string, number> {
  const c = libbpf();
  const maps = new Map<string, number>();
  for (let map = c.objectNextMap(object, null); map !== null; map = c.objectNextMap(object, map))
    maps.set(c.mapName(map), c.mapFd(map));
  return maps;
}

/** The programs of these names; to verify the others would take time for nothing. */
function choosePrograms(object: bigint, names: readonly string[]): Map<string, bigint> {
  const c = libbpf();
  const found = new Map<string, bigint>();
  for (let one = c.objectNextProgram(object, null); one !== null; one = c.objectNextProgram(object, one)) {
    const name = c.programName(one);
    if (names.includes(name)) found.set(name, one);
    else check(c.programSetAutoload(one, false), `leave out the program ${name}`);
  }
  const missing = names.find((name) => !found.has(name));
  if (missing === undefined) return found;
  throw new IdsError('ABI_MISMATCH', `the BPF object has no program ${missing}; build both sides anew`);
}

function readObject(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new IdsError(
      'OBJECT_INVALID',
      `cannot read the BPF object ${file}: ${messageOf(cause)}; build it with scripts/build`,
      { cause },
    );
  }
}

function configureMaps(object: bigint, o: LoadOptions): { adopted: boolean; kept: string[] } {
  const c = libbpf();
  const kept: string[] = [];
  let adopted = false;
  for (let map = c.objectNextMap(object, null); map !== null; map = c.objectNextMap(object, map)) {
    const name = c.mapName(map);
    let entries = o.sizes[name];
    const shape = (abi.maps as Readonly<Record<string, MapFacts>>)[name];
    if (o.pinPath !== undefined && isSharedMap(name) && shape?.type !== MapType.PROG_ARRAY) {
      const path = join(o.pinPath, name);
      check(c.mapSetPinPath(map, path), `name the pin of map ${name}`);
      if (existsSync(path)) {
        adopted = true;
        const pinned = pinnedEntries(path);
        if (pinned !== wantedEntries(name, o.sizes)) kept.push(name);
        entries = pinned;
      }
    }
    if (entries !== undefined) check(c.mapSetMaxEntries(map, entries), `size map ${name}`);
  }
  return { adopted, kept };
}

function pinnedEntries(path: string): number {
  const fd = check(libbpf().objGet(path), `open the pinned map ${path}`);
  try {
    return mapInfo(fd, `map ${path}`).maxEntries;
  } finally {
    closeFds([fd]);
  }
}

/** Writes `const volatile` variables before the load freezes them. */
function configureSettings(object: bigint, settings: Readonly<Record<string, number>>): void {
  const c = libbpf();
  const size = new Uint32Array(1);
  const raw = checkPointer(c.btfRaw(checkPointer(c.objectBtf(object), 'read the BTF'), size), 'read the BTF');
  // libbpf has put the offsets of variables into its own copy of the BTF.
  const btf = Btf.parse(new Uint8Array(viewOf(raw, size[0] ?? 0)).slice());
  const section = btf.find('datasec', '.rodata');
  for (let map = c.objectNextMap(object, null); map !== null; map = c.objectNextMap(object, map)) {
    if (!c.mapName(map).endsWith('.rodata')) continue;
    const length = new BigUint64Array(1);
    const address = checkPointer(c.mapInitialValue(map, length), 'reach the settings');
    const view = new DataView(viewOf(address, Number(length[0])));
    for (const [name, value] of Object.entries(settings)) {
      const found = section?.vars.find(({ type }) => {
        const variable = btf.type(type);
        return variable.kind === 'var' && variable.name === name;
      });
      if (found === undefined)
        throw new IdsError('ABI_MISMATCH', `the BPF object has no setting ${name}; build both sides anew`);
      if (found.size === 8) view.setBigUint64(found.offset, BigInt(value), true);
      else if (found.size === 4) view.setUint32(found.offset, value, true);
      else if (found.size === 2) view.setUint16(found.offset, value, true);
      else view.setUint8(found.offset, value);
    }
  }
}

function loadFailed(number: number, file: string, log: Uint8Array): IdsError {
  const end = log.indexOf(0);
  const text = Buffer.from(log.subarray(0, end < 0 ? log.length : end))
    .toString('latin1')
    .trimEnd();
  const tail = text.slice(-LOG_TAIL);
  const details = { verifierLog: tail, file };
  if (number === E.EPERM || number === E.ENOMEM) return callFailed(number, 'load the BPF programs', { details });
  const last = tail
    .split('\n')
    .filter((line) => !/^(processed|verification time|stack depth|$)/.test(line))
    .at(-1);
  const remedy = `Linux 6.1 or later is needed, this is ${release()}${last === undefined ? '' : `; the verifier says: ${last}`}`;
  return callFailed(number, 'load the BPF programs', { code: 'KERNEL_FEATURE', remedy, details });
}
