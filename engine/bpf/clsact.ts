// SPDX-License-Identifier: Apache-2.0
// The egress program as a filter of the clsact queueing discipline, for kernels before 6.6. A filter needs nobody to hold
// it; its pin, which holds the program, tells a later run where one is and in which network namespace, since only there
// can it be reached.

import { basename, dirname, join } from 'node:path';
import { IdsError } from '../../common/errors.js';
import { callFailed, check, closeFds, E, errnoOf } from './check.js';
import type { LinkPlace } from './links.js';
import { libbpf, optSize, type TcHook } from './native.js';
import { hasFilters } from './netlink.js';
import { currentNetns, withNetns } from './netns.js';
import { type ClsactPin, linkPinName, parseLinkPin, removeServed, unpin } from './pins.js';

const TC_EGRESS = 2;
const TC_BOTH = 3;
const REPLACE = 1;
/** Where our filter is: in front of all others. */
const PRIORITY = 1;
const HANDLE = 0x1d5;

/** struct bpf_tc_opts, byte offsets. */
const O = { SIZE: 32, sz: 0, program: 8, flags: 12, id: 16, handle: 20, priority: 24 } as const;

const hookOf = (ifindex: number, point: number): TcHook => {
  return { sz: optSize.tcHook, ifindex, attach_point: point, parent: 0 };
};

function options(program = 0, flags = 0): DataView {
  const view = new DataView(new ArrayBuffer(O.SIZE));
  view.setBigUint64(O.sz, BigInt(O.SIZE), true);
  view.setInt32(O.program, program, true);
  view.setUint32(O.flags, flags, true);
  view.setUint32(O.handle, HANDLE, true);
  view.setUint32(O.priority, PRIORITY, true);
  return view;
}

/** Id of the program of our filter; 0 if there is none. */
function filterProgram(ifindex: number): number {
  const opts = options();
  return libbpf().tcQuery(hookOf(ifindex, TC_EGRESS), opts) < 0 ? 0 : opts.getUint32(O.id, true);
}

function programId(fd: number, path: string): number {
  const info = new Uint32Array(64);
  check(libbpf().objInfo(fd, info, Uint32Array.of(info.byteLength)), `query the program ${path}`);
  return info[1] ?? 0;
}

/** Id of the program that a pin holds; 0 if the pin is gone. */
function pinnedProgram(path: string): number {
  const rc = libbpf().objGet(path);
  if (rc < 0 && errnoOf(rc) === E.ENOENT) return 0;
  const fd = check(rc, `open the pinned program ${path}`);
  try {
    return programId(fd, path);
  } finally {
    closeFds([fd]);
  }
}

/** True if the filter that a pin speaks of is at an interface of this network namespace. */
export function clsactInForce(pin: ClsactPin, path: string): boolean {
  if (pin.netns !== currentNetns()) return false;
  const program = filterProgram(pin.ifindex);
  return program !== 0 && program === pinnedProgram(path);
}

/**
 * Adds the filter, or replaces the program of the one that the pin `before` speaks of; gives what takes a filter without
 * a pin away again.
 * @throws IdsError INTERFACE_BUSY
 */
export function attachClsact(
  name: string,
  ifindex: number,
  program: number,
  place: LinkPlace | undefined,
  before: string | undefined,
): () => void {
  const c = libbpf();
  c.setPrint(null);
  const made = c.tcHookCreate(hookOf(ifindex, TC_EGRESS));
  if (made < 0 && errnoOf(made) !== E.EEXIST) {
    const details = { interface: name };
    throw callFailed(errnoOf(made), `give interface ${name} a clsact queueing discipline`, { details });
  }
  if (before === undefined && filterProgram(ifindex) !== 0) {
    const message = `another filter has our place at interface ${name}: look at it with "tc filter show dev ${name} egress", remove it with its own tool`;
    throw new IdsError('INTERFACE_BUSY', message, { details: { interface: name } });
  }
  const rc = c.tcAttach(hookOf(ifindex, TC_EGRESS), options(program, before === undefined ? 0 : REPLACE));
  check(rc, `attach to what leaves interface ${name}`);
  const earlier = before === undefined ? undefined : parseLinkPin(basename(before));
  const ours = earlier?.kind === 'clsact' ? earlier.qdisc : made >= 0;
  const pin: ClsactPin = { kind: 'clsact', ifindex, name, netns: currentNetns(), qdisc: ours };
  if (place === undefined) return () => removeFilter(pin);
  const path = join(place.path, linkPinName(pin));
  unpin(path);
  check(c.objPin(program, path), `pin ${path}`);
  if (before !== undefined && before !== path) {
    unpin(before);
    removeServed(dirname(before), place.path);
  }
  return () => undefined;
}

/** Takes our filter away, and the queueing discipline if we have made it and nobody else uses it. */
function removeFilter({ ifindex, name, qdisc }: ClsactPin): void {
  const c = libbpf();
  c.setPrint(null);
  check(c.tcDetach(hookOf(ifindex, TC_EGRESS), options()), `detach from what leaves interface ${name}`);
  if (qdisc && !hasFilters(ifindex)) c.tcHookDestroy(hookOf(ifindex, TC_BOTH));
}

/** Takes away the filter that a pin speaks of, also in another network namespace, and the pin; false if it was gone. */
export function detachClsact(pin: ClsactPin, path: string): boolean {
  const found = withNetns(pin.netns, () => {
    if (!clsactInForce(pin, path)) return false;
    removeFilter(pin);
    return true;
  });
  unpin(path);
  return found ?? false;
}
