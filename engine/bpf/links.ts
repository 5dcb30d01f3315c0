// SPDX-License-Identifier: Apache-2.0
// The links of ours as they are pinned, of both hooks: found again by a later run, moved to its programs, removed.

import { join } from 'node:path';
import { check, closeFds, E, errnoOf } from './check.js';
import { detachClsact } from './clsact.js';
import { libbpf } from './native.js';
import { linkPinName, type LinkPin, parseLinkPin, pinNames, removeServed, unpin } from './pins.js';

const linkType = { 6: 'xdp', 11: 'tcx' } as const;

export interface LinkPlace {
  readonly pinDir: string;
  /** <pinDir>/<abiHash> */
  readonly path: string;
}

/** A link of ours as it is pinned. */
export interface OwnLink {
  readonly path: string;
  readonly directory: string;
  readonly kind: 'xdp' | 'tcx';
  readonly name: string;
  /** 0 once the interface is gone. */
  readonly ifindex: number;
  readonly program: number;
  readonly fd: number;
}

/** Hook, interface and program of a link. */
function linkInfo(fd: number, path: string): Pick<OwnLink, 'kind' | 'ifindex' | 'program'> | undefined {
  const info = new Uint32Array(32);
  check(libbpf().objInfo(fd, info, Uint32Array.of(info.byteLength)), `query the link ${path}`);
  const kind = linkType[info[0] as keyof typeof linkType] as OwnLink['kind'] | undefined;
  return kind && { kind, program: info[2] ?? 0, ifindex: info[4] ?? 0 };
}

/** Opens every link that is pinned in these directories; the caller closes them. */
export function openLinks(directories: readonly string[]): OwnLink[] {
  const links: OwnLink[] = [];
  try {
    for (const directory of directories) {
      for (const pin of pinNames(directory)) {
        const parsed = parseLinkPin(pin);
        if (parsed?.kind === 'xdp' || parsed?.kind === 'tcx') openLink(links, directory, parsed, join(directory, pin));
      }
    }
    return links;
  } catch (error) {
    closeFds(links.map((link) => link.fd));
    throw error;
  }
}

function openLink(links: OwnLink[], directory: string, { name }: LinkPin, path: string): void {
  const rc = libbpf().objGet(path);
  // Somebody else may just have removed it.
  if (rc < 0 && errnoOf(rc) === E.ENOENT) return;
  const fd = check(rc, `open the pinned link ${path}`);
  const info = linkInfo(fd, path);
  if (info === undefined) closeFds([fd]);
  else links.push({ path, directory, name, ...info, fd });
}

/** Puts our program into the link of an earlier run, without a packet in between that goes unjudged. */
export function takeOver(link: OwnLink, program: number, place: LinkPlace): void {
  check(libbpf().linkUpdate(link.fd, program, null), `take over interface ${link.name}`);
  const path = join(place.path, linkPinName({ kind: link.kind, ifindex: link.ifindex, name: link.name }));
  if (link.path === path) return;
  unpin(path);
  check(libbpf().objPin(link.fd, path), `pin ${path}`);
  unpin(link.path);
  removeServed(link.directory, place.path);
}

/** Pins a new link and closes it: the pin holds it. Without one the program is detached again here. */
export function pinLink(fd: number, pin: LinkPin, place: LinkPlace): void {
  try {
    const path = join(place.path, linkPinName(pin));
    check(libbpf().objPin(fd, path), `pin ${path}`);
  } finally {
    closeFds([fd]);
  }
}

/** Interfaces that have a pinned XDP link in this directory and still exist. */
export function pinnedLinks(directory: string): { name: string; ifindex: number; program: number }[] {
  const links = openLinks([directory]);
  closeFds(links.map((link) => link.fd));
  return links
    .filter(({ kind, ifindex }) => kind === 'xdp' && ifindex !== 0)
    .map(({ name, ifindex, program }) => ({ name, ifindex, program }));
}

/** Detaches and unpins a link; the name of its interface unless that is gone. */
export function detachLink(link: OwnLink): string | undefined {
  // The link of an interface that is gone has nothing left to detach.
  const there = link.ifindex !== 0;
  if (there) {
    const rc = libbpf().linkDetach(link.fd);
    if (rc < 0 && errnoOf(rc) !== E.ENODEV) check(rc, `detach from interface ${link.name}`);
  }
  unpin(link.path);
  return there ? link.name : undefined;
}

/**
 * Detaches and unpins what these directories hold, of one interface or of all and of both hooks; gives the names of the
 * interfaces.
 */
export function detachLinks(directories: readonly string[], name?: string): string[] {
  const links = openLinks(directories);
  const names = new Set<string>();
  const wanted = (one: { name: string }): boolean => name === undefined || one.name === name;
  try {
    for (const link of links.filter(wanted)) names.add(detachLink(link) ?? '');
    for (const directory of directories) {
      for (const pin of pinNames(directory)) {
        const parsed = parseLinkPin(pin);
        if (parsed?.kind === 'clsact' && wanted(parsed) && detachClsact(parsed, join(directory, pin)))
          names.add(parsed.name);
      }
    }
  } finally {
    closeFds(links.map((link) => link.fd));
  }
  names.delete('');
  return [...names];
}
