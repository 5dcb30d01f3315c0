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

const MOST = 256;
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

function merge(all: Iterable<Inspection>): Inspection[] {
  const merged = new Map<string, Inspection>();
  for (const one of all) {
    const sides = [one.source, one.destination].flatMap(({ addresses, ports }) => [keyOf(addresses), keyOf(ports)]);
    const key = [...sides, one.ipProtocols?.join('+') ?? '*'].join(' ');
    merged.set(key, { ...one, flags: one.flags | (merged.get(key)?.flags ?? 0) });
  }
  return [...merged.values()];
}

/** What the rules need: `payload` of those that the engine judges, `messages` of those that the kernel judges. */
export function inspectionsOf(engine: readonly Rule[], messages: readonly Rule[]): Inspection[] {
  const of = (rule: Rule, flags: number): Inspection[] => {
    if (flags === 0) return [];
    const { ways, ipProtocols } = rule;
    const rest = { ...(ipProtocols === undefined ? {} : { ipProtocols }), flags };
    return ways.map((way) => ({ ...way, ...rest }));
  };
  const payload = (rule: Rule): number =>
    ((needsOf(rule) & Need.TO_SERVER) !== 0 ? InspectFlag.TO_SERVER : 0) |
    ((needsOf(rule) & Need.TO_CLIENT) !== 0 ? InspectFlag.TO_CLIENT : 0);
  let all = merge([
    ...engine.flatMap((rule) => of(rule, payload(rule))),
    ...messages.flatMap((rule) => of(rule, InspectFlag.MESSAGES)),
  ]);
  if (all.length > MOST) {
    all = merge(all.map((one) => ({ ...one, source: anyPort(one.source), destination: anyPort(one.destination) })));
  }
  if (all.length > MOST) all = merge(all.map((one) => ({ ...one, source: ANY, destination: ANY })));
  return all;
}
