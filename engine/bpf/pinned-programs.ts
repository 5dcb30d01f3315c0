// SPDX-License-Identifier: Apache-2.0
// Programs that an earlier run loaded and pinned: the same code over the same tables need not be verified again, which
// is most of what a start would wait for.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { abi } from '../../common/abi.gen.js';
import { mapInfo, MapType, type MapInfo } from './bpf-map.js';
import { check, closeFds } from './check.js';
import { isSharedMap, type MapFacts } from './facts.js';
import { libbpf } from './native.js';
import { pinNames, unpin } from './pins.js';

/** What programs were made of. */
export interface ProgramParts {
  /** The object file. */
  readonly bytes: Uint8Array;
  /** Those of its programs that are wanted. */
  readonly programs: readonly string[];
  /** Its `const volatile` settings by name. */
  readonly settings: Readonly<Record<string, number>>;
  /** Entries of maps by name, instead of what the object says. */
  readonly sizes: Readonly<Record<string, number>>;
}

export interface PinnedPrograms {
  readonly maps: ReadonlyMap<string, number>;
  readonly programs: ReadonlyMap<string, number>;
  /** Maps whose pinned size differs from the one that was asked for. */
  readonly kept: readonly string[];
}

const PREFIX = 'program_';

const shapes: Readonly<Record<string, MapFacts>> = abi.maps;

/** The size that a map shall have, unless it is pinned with another one. */
export function wantedEntries(name: string, sizes: Readonly<Record<string, number>>): number | undefined {
  return sizes[name] ?? shapes[name]?.maxEntries;
}

/**
 * The name of the pin: the code, its settings, and the very tables that it works with. The kernel gives no identity twice
 * while a program holds the table.
 */
function pinName({ bytes, settings }: ProgramParts, infos: ReadonlyMap<string, MapInfo>): string {
  const ids = [...infos].map(([name, { id }]) => `${name} ${id}`).sort();
  const hash = createHash('sha256')
    .update(bytes)
    .update(JSON.stringify([settings, ids]));
  return PREFIX + hash.digest('hex').slice(0, 32);
}

/** Opens every table that is pinned; undefined if one is missing or has another shape than ours. */
function openMaps(path: string): Map<string, number> | undefined {
  const names = new Set(pinNames(path));
  const maps = new Map<string, number>();
  for (const [name, { type }] of Object.entries(shapes)) {
    // The kernel empties a table of programs when nobody holds it, though a program does.
    if (!isSharedMap(name) || type === MapType.PROG_ARRAY || !names.has(name)) {
      closeFds([...maps.values()]);
      return undefined;
    }
    maps.set(name, check(libbpf().objGet(join(path, name)), `open the pinned map ${join(path, name)}`));
  }
  return maps;
}

function infosOf(maps: ReadonlyMap<string, number>): Map<string, MapInfo> {
  return new Map([...maps].map(([name, fd]) => [name, mapInfo(fd, `map ${name}`)]));
}

function isOurs(name: string, info: MapInfo): boolean {
  const shape = shapes[name];
  return shape?.type === info.type && shape.keySize === info.keySize && shape.valueSize === info.valueSize;
}

/** The programs that were pinned under `path` and their tables, if they are the same; the caller closes the descriptors. */
export function adoptPrograms(path: string, parts: ProgramParts): PinnedPrograms | undefined {
  const maps = openMaps(path);
  if (maps === undefined) return undefined;
  const infos = infosOf(maps);
  const pin = join(path, pinName(parts, infos));
  const complete = parts.programs.every((name) => existsSync(`${pin}_${name}`));
  if (!complete || ![...infos].every(([name, info]) => isOurs(name, info))) {
    closeFds([...maps.values()]);
    return undefined;
  }
  const kept = [...infos].filter(([name, info]) => info.maxEntries !== wantedEntries(name, parts.sizes));
  const open = (name: string): number => check(libbpf().objGet(`${pin}_${name}`), `open ${pin}_${name}`);
  const programs = new Map(parts.programs.map((name) => [name, open(name)] as const));
  return { maps, programs, kept: kept.map(([name]) => name) };
}

/** Pins programs for the next run, in the place of what was pinned before. */
export function pinPrograms(
  path: string,
  parts: ProgramParts,
  programs: ReadonlyMap<string, number>,
  maps: ReadonlyMap<string, number>,
): void {
  const shared = [...maps].filter(([name]) => name in shapes);
  const pin = join(path, pinName(parts, infosOf(new Map(shared))));
  for (const other of pinNames(path)) if (other.startsWith(PREFIX)) unpin(join(path, other));
  for (const [name, fd] of programs) check(libbpf().objPin(fd, `${pin}_${name}`), `pin ${pin}_${name}`);
}
