// SPDX-License-Identifier: Apache-2.0
// What the engine needs to name the address rules behind an event of the list stage, as plain data for another thread:
// the address space cut into spans whose sources are listed by the same rules.

import type { Action } from '../../common/abi.gen.js';
import type { AddressSet, Rule, Suppression } from '../ast.js';
import { engineThreshold, type EngineThreshold } from './program.js';

export interface AddressRule {
  /** Index into Compilation.rules. */
  readonly index: number;
  readonly action: Action;
  /** Undefined = any. */
  readonly destination?: AddressSet;
  /** Undefined = any IP protocol. */
  readonly protocols?: readonly number[];
  readonly threshold?: EngineThreshold;
  readonly suppress?: readonly Suppression[];
}

export interface AddressProgram {
  /** In the order in which they act. */
  readonly rules: readonly AddressRule[];
  /** First addresses of the spans, sorted: four words each, the most significant first. A span ends where the next begins. */
  readonly starts: Uint32Array<ArrayBuffer>;
  /** By span, a number of `groups`; 0 = nobody lists it. */
  readonly spans: Uint32Array<ArrayBuffer>;
  /** Rules (indices into `rules`, sorted) that list the sources of a span. */
  readonly groups: readonly (readonly number[])[];
}

interface Border {
  readonly at: bigint;
  readonly rule: number;
  readonly enter: boolean;
}

function addressRule({ rule, index }: { rule: Rule; index: number }): AddressRule {
  const threshold = engineThreshold(rule);
  const destination = rule.ways[0]?.destination;
  return {
    index,
    action: rule.action,
    ...(destination === undefined || destination.anyAddress ? {} : { destination: destination.addresses }),
    ...(rule.ipProtocols === undefined ? {} : { protocols: rule.ipProtocols }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(rule.suppress === undefined ? {} : { suppress: rule.suppress }),
  };
}

function bordersOf(rules: readonly { rule: Rule }[]): Border[] {
  const borders = rules.flatMap(({ rule }, number) =>
    (rule.ways[0]?.source.addresses ?? []).flatMap(({ from, to }) => [
      { at: from, rule: number, enter: true },
      { at: to + 1n, rule: number, enter: false },
    ]),
  );
  return borders.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** The program of address rules in the order in which they act. */
export function makeAddressProgram(rules: readonly { rule: Rule; index: number }[]): AddressProgram {
  const starts: number[] = [];
  const spans: number[] = [];
  const groups: number[][] = [[]];
  const known = new Map<string, number>([['', 0]]);
  const open = new Set<number>();
  const borders = bordersOf(rules);
  for (let i = 0; i < borders.length;) {
    const at = borders[i]?.at ?? 0n;
    for (let border = borders[i]; border?.at === at; border = borders[++i]) {
      if (border.enter) open.add(border.rule);
      else open.delete(border.rule);
    }
    // The end of the space is no address.
    if (at >> 128n) break;
    const members = [...open].sort((a, b) => a - b);
    const key = members.join();
    let group = known.get(key);
    if (group === undefined) {
      known.set(key, (group = groups.length));
      groups.push(members);
    }
    for (const shift of [96n, 64n, 32n, 0n]) starts.push(Number((at >> shift) & 0xffff_ffffn));
    spans.push(group);
  }
  return { rules: rules.map(addressRule), starts: Uint32Array.from(starts), spans: Uint32Array.from(spans), groups };
}
