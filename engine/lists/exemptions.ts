// SPDX-License-Identifier: Apache-2.0
// Who must not be cut off by a list: read from what the kernel and the system files say about this host.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { parseAddress, parsePrefix, type Prefix } from '../../common/address.js';

export interface Exemption {
  readonly prefix: Prefix;
  /** `default gateway`, `local address`, `resolver`; the guard adds `peer of an SSH session`. */
  readonly label: string;
}

/** Where the facts are read; tests name fixtures. */
export interface HostFacts {
  /** Default /proc. */
  readonly proc?: string;
  /** Default /etc/resolv.conf and the list behind systemd's stub resolver. */
  readonly resolvers?: readonly string[];
  /** Addresses of this host; default: the interfaces that are up. */
  readonly addresses?: () => readonly string[];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // absent: IPv6 is off, no resolver is configured
  }
}

const RTF_GATEWAY = 2;

/** Gateways of the IPv4 default routes in the text of /proc/net/route: hexadecimal in the byte order of the host. */
export function defaultGateways4(text: string): string[] {
  const found: string[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [, destination, gateway = '', flags = '0', , , , mask] = line.split('\t').map((field) => field.trim());
    if (destination !== '00000000' || mask !== '00000000' || !(parseInt(flags, 16) & RTF_GATEWAY)) continue;
    if (!/^[0-9A-F]{8}$/i.test(gateway)) continue;
    found.push(Buffer.from(gateway, 'hex').reverse().join('.'));
  }
  return found;
}

/** Gateways of the IPv6 default routes in the text of /proc/net/ipv6_route. */
export function defaultGateways6(text: string): string[] {
  const found: string[] = [];
  for (const line of text.split('\n')) {
    const [destination, length, , , gateway = '', , , , flags = '0'] = line.trim().split(/\s+/);
    if (destination !== '0'.repeat(32) || length !== '00' || !(parseInt(flags, 16) & RTF_GATEWAY)) continue;
    if (/^[0-9a-f]{32}$/i.test(gateway) && !/^0+$/.test(gateway)) found.push((gateway.match(/.{4}/g) ?? []).join(':'));
  }
  return found;
}

/** Name servers in the text of a resolv.conf, without zone ids. */
export function resolvers(text: string): string[] {
  return text
    .split('\n')
    .map((line) => /^\s*nameserver\s+([^\s%#;]+)/.exec(line)?.[1] ?? '')
    .filter((address) => isIP(address) !== 0);
}

function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((address) => address.address));
}

const loopback: readonly Exemption[] = ['127.0.0.0/8', '::1'].map((text) => ({
  prefix: parsePrefix(text),
  label: 'local address',
}));

const RESOLVER_FILES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** The built-in exemptions of this host as of now. */
export function readExemptions(facts: HostFacts = {}): Exemption[] {
  const proc = facts.proc ?? '/proc';
  const host = (label: string, addresses: readonly string[]): Exemption[] =>
    addresses
      .map((address) => address.replace(/%.*$/, ''))
      .filter((address) => isIP(address) !== 0)
      .map((address) => ({ prefix: { bytes: parseAddress(address), length: 128 }, label }));
  return [
    ...loopback,
    ...host('default gateway', defaultGateways4(read(`${proc}/self/net/route`))),
    ...host('default gateway', defaultGateways6(read(`${proc}/self/net/ipv6_route`))),
    ...host('local address', (facts.addresses ?? hostAddresses)()),
    ...host(
      'resolver',
      (facts.resolvers ?? RESOLVER_FILES).flatMap((file) => resolvers(read(file))),
    ),
  ];
}
