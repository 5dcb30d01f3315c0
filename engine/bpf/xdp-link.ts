// SPDX-License-Identifier: Apache-2.0
// The XDP program of an interface: attached in the best mode, or put into the link that an earlier run left there.

import { join } from 'node:path';
import { IdsError } from '../../common/errors.js';
import { callFailed, check, closeFds, E, errnoOf } from './check.js';
import { type LinkPlace, openLinks, pinLink, takeOver } from './links.js';
import { libbpf, optSize } from './native.js';
import { interfaceIndex, xdpState } from './netdev.js';
import { abiDirs, linkPinName, unpin } from './pins.js';

export type AttachMode = 'auto' | 'native' | 'generic';

const BPF_XDP = 37;
const flagOf = { native: 4, generic: 2 } as const;

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

/**
 * Attaches a program to an interface, or puts it into the link that an earlier run left there.
 * @throws IdsError INTERFACE_MISSING, INTERFACE_BUSY
 */
export function attachXdp(name: string, mode: AttachMode, program: number, place: LinkPlace | undefined): LinkResult {
  const ifindex = interfaceIndex(name);
  const state = xdpState(ifindex);
  const own = place === undefined ? [] : openLinks(abiDirs(place.pinDir).map(({ path }) => path));
  const xdp = own.filter(({ kind }) => kind === 'xdp');
  try {
    for (const link of own) if (link.ifindex === 0) unpin(link.path);
    // An interface of another namespace can have the same number; the program tells them apart.
    const mine = xdp.find((link) => link.ifindex === ifindex && link.program === state.program);
    if (mine !== undefined && place !== undefined) {
      const attached = state.mode === 'native' ? 'native' : 'generic';
      if (mode === 'auto' || mode === attached) {
        takeOver({ ...mine, name }, program, place);
        return { ifindex, mode: attached, fd: -1, takenOver: true };
      }
      // Another mode cannot be had in place: packets pass unjudged until the new link stands.
      check(libbpf().linkDetach(mine.fd), `detach from interface ${name}`);
      unpin(mine.path);
    } else if (state.program !== 0) {
      throw busy(name, state.program);
    } else if (place !== undefined) {
      const pin = join(place.path, linkPinName({ kind: 'xdp', ifindex, name }));
      const clash = xdp.find((link) => link.path === pin && link.ifindex !== 0);
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
    pinLink(rc, { kind: 'xdp', ifindex, name }, place);
    return { ifindex, mode: one, fd: -1, takenOver: false, ...reason };
  }
  throw fallback ?? new IdsError('INTERNAL', 'no mode to attach in');
}
