// SPDX-License-Identifier: Apache-2.0
// Address expressions of a rule header: addresses, prefixes, ranges, `any`, over the mapped 128-bit space.

import { isIPv4, isIPv6 } from 'node:net';
import { parseAddress } from '../common/address.js';
import { resolve, type Domain, type Failure } from './expression.js';
import type { AddressSet } from './ast.js';
import { subtract, type Interval, type IntervalSet } from './sets.js';

const MAPPED = 0xffff_0000_0000n;
const SPACE_END = (1n << 128n) - 1n;

const ipv4: Interval = { from: MAPPED, to: MAPPED + 0xffff_ffffn };
const ipv6: IntervalSet = [
  { from: 0n, to: MAPPED - 1n },
  { from: ipv4.to + 1n, to: SPACE_END },
];

/** Every address. */
export const allAddresses: AddressSet = [{ from: 0n, to: SPACE_END }];

export interface ResolvedAddresses {
  readonly set: AddressSet;
  readonly any: boolean;
  readonly negated: boolean;
}

const EXAMPLES = 'write for example 192.0.2.7, 192.0.2.0/24, 192.0.2.1-192.0.2.9, 2001:db8::/32, any or $HOME_NET';

function valueOf(text: string): bigint {
  return BigInt(`0x${Buffer.from(parseAddress(text).buffer).toString('hex')}`);
}

/** IPv6 intervals do not reach into the range that stands for IPv4, unless they lie in it. */
function guarded(interval: Interval): IntervalSet {
  if (interval.from >= ipv4.from && interval.to <= ipv4.to) return [interval];
  return subtract([interval], [ipv4]);
}

function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'));
}

function bad(text: string): { cause: string; remedy: string } {
  if (text.includes(' '))
    return { cause: `"${text}" holds a blank`, remedy: 'separate the elements of a list with commas' };
  return { cause: `"${text}" is not an address, prefix or range`, remedy: EXAMPLES };
}

/** Prefix length of `24` or `255.255.255.0`; undefined if it is neither. */
function maskLength(mask: string, bits: number): number | undefined {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits ? Number(mask) : undefined;
  if (bits !== 32 || !isIPv4(mask)) return undefined;
  const holes = 0xffff_ffffn - (valueOf(mask) - MAPPED);
  return (holes & (holes + 1n)) === 0n ? 32 - holes.toString(2).replace(/^0$/, '').length : undefined;
}

function prefix(address: string, mask: string): IntervalSet | { cause: string; remedy: string } {
  const bits = isIPv4(address) ? 32 : 128;
  const length = maskLength(mask, bits);
  if (length === undefined) {
    return { cause: `"${mask}" is not a prefix length`, remedy: `write a number from 0 to ${bits}` };
  }
  const span = (1n << BigInt(bits - length)) - 1n;
  const from = valueOf(address) & ~span;
  return guarded({ from, to: from | span });
}

function range(low: string, high: string): IntervalSet | { cause: string; remedy: string } {
  const [from, to] = [valueOf(low), valueOf(high)];
  if (isIPv4(low) !== isIPv4(high)) {
    return { cause: `range ${low}-${high} mixes IPv4 and IPv6`, remedy: 'write one range for each' };
  }
  if (from > to) return { cause: `range ${low}-${high} is backwards`, remedy: `write ${high}-${low}` };
  return guarded({ from, to });
}

function atom(text: string): IntervalSet | { cause: string; remedy: string } {
  if (isAddress(text)) return guarded({ from: valueOf(text), to: valueOf(text) });
  const [address = '', mask] = text.split('/', 2);
  if (mask !== undefined && isAddress(address)) return prefix(address, mask);
  const [low = '', high] = text.split('-', 2).map((part) => part.trim());
  if (high !== undefined && isAddress(low) && isAddress(high)) return range(low, high);
  return bad(text);
}

/** The domain of address expressions over these variables (names without `$`). */
export function addressDomain(variables: Readonly<Record<string, string>>): Domain {
  return { noun: 'address', variables, families: [[ipv4], ipv6], atom };
}

/** Resolves an address expression. */
export function resolveAddresses(text: string, domain: Domain): ResolvedAddresses | Failure {
  if (text.toLowerCase() === 'any') return { set: allAddresses, any: true, negated: false };
  const found = resolve(text, domain);
  return 'set' in found && found.any ? { set: allAddresses, any: true, negated: false } : found;
}
