// SPDX-License-Identifier: Apache-2.0
// Which addresses are nobody's on the public network (IANA's special-purpose registries), and names that lead there.

import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

const ranges4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4'],
];
// Unspecified, loopback and IPv4-compatible; local NAT64; unique local, link-local, site-local, multicast.
const ranges6 = ['::/96', '64:ff9b:1::/48', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'];

const notPublic = new BlockList();
for (const range of ranges4) {
  const [address = '', bits] = range.split('/');
  notPublic.addSubnet(address, Number(bits), 'ipv4');
  // The same behind NAT64 (RFC 6052) and 6to4 (RFC 3056). IPv4-mapped addresses are seen to by BlockList.
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const words = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  notPublic.addSubnet(`64:ff9b::${words}`, 96 + Number(bits), 'ipv6');
  notPublic.addSubnet(`2002:${words}::`, 16 + Number(bits), 'ipv6');
}
for (const range of ranges6) {
  const [address = '', bits] = range.split('/');
  notPublic.addSubnet(address, Number(bits), 'ipv6');
}

/** @param address as text, IPv6 with or without brackets; false for a name */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare);
  return family !== 0 && notPublic.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

export function refusePrivate(address: string): Error {
  return new Error(`${address} is no public address, and private_addresses says deny`);
}

type Resolved = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/**
 * As `dns.lookup`, for `net.connect`: what it gives is what is connected to, so a name that changes between a check and the
 * connection gets nobody in. A name with one address that is not public is refused as a whole.
 */
export function lookupPublic(hostname: string, options: LookupOptions, done: Resolved): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, []);
    const refused = addresses.find(({ address }) => isPrivateAddress(address));
    if (refused) return done(refusePrivate(`${hostname} leads to ${refused.address}, and that`), []);
    if (options.all === true) return done(null, addresses);
    const [first] = addresses;
    return done(null, first?.address ?? '', first?.family);
  });
}
