// SPDX-License-Identifier: Apache-2.0
// The parts of a host name by the list of public suffixes (https://publicsuffix.org), private ones included; a top level
// that is not on the list is a suffix of its own.

import { parse } from 'tldts';

const options = { allowPrivateDomains: true, detectIp: false, extractHostname: false, validateHostname: false };
const NOTHING = new Uint8Array(0);
const DOT = 0x2e;

/** The registrable domain or its public suffix, with the dot at the end of the name if there is one; empty if it has none. */
export function domainPart(bytes: Uint8Array, part: 'domain' | 'tld'): Uint8Array {
  const dot = bytes.at(-1) === DOT ? 1 : 0;
  const name = Buffer.from(bytes.subarray(0, bytes.length - dot))
    .toString('latin1')
    .toLowerCase();
  const { domain, publicSuffix } = parse(name, options);
  const found = domain === null ? null : part === 'domain' ? domain : publicSuffix;
  return found === null || found === '' ? NOTHING : bytes.subarray(bytes.length - dot - found.length);
}
