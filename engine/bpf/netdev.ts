// SPDX-License-Identifier: Apache-2.0
// What the kernel says about a network interface, by ioctl: /sys shows another network namespace's when the daemon runs
// under nsenter.

import { IdsError } from '../../common/errors.js';
import { check, closeFds, E, errnoOf } from './check.js';
import { addressOf, libbpf, libc } from './native.js';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SIOCGIFFLAGS = 0x8913;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 0x3;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETHTOOL_GFLAGS = 0x25;
const ETH_FLAG_RXVLAN = 0x100;
const ETH_SS_STATS = 1;
const STRING = 32;
const IFF_UP = 1;
const NAME_SIZE = 16;

/** @throws IdsError INTERFACE_MISSING */
export function interfaceIndex(name: string): number {
  const index = /^[^\s/]{1,15}$/.test(name) ? libc().ifIndex(name) : 0;
  if (index !== 0) return index;
  const message = `there is no network interface "${name}"; ip -br link lists them`;
  throw new IdsError('INTERFACE_MISSING', message, { details: { interface: name } });
}

/** The name of an interface of this network namespace, or undefined. */
export function interfaceName(ifindex: number): string | undefined {
  const name = Buffer.alloc(NAME_SIZE);
  if (libc().ifName(ifindex, name) === null) return undefined;
  return name.toString('latin1', 0, name.indexOf(0));
}

/** An ioctl on an interface, with `fill` for the union of struct ifreq; undefined if the driver does not know it. */
function request(name: string, code: number, fill: (request: DataView) => void): DataView | undefined {
  const fd = check(libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'open a socket');
  try {
    const ifreq = new Uint8Array(40);
    ifreq.set(Buffer.from(name, 'latin1').subarray(0, NAME_SIZE - 1));
    const view = new DataView(ifreq.buffer);
    fill(view);
    const rc = libc().ioctl(fd, code, ifreq);
    if (rc >= 0) return view;
    const number = errnoOf(rc);
    if (number === E.EOPNOTSUPP || number === E.EINVAL || number === E.EPERM) return undefined;
    if (number === E.ENODEV)
      throw new IdsError('INTERFACE_MISSING', `there is no network interface "${name}" any more`);
    check(rc, `query interface ${name}`);
    return undefined;
  } finally {
    closeFds([fd]);
  }
}

function ethtool(
  name: string,
  command: number,
  size: number,
  fill: (view: DataView) => void = () => undefined,
): DataView | undefined {
  const memory = new ArrayBuffer(Math.max(size, 128));
  const view = new DataView(memory);
  view.setUint32(0, command, true);
  fill(view);
  const done = request(name, SIOCETHTOOL, (ifreq) => ifreq.setBigUint64(NAME_SIZE, addressOf(memory), true));
  return done === undefined ? undefined : view;
}

const textAt = (view: DataView, at: number): string => {
  const bytes = Buffer.from(view.buffer, at, STRING);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? STRING : end);
};

/** True if the interface is administratively up. */
export function isUp(name: string): boolean {
  const view = request(name, SIOCGIFFLAGS, () => undefined);
  return view !== undefined && (view.getUint16(NAME_SIZE, true) & IFF_UP) !== 0;
}

/** The name of the driver, or undefined if it does not say. */
export function driverOf(name: string): string | undefined {
  const view = ethtool(name, ETHTOOL_GDRVINFO, 196);
  return view === undefined ? undefined : textAt(view, 4);
}

/** True if the interface takes VLAN tags off frames before the program sees them (rx-vlan-offload); undefined: unknown. */
export function stripsVlan(name: string): boolean | undefined {
  const view = ethtool(name, ETHTOOL_GFLAGS, 8);
  return view === undefined ? undefined : (view.getUint32(4, true) & ETH_FLAG_RXVLAN) !== 0;
}

/** The driver's own counters by name; empty if it has none. */
export function driverStats(name: string): Map<string, number> {
  const info = ethtool(name, ETHTOOL_GDRVINFO, 196);
  const count = info?.getUint32(180, true) ?? 0;
  const out = new Map<string, number>();
  if (count === 0) return out;
  // The number of counters can grow with the number of queues between two calls: room for as many again.
  const names = ethtool(name, ETHTOOL_GSTRINGS, 12 + 2 * count * STRING, (view) => {
    view.setUint32(4, ETH_SS_STATS, true);
    view.setUint32(8, count, true);
  });
  const values = ethtool(name, ETHTOOL_GSTATS, 8 + 2 * count * 8, (view) => view.setUint32(4, count, true));
  if (names === undefined || values === undefined) return out;
  for (let i = 0; i < count; i++) out.set(textAt(names, 12 + i * STRING), Number(values.getBigUint64(8 + i * 8, true)));
  return out;
}

export interface XdpState {
  /** Id of the program in force, 0 if there is none. */
  readonly program: number;
  readonly mode: 'native' | 'generic' | 'offloaded' | 'several' | undefined;
}

const modes = [undefined, 'native', 'generic', 'offloaded', 'several'] as const;

/** Which XDP program an interface of this network namespace has. */
export function xdpState(ifindex: number): XdpState {
  const opts = new ArrayBuffer(32);
  const view = new DataView(opts);
  view.setBigUint64(0, 32n, true);
  check(libbpf().xdpQuery(ifindex, 0, new Uint8Array(opts)), `query the XDP program of interface ${ifindex}`);
  const mode = modes[view.getUint8(24)];
  const [one, drv, hw, skb] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
  return { program: one || drv || hw || skb || 0, mode };
}
