// SPDX-License-Identifier: Apache-2.0
// The program that judges what leaves an interface: a tcx link where the kernel has it (6.6), else a filter of its clsact
// queueing discipline. Either outlives the process, and a later run puts its program there in place.

import { join } from 'node:path';
import { IdsError } from '../../common/errors.js';
import { callFailed, closeFds, E, errnoOf } from './check.js';
import { attachClsact, clsactInForce, detachClsact } from './clsact.js';
import { detachLink, type LinkPlace, openLinks, type OwnLink, pinLink, takeOver } from './links.js';
import { libbpf, optSize } from './native.js';
import { interfaceIndex, interfaceName } from './netdev.js';
import { currentNetns } from './netns.js';
import { abiDirs, type ClsactPin, linkPinName, parseLinkPin, pinNames, unpin } from './pins.js';

const BPF_TCX_EGRESS = 47;
/** In front of all others: one that ends the chain cannot keep a packet from being judged. */
const BPF_F_BEFORE = 8;
const PROGRAMS = 64;

/** How a program is attached where packets leave. */
export type EgressHook = 'tcx' | 'clsact';

export interface EgressResult {
  readonly hook: EgressHook;
  /** Ends what is not pinned. */
  readonly release: () => void;
}

/** Ids of the programs that an interface of this network namespace has; none where the kernel has no tcx. */
function tcxPrograms(ifindex: number): number[] {
  const ids = new Uint32Array(PROGRAMS);
  const count = Uint32Array.of(PROGRAMS);
  const rc = libbpf().progQuery(ifindex, BPF_TCX_EGRESS, 0, null, ids, count);
  return rc < 0 ? [] : [...ids.subarray(0, count[0])];
}

/** An interface of another namespace can have the same number; the program tells them apart. */
function linkOf(links: readonly OwnLink[], ifindex: number): OwnLink | undefined {
  const here = links.filter((link) => link.kind === 'tcx' && link.ifindex === ifindex);
  if (here.length === 0) return undefined;
  const programs = tcxPrograms(ifindex);
  return here.find(({ program }) => programs.includes(program));
}

interface OwnFilter {
  readonly path: string;
  readonly pin: ClsactPin;
}

/** Every filter of ours of this network namespace, as it is pinned. */
function filtersOf(directories: readonly string[]): OwnFilter[] {
  return directories.flatMap((directory) =>
    pinNames(directory).flatMap((name): OwnFilter[] => {
      const pin = parseLinkPin(name);
      return pin?.kind === 'clsact' && pin.netns === currentNetns() ? [{ path: join(directory, name), pin }] : [];
    }),
  );
}

/** The filter of ours that is in force at an interface. */
function filterOf(directories: readonly string[], ifindex: number): OwnFilter | undefined {
  return filtersOf(directories).find(({ pin, path }) => pin.ifindex === ifindex && clsactInForce(pin, path));
}

/**
 * Attaches a program to what leaves an interface, or puts it where an earlier run left one.
 * @param only the one way to do it, instead of the best that the kernel has.
 */
export function attachEgress(
  name: string,
  program: number,
  place: LinkPlace | undefined,
  only?: EgressHook,
): EgressResult {
  const ifindex = interfaceIndex(name);
  const directories = place === undefined ? [] : abiDirs(place.pinDir).map(({ path }) => path);
  const own = openLinks(directories);
  try {
    const link = only === 'clsact' ? undefined : linkOf(own, ifindex);
    if (link !== undefined && place !== undefined) {
      takeOver({ ...link, name }, program, place);
      return { hook: 'tcx', release: () => undefined };
    }
    // The filter of an interface that is gone went with it.
    for (const { pin, path } of filtersOf(directories)) if (interfaceName(pin.ifindex) === undefined) unpin(path);
    const filter = filterOf(directories, ifindex)?.path;
    if (filter === undefined && only !== 'clsact') {
      const made = createTcx(name, ifindex, program, place);
      if (made !== undefined) return made;
    }
    if (only === 'tcx') throw callFailed(E.EOPNOTSUPP, `attach to what leaves interface ${name} by tcx`);
    return { hook: 'clsact', release: attachClsact(name, ifindex, program, place, filter) };
  } finally {
    closeFds(own.map(({ fd }) => fd));
  }
}

/** Undefined if the kernel has no tcx. */
function createTcx(
  name: string,
  ifindex: number,
  program: number,
  place: LinkPlace | undefined,
): EgressResult | undefined {
  const rc = libbpf().linkCreate(program, ifindex, BPF_TCX_EGRESS, { sz: optSize.link, flags: BPF_F_BEFORE });
  if (rc < 0) {
    const number = errnoOf(rc);
    if (number === E.EINVAL || number === E.EOPNOTSUPP || number === E.ENOTSUPP) return undefined;
    throw callFailed(number, `attach to what leaves interface ${name}`, { details: { interface: name } });
  }
  if (place === undefined) return { hook: 'tcx', release: () => closeFds([rc]) };
  const pin = { kind: 'tcx', ifindex, name } as const;
  if (pinNames(place.path).includes(linkPinName(pin))) {
    closeFds([rc]);
    const message = `${join(place.path, linkPinName(pin))} is in use in another network namespace: choose another pin_dir`;
    throw new IdsError('INTERFACE_BUSY', message, { details: { interface: name } });
  }
  pinLink(rc, pin, place);
  return { hook: 'tcx', release: () => undefined };
}

/** How a pinned program judges what leaves an interface; undefined if none does. */
export function egressOf(directory: string, ifindex: number): EgressHook | undefined {
  const own = openLinks([directory]);
  closeFds(own.map(({ fd }) => fd));
  if (linkOf(own, ifindex) !== undefined) return 'tcx';
  return filterOf([directory], ifindex) === undefined ? undefined : 'clsact';
}

/** Lets go of what leaves an interface, in any ABI's pins. */
export function detachEgress(place: LinkPlace, ifindex: number): void {
  const directories = abiDirs(place.pinDir).map(({ path }) => path);
  const own = openLinks(directories);
  try {
    const link = linkOf(own, ifindex);
    if (link !== undefined) detachLink(link);
    const filter = filterOf(directories, ifindex);
    if (filter !== undefined) detachClsact(filter.pin, filter.path);
  } finally {
    closeFds(own.map(({ fd }) => fd));
  }
}
