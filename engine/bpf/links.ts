// SPDX-License-Identifier: Apache-2.0
// XDP links: attached, pinned, taken over from an earlier run without a packet in between that goes unjudged, removed.

import { join } from 'node:path';
import { IdsError } from '../../common/errors.js';
import { callFailed, check, closeFds, E, errnoOf } from './check.js';
import { libbpf, optSize } from './native.js';
import { interfaceIndex, xdpState } from './netdev.js';
import { abiDirs, linkPinName, parseLinkPin, pinNames, removePins, unpin } from './pins.js';

export type AttachMode = 'auto' | 'native' | 'generic';

const BPF_XDP = 37;
const LINK_TYPE_XDP = 6;
const flagOf = { native: 4, generic: 2 } as const;

/** A link of ours as it is pinned. */
interface OwnLink {
  readonly path: string;
  readonly directory: string;
  readonly name: string;
  readonly ifindex: number;
  readonly program: number;
  readonly fd: number;
}

/** Interface and program of an XDP link; ifindex is 0 once the interface is gone. */
function linkInfo(fd: number, path: string): { ifindex: number; program: number } | undefined {
  const info = new Uint32Array(32);
  check(libbpf().objInfo(fd, info, Uint32Array.of(info.byteLength)), `query the link ${path}`);
  return info[0] === LINK_TYPE_XDP ? { program: info[2] ?? 0, ifindex: info[4] ?? 0 } : undefined;
}

/** Opens every link that is pinned in these directories; the caller closes them. */
function openLinks(directories: readonly string[]): OwnLink[] {
  const links: OwnLink[] = [];
  try {
    for (const directory of directories) {
      for (const pin of pinNames(directory)) {
        const name = parseLinkPin(pin)?.name;
        if (name !== undefined) openLink(links, directory, name, join(directory, pin));
      }
    }
    return links;
  } catch (error) {
    closeFds(links.map((link) => link.fd));
    throw error;
  }
}

function openLink(links: OwnLink[], directory: string, name: string, path: string): void {
  const rc = libbpf().objGet(path);
  // Somebody else may just have removed it.
  if (rc < 0 && errnoOf(rc) === E.ENOENT) return;
  const fd = check(rc, `open the pinned link ${path}`);
  const info = linkInfo(fd, path);
  if (info === undefined) closeFds([fd]);
  else links.push({ path, directory, name, ...info, fd });
}

function busy(name: string, program: number, cause?: unknown): IdsError {
  const which = program === 0 ? 'another XDP program' : `another XDP program (id ${program})`;
  const see = program === 0 ? `bpftool net show dev ${name}` : `bpftool prog show id ${program}`;
  const message = `${which} holds interface ${name}: look at it with "${see}", remove it with "ip link set dev ${name} xdp off" or its own tool`;
  return new IdsError('INTERFACE_BUSY', message, { cause, details: { interface: name, program } });
}

export interface LinkResult {
  readonly ifindex: number;
  readonly mode: 'native' | 'generic';
  /** A private link's descriptor: the program is detached when it is closed. -1 for a pinned one. */
  readonly fd: number;
  /** An earlier run's link was taken over. */
  readonly takenOver: boolean;
  /** Why native mode was not to be had. */
  readonly fallback?: IdsError;
}

export interface LinkPlace {
  readonly pinDir: string;
  /** <pinDir>/<abiHash> */
  readonly path: string;
}

/**
 * Attaches a program to an interface, or puts it into the link that an earlier run left there.
 * @throws IdsError INTERFACE_MISSING, INTERFACE_BUSY
 */
export function attachLink(name: string, mode: AttachMode, program: number, place: LinkPlace | undefined): LinkResult {
  const ifindex = interfaceIndex(name);
  const state = xdpState(ifindex);
  const own = place === undefined ? [] : openLinks(abiDirs(place.pinDir).map(({ path }) => path));
  try {
    for (const link of own) if (link.ifindex === 0) unpin(link.path);
    // An interface of another namespace can have the same number; the program tells them apart.
    const mine = own.find((link) => link.ifindex === ifindex && link.program === state.program);
    if (mine !== undefined && place !== undefined) {
      const attached = state.mode === 'native' ? 'native' : 'generic';
      if (mode === 'auto' || mode === attached) {
        takeOver(mine, program, join(place.path, linkPinName(ifindex, name)));
        if (mine.directory !== place.path) removeWithoutLinks(mine.directory);
        return { ifindex, mode: attached, fd: -1, takenOver: true };
      }
      // Another mode cannot be had in place: packets pass unjudged until the new link stands.
      check(libbpf().linkDetach(mine.fd), `detach from interface ${name}`);
      unpin(mine.path);
    } else if (state.program !== 0) {
      throw busy(name, state.program);
    } else if (place !== undefined) {
      const clash = own.find(
        (link) => link.path === join(place.path, linkPinName(ifindex, name)) && link.ifindex !== 0,
      );
      if (clash !== undefined) {
        const message = `${clash.path} is the link of an interface with the same name and number in another network namespace: choose another pin_dir`;
        throw new IdsError('INTERFACE_BUSY', message, { details: { interface: name, pin: clash.path } });
      }
    }
    return createLink(name, ifindex, mode, program, place);
  } finally {
    closeFds(own.map((link) => link.fd));
  }
}

function takeOver(link: OwnLink, program: number, path: string): void {
  check(libbpf().linkUpdate(link.fd, program, null), `take over interface ${link.name}`);
  if (link.path === path) return;
  unpin(path);
  check(libbpf().objPin(link.fd, path), `pin ${path}`);
  unpin(link.path);
}

/** An earlier ABI's pins have served once the last link has moved. */
function removeWithoutLinks(directory: string): void {
  if (!pinNames(directory).some((pin) => parseLinkPin(pin) !== undefined)) removePins(directory);
}

function createLink(
  name: string,
  ifindex: number,
  mode: AttachMode,
  program: number,
  place: LinkPlace | undefined,
): LinkResult {
  let fallback: IdsError | undefined;
  for (const one of mode === 'auto' ? (['native', 'generic'] as const) : [mode]) {
    const rc = libbpf().linkCreate(program, ifindex, BPF_XDP, { sz: optSize.link, flags: flagOf[one] });
    if (rc < 0) {
      const number = errnoOf(rc);
      const failed = callFailed(number, `attach to interface ${name} in ${one} mode`, { details: { interface: name } });
      if (number === E.EBUSY || number === E.EEXIST) throw busy(name, xdpState(ifindex).program, failed);
      if (mode !== 'auto' || one === 'generic' || failed.code === 'PRIVILEGE') throw failed;
      fallback = failed;
      continue;
    }
    const reason = fallback === undefined ? {} : { fallback };
    if (place === undefined) return { ifindex, mode: one, fd: rc, takenOver: false, ...reason };
    try {
      const path = join(place.path, linkPinName(ifindex, name));
      check(libbpf().objPin(rc, path), `pin ${path}`);
    } finally {
      // The pin holds the link; without one the program is detached again here.
      closeFds([rc]);
    }
    return { ifindex, mode: one, fd: -1, takenOver: false, ...reason };
  }
  throw fallback ?? new IdsError('INTERNAL', 'no mode to attach in');
}

/** Interfaces that have a pinned link in this directory and still exist. */
export function pinnedLinks(directory: string): { name: string; ifindex: number; program: number }[] {
  const links = openLinks([directory]);
  closeFds(links.map((link) => link.fd));
  return links.filter((link) => link.ifindex !== 0).map(({ name, ifindex, program }) => ({ name, ifindex, program }));
}

/** Detaches and unpins the links of these directories, of one interface or of all; gives the names of the interfaces. */
export function detachLinks(directories: readonly string[], name?: string): string[] {
  const links = openLinks(directories);
  const names = new Set<string>();
  try {
    for (const link of links) {
      if (name !== undefined && link.name !== name) continue;
      // The link of an interface that is gone has nothing left to detach.
      if (link.ifindex !== 0) {
        const rc = libbpf().linkDetach(link.fd);
        if (rc < 0 && errnoOf(rc) !== E.ENODEV) check(rc, `detach from interface ${link.name}`);
        names.add(link.name);
      }
      unpin(link.path);
    }
  } finally {
    closeFds(links.map((link) => link.fd));
  }
  return [...names];
}
