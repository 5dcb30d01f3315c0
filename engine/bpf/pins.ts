// SPDX-License-Identifier: Apache-2.0
// The pin directory: <pinDir>/<abiHash>/ on a BPF file system, 0700 and ours. bpffs itself is world-writable, so a
// directory that somebody else made could hand us maps and links of his making: it is refused.

import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statfsSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import { callFailed, check, E, errnoOf } from './check.js';
import { LOCK_EX } from './folder-lock.js';
import { libc } from './native.js';

export const DEFAULT_PIN_DIR = '/sys/fs/bpf/ids';

const BPFFS_ROOT = '/sys/fs/bpf';
const BPF_FS_MAGIC = 0xcafe4a11;
const HASH = /^[0-9a-f]{12}$/;

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new IdsError('PRIVILEGE', `cannot look at ${path}: ${messageOf(error)}; run as root`, { cause: error });
  }
}

function onBpffs(path: string): boolean {
  return statfsSync(path).type === BPF_FS_MAGIC;
}

/** Refuses a directory that is not ours alone. */
function requireOwn(path: string, stat: Stats): void {
  const uid = process.geteuid?.() ?? 0;
  if (!stat.isDirectory()) {
    throw new IdsError('PIN_FOREIGN', `${path} is not a directory: remove it or choose another pin_dir`);
  }
  if (stat.uid !== uid) {
    const message = `${path} belongs to user ${stat.uid}, not to ${uid}: remove it or choose another pin_dir`;
    throw new IdsError('PIN_FOREIGN', message, { details: { path, owner: stat.uid } });
  }
  // Nobody else could write to what we make; a wider mode can only come from our own hands.
  if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

function ensureDirectory(path: string): void {
  if (statOf(path) === undefined) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      // Somebody may have been faster: what is there now is looked at below.
      if (systemCode(error) !== 'EEXIST') {
        throw new IdsError('PRIVILEGE', `cannot make ${path}: ${messageOf(error)}; run as root`, { cause: error });
      }
    }
  }
  const stat = statOf(path);
  if (stat === undefined)
    throw new IdsError('PIN_FOREIGN', `${path} vanishes while it is being made; somebody removes it`);
  requireOwn(path, stat);
}

function ensureBpffs(pinDir: string): void {
  let existing = pinDir;
  while (statOf(existing) === undefined && dirname(existing) !== existing) existing = dirname(existing);
  if (onBpffs(existing)) return;
  const inside = pinDir === BPFFS_ROOT || pinDir.startsWith(`${BPFFS_ROOT}/`);
  if (!inside || statOf(BPFFS_ROOT) === undefined) {
    throw new IdsError('CONFIG_INVALID', `pin_dir ${pinDir} is not on a BPF file system: use ${DEFAULT_PIN_DIR}`);
  }
  check(libc().mount('bpf', BPFFS_ROOT, 'bpf', 0, null), `mount a BPF file system at ${BPFFS_ROOT}`);
}

/** Makes <pinDir>/<hash>/ ready for pins and gives its path. */
export function openPinDir(pinDir: string, hash: string): string {
  if (!pinDir.startsWith('/') || /[.\s]/.test(pinDir)) {
    // The kernel reserves names with dots on bpffs.
    throw new IdsError('CONFIG_INVALID', `pin_dir "${pinDir}" is not an absolute path without dots and blanks`);
  }
  ensureBpffs(pinDir);
  // bpffs takes directories from everybody: one that a user made in vain would stand in root's way for ever.
  if (process.geteuid?.() !== 0)
    throw new IdsError('PRIVILEGE', `only root may pin BPF objects under ${pinDir}: run as root`);
  ensureDirectory(pinDir);
  const path = join(pinDir, hash);
  ensureDirectory(path);
  return path;
}

const LOCK_NB = 4;

/**
 * Makes this process the only one that writes to the tables under a pin directory, until what it returns is called or
 * the process ends, however it ends.
 * @throws IdsError DAEMON_RUNNING if another process is that one
 */
export function claimPins(pinDir: string): () => void {
  const fd = openSync(pinDir, 'r');
  const rc = libc().flock(fd, LOCK_EX | LOCK_NB);
  if (rc >= 0) return () => closeSync(fd);
  const number = errnoOf(rc);
  closeSync(fd);
  if (number !== E.EAGAIN) throw callFailed(number, `lock ${pinDir}`);
  throw new IdsError(
    'DAEMON_RUNNING',
    `another daemon works with the tables under ${pinDir}: stop it, or give this one a pin_dir of its own`,
  );
}

/** The ABI directories under a pin directory, by hash; none if it does not exist. @throws IdsError PIN_FOREIGN */
export function abiDirs(pinDir: string): { hash: string; path: string }[] {
  const stat = statOf(pinDir);
  if (stat === undefined) return [];
  requireOwn(pinDir, stat);
  const dirs = readdirSync(pinDir)
    .filter((name) => HASH.test(name))
    .map((hash) => ({ hash, path: join(pinDir, hash) }));
  return dirs.filter(({ path }) => {
    const inner = statOf(path);
    if (inner !== undefined) requireOwn(path, inner);
    return inner !== undefined;
  });
}

/** The names in a directory of pins. */
export function pinNames(path: string): string[] {
  return statOf(path) === undefined ? [] : readdirSync(path);
}

/** Removes one pin; false if there is none. */
export function unpin(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw new IdsError('SYSCALL', `cannot remove the pin ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Removes a directory of pins with everything in it, and its parent if that is empty then. */
export function removePins(path: string): void {
  for (const name of pinNames(path)) unpin(join(path, name));
  for (const directory of [path, dirname(path)]) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY', 'EBUSY', 'EPERM'].includes(systemCode(error) ?? '')) throw error;
    }
  }
}

/** A filter of a clsact queueing discipline. */
export interface ClsactPin {
  readonly kind: 'clsact';
  readonly ifindex: number;
  readonly name: string;
  /** Number of the network namespace in which it is. */
  readonly netns: number;
  /** The queueing discipline was made for it. */
  readonly qdisc: boolean;
}

/** What a pin says that is attached to an interface. */
export type LinkPin = { readonly kind: 'xdp' | 'tcx'; readonly ifindex: number; readonly name: string } | ClsactPin;

const prefixOf = { xdp: 'link', tcx: 'egress' } as const;

/**
 * `link_<ifindex>_<interface>` of XDP, `egress_…` of tcx, `clsact_<namespace>_…` or `filter_<namespace>_…` of a filter,
 * with what bpffs does not take in a name written as %hex.
 */
export function linkPinName(pin: LinkPin): string {
  const safe = pin.name.replace(/[^A-Za-z0-9_-]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const start = pin.kind === 'clsact' ? `${pin.qdisc ? 'clsact' : 'filter'}_${pin.netns}` : prefixOf[pin.kind];
  return `${start}_${pin.ifindex}_${safe}`;
}

/** The parts of such a name, or undefined for another pin. */
export function parseLinkPin(pin: string): LinkPin | undefined {
  const found = /^(?:(link|egress)|(clsact|filter)_(\d+))_(\d+)_(.+)$/.exec(pin);
  if (found === null) return undefined;
  const [, link, filter, netns, ifindex, safe = ''] = found;
  const name = safe.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  if (link !== undefined) return { kind: link === 'link' ? 'xdp' : 'tcx', ifindex: Number(ifindex), name };
  return { kind: 'clsact', ifindex: Number(ifindex), name, netns: Number(netns), qdisc: filter === 'clsact' };
}

/** Removes the pins of an earlier ABI once the last link has moved on to `path`. */
export function removeServed(directory: string, path: string): void {
  if (directory !== path && !pinNames(directory).some((pin) => parseLinkPin(pin) !== undefined)) removePins(directory);
}
