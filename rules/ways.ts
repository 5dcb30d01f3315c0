// SPDX-License-Identifier: Apache-2.0
// From the header of a rule and what its keywords ask of addresses to the pairs of ends that a packet may have.

import type { AddressMatch, Endpoint, Match, Way } from './ast.js';
import { intersection, subtract } from './sets.js';

type Range = { readonly from: unknown; readonly to: unknown };

const sameList = (a: readonly Range[], b: readonly Range[]): boolean =>
  a.length === b.length && a.every((range, i) => range.from === b[i]?.from && range.to === b[i]?.to);

function sameEnd(a: Endpoint, b: Endpoint): boolean {
  return (
    a.anyAddress === b.anyAddress &&
    a.anyPort === b.anyPort &&
    sameList(a.addresses, b.addresses) &&
    sameList(a.ports, b.ports)
  );
}

function within(end: Endpoint, { set, keyword }: AddressMatch, outside = false): Endpoint {
  // A set that stays the same object is compiled once for all rules that have it.
  const inside = end.anyAddress ? set : intersection(end.addresses, set);
  const addresses = outside ? subtract(end.addresses, set) : inside;
  return { ...end, addresses, anyAddress: false, text: `${end.text} ${keyword}` };
}

function narrowed(way: Way, match: AddressMatch): Way[] {
  const { source, destination } = way;
  switch (match.side) {
    case 'src':
      return [{ ...way, source: within(source, match) }];
    case 'dst':
      return [{ ...way, destination: within(destination, match) }];
    case 'both':
      return [{ source: within(source, match), destination: within(destination, match) }];
    case 'any':
      // Two pairs that no packet has both of.
      return [
        { ...way, source: within(source, match) },
        { source: within(source, match, true), destination: within(destination, match) },
      ];
  }
}

const possible = ({ source, destination }: Way): boolean =>
  [source, destination].every(({ anyAddress, addresses }) => anyAddress || addresses.length > 0);

/**
 * The pairs, the way back of a bidirectional rule behind the way there. None if the keywords leave no address: the rule
 * can match nothing.
 */
export function waysOf(way: Way, bidirectional: boolean, matches: readonly Match[]): readonly Way[] {
  const { source, destination } = way;
  let ways: readonly Way[] =
    bidirectional && !sameEnd(source, destination) ? [way, { source: destination, destination: source }] : [way];
  // A packet that meets two pairs meets two that follow each other: the kernel takes them for one match.
  for (const match of matches) {
    if (match.kind !== 'address') continue;
    const split = ways.map((one) => narrowed(one, match));
    ways = [0, 1].flatMap((half) => split.flatMap((halves) => halves[half] ?? []));
  }
  return ways.filter(possible);
}
