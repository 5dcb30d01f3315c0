// SPDX-License-Identifier: Apache-2.0
// Rules that are nothing but addresses: their sources become entries of the blocklist instead of header rules.
//
// The list stage asks for the source of a packet alone. An entry that drops decides by that, so a rule that drops
// becomes one only if nothing else of it matters: any IP protocol, any port, and a destination that is HOME_NET or more.
// An entry that alerts only reports the packet: the engine then asks everything that the rule asks (address-program.ts),
// so `tcp` and its like may be there too. What is left needs a header rule, which judges it exactly.

import { Action, Threshold } from '../../common/abi.gen.js';
import type { PrefixColumns } from '../../common/prefix-columns.js';
import type { AddressSet, Rule } from '../ast.js';
import { intersect, overlap } from './overlap.js';
import { prefixColumns } from './range-prefixes.js';

/** What one address rule puts on the blocklist. */
export interface AddressList {
  /** Name of the origin: `rule:<gid>:<sid>`. */
  readonly origin: string;
  /** Index into Compilation.rules. */
  readonly rule: number;
  readonly action: 'drop' | 'alert';
  readonly prefixes: PrefixColumns;
}

/** The origin of an address rule's entries; the response's blocks have `rule:<sid>`. */
export function addressOrigin(rule: { readonly gid: number; readonly sid: number }): string {
  return `rule:${rule.gid}:${rule.sid}`;
}

/** True for the origins that address rules make. */
export function isAddressOrigin(origin: string): boolean {
  return /^rule:\d+:\d+$/.test(origin);
}

/** Shorter prefixes (IPv4, IPv6) are no reputation list: they stay header rules, and the lock-out guard refuses them. */
const SHORTEST = { four: 8, six: 16 } as const;
/** More prefixes of one rule than this come from ranges that nobody means to list. */
const MAX_PREFIXES = 65_536;

const mapped = (first: bigint, last: bigint): { from: bigint; to: bigint } => ({
  from: 0xffff_0000_0000n + first,
  to: 0xffff_0000_0000n + last,
});

/** Sources that no packet from elsewhere has: 0/8, 127/8, 224/3, :: and ::1, fe80::/10, ff00::/8. */
const NOT_FROM_OUTSIDE: AddressSet = [
  { from: 0n, to: 1n },
  mapped(0n, 0x00ff_ffffn),
  mapped(0x7f00_0000n, 0x7fff_ffffn),
  mapped(0xe000_0000n, 0xffff_ffffn),
  { from: 0xfe80n << 112n, to: (0xfec0n << 112n) - 1n },
  { from: 0xff00n << 112n, to: (1n << 128n) - 1n },
];

/**
 * True if a drop by these sources is about forgery: the lock-out guard keeps the blocklist from such addresses, while
 * rules apply to packets that claim them.
 */
function claimsToBeUs(sources: AddressSet, home: AddressSet | undefined): boolean {
  const everywhere = home?.length === 1 && home[0]?.from === 0n;
  return intersect(sources, NOT_FROM_OUTSIDE) || (home !== undefined && !everywhere && intersect(sources, home));
}

/** True if every address of `inner` is in `outer`; both sorted and disjoint. */
export function covers(outer: AddressSet, inner: AddressSet): boolean {
  let i = 0;
  return inner.every(({ from, to }) => {
    while (i < outer.length && (outer[i]?.to ?? 0n) < from) i++;
    const range = outer[i];
    return range !== undefined && range.from <= from && to <= range.to;
  });
}

/** True if the header and the options ask for nothing but addresses (and, of an alert, a protocol). */
function onlyAddresses(rule: Rule, home: AddressSet | undefined): boolean {
  const [way, ...more] = rule.ways;
  const { action } = rule;
  if (action !== Action.ALERT && action !== Action.DROP) return false;
  if (
    rule.app !== undefined ||
    rule.anyFrame ||
    rule.matches.some(({ kind }) => kind !== 'flowbits' && kind !== 'address') ||
    way === undefined ||
    more.length > 0 ||
    rule.meta.noalert
  )
    return false;
  if (action === Action.DROP && rule.ipProtocols !== undefined) return false;
  const { source, destination } = way;
  if (source.anyAddress || !source.anyPort || !destination.anyPort) return false;
  // A limit only silences. The others have to see every packet, and the list stage reports some a second.
  if (rule.threshold !== undefined && rule.threshold.type !== Threshold.LIMIT) return false;
  return destination.anyAddress || (home !== undefined && covers(destination.addresses, home));
}

function listable(prefixes: PrefixColumns): boolean {
  const { count, len4, len6 } = prefixes;
  return (
    count > 0 &&
    count <= MAX_PREFIXES &&
    len4.every((length) => length >= SHORTEST.four) &&
    len6.every((length) => length >= SHORTEST.six)
  );
}

export interface AddressPlacement {
  readonly prefixes?: PrefixColumns;
  /** What limits the rule in its list, or why it needs a header rule all the same. */
  readonly reason?: string;
}

/**
 * The prefixes of a rule that can be a list, or nothing.
 * @param home HOME_NET, if it is known
 * @param passes header rules that pass: the list stage drops before they are judged. An alert is told of the pass.
 */
export function placeAddresses(
  rule: Rule,
  home: AddressSet | undefined,
  passes: readonly Rule[],
): AddressPlacement | undefined {
  const [way] = rule.ways;
  if (way === undefined || !onlyAddresses(rule, home)) return undefined;
  const prefixes = prefixColumns(way.source.addresses);
  if (!listable(prefixes)) return undefined;
  if (rule.action === Action.ALERT) return { prefixes };
  if (claimsToBeUs(way.source.addresses, home)) {
    return { reason: 'stays a header rule: its sources are this network, or nobody from outside' };
  }
  const pass = passes.find((candidate) => overlap(rule, candidate));
  if (pass) return { reason: `stays a header rule: pass rule ${pass.meta.sid} comes before it` };
  if (way.destination.anyAddress) return { prefixes };
  return { prefixes, reason: 'drops what its sources send to any address, not to its destination alone' };
}
