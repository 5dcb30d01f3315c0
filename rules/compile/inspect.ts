// SPDX-License-Identifier: Apache-2.0
// Entries of the kernel table that are no rules: whose flows' payload, or messages, some rule could need. Many rules have
// the same header; where there are still too many, ports and then addresses are left out, which only hands over more.

import { InspectFlag } from '../../common/abi.gen.js';
import type { Endpoint, Rule } from '../ast.js';
import { Need, needsOf } from '../match/kinds.js';

export interface Inspection {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** IP protocols; undefined = any. */
  readonly ipProtocols?: readonly number[];
  /** enum ids_inspect_flag */
  readonly flags: number;
}

const MOST = 224;
const MOST_EVERY = 32;
const ANY: Endpoint = {
  addresses: [{ from: 0n, to: (1n << 128n) - 1n }],
  ports: [{ from: 0, to: 65535 }],
  anyAddress: true,
  anyPort: true,
  text: 'any',
};

const anyPort = (side: Endpoint): Endpoint => ({ ...side, ports: ANY.ports, anyPort: true });

const keys = new WeakMap<readonly unknown[], string>();

function keyOf(set: readonly { from: unknown; to: unknown }[]): string {
  let key = keys.get(set);
  if (key === undefined) {
    key = set.map(({ from, to }) => `${String(from)}-${String(to)}`).join();
    keys.set(set, key);
  }
  return key;
}

/** What tells the packets that an entry is about from others. */
function headerKey({ source, destination, ipProtocols }: Omit<Inspection, 'flags'>): string {
  const sides = [source, destination].flatMap(({ addresses, ports }) => [keyOf(addresses), keyOf(ports)]);
  return [...sides, ipProtocols?.join('+') ?? '*'].join(' ');
}

/** One for each of the rule's ways. */
export const headerKeys = ({ ways, ipProtocols }: Rule): string[] =>
  ways.map((way) => headerKey({ ...way, ...(ipProtocols === undefined ? {} : { ipProtocols }) }));

function merge(all: Iterable<Inspection>): Inspection[] {
  const merged = new Map<string, Inspection>();
  for (const one of all) {
    const key = headerKey(one);
    merged.set(key, { ...one, flags: one.flags | (merged.get(key)?.flags ?? 0) });
  }
  return [...merged.values()];
}

/**
 * What the rules need: `payload` of those that the engine judges, `messages` of those that the kernel judges.
 * @param every rules that want every head, with the flags that say so
 */
export function inspectionsOf(
  engine: readonly Rule[],
  messages: readonly Rule[],
  every: ReadonlyMap<Rule, number> = new Map(),
): Inspection[] {
  const of = (rule: Rule, flags: number): Inspection[] => {
    if (flags === 0) return [];
    const { ways, ipProtocols } = rule;
    const rest = { ...(ipProtocols === undefined ? {} : { ipProtocols }), flags };
    return ways.map((way) => ({ ...way, ...rest }));
  };
  const payload = (rule: Rule): number =>
    ((needsOf(rule) & Need.TO_SERVER) !== 0 ? InspectFlag.TO_SERVER : 0) |
    ((needsOf(rule) & Need.TO_CLIENT) !== 0 ? InspectFlag.TO_CLIENT : 0);
  const looks = [
    ...engine.flatMap((rule) => of(rule, payload(rule))),
    ...messages.flatMap((rule) => of(rule, InspectFlag.MESSAGES)),
  ];
  // Those that want every head are few, and what is left out of their header part costs most.
  const wants = [...every].flatMap(([rule, flags]) => of(rule, flags));
  return [...atMost(MOST, looks), ...atMost(MOST_EVERY, wants)];
}

/** Ports, and then addresses, are left out until they are as few as that. */
function atMost(most: number, entries: readonly Inspection[]): Inspection[] {
  let all = merge(entries);
  if (all.length > most) {
    all = merge(all.map((one) => ({ ...one, source: anyPort(one.source), destination: anyPort(one.destination) })));
  }
  if (all.length > most) all = merge(all.map((one) => ({ ...one, source: ANY, destination: ANY })));
  return all;
}
