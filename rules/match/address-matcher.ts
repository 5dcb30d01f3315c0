// SPDX-License-Identifier: Apache-2.0
// Names the address rules that match a packet which the list stage reported, thresholds included.

import type { AddressProgram } from './address-program.js';
import type { EngineMatch } from './evaluator.js';
import { holdsAddress } from './tests.js';
import { isSuppressed, ThresholdTable, type PacketTuple } from './windows.js';

export interface AddressMatcher {
  /** The rules that match, in the order in which they act. `timeNs` is the event's time. */
  match(packet: PacketTuple, timeNs: number): EngineMatch[];
  /** Threshold state, for the matcher that follows. */
  readonly thresholds: ThresholdTable;
}

const NOBODY: readonly number[] = [];

class ProgramMatcher implements AddressMatcher {
  readonly thresholds: ThresholdTable;
  readonly #program: AddressProgram;

  constructor(program: AddressProgram, thresholds: ThresholdTable) {
    this.#program = program;
    this.thresholds = thresholds;
  }

  match(packet: PacketTuple, timeNs: number): EngineMatch[] {
    const matches: EngineMatch[] = [];
    for (const number of this.#listing(packet.src)) {
      const rule = this.#program.rules[number];
      if (!rule || (rule.protocols && !rule.protocols.includes(packet.proto))) continue;
      if (rule.destination && !holdsAddress(rule.destination, packet.dst)) continue;
      const quiet = isSuppressed(rule.suppress, packet);
      const checked = quiet ? undefined : rule.threshold && this.thresholds.check(rule.threshold, packet, timeNs);
      if (checked?.outcome === 'no') continue;
      const silenced = quiet || checked?.outcome === 'silent';
      matches.push({
        rule: rule.index,
        action: rule.action,
        alert: !silenced,
        silenced,
        count: checked?.count ?? 0,
      });
    }
    return matches;
  }

  /** Rules that list this source. */
  #listing(source: bigint): readonly number[] {
    const { starts, spans, groups } = this.#program;
    const [a, b] = [Number(source >> 96n), Number((source >> 64n) & 0xffff_ffffn)];
    const [c, d] = [Number((source >> 32n) & 0xffff_ffffn), Number(source & 0xffff_ffffn)];
    // The last span that begins at or before the address.
    let [low, high] = [0, spans.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = 4 * middle;
      const order =
        (starts[at] ?? 0) - a || (starts[at + 1] ?? 0) - b || (starts[at + 2] ?? 0) - c || (starts[at + 3] ?? 0) - d;
      if (order <= 0) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? NOBODY : (groups[spans[low - 1] ?? 0] ?? NOBODY);
  }
}

/** A matcher of `program`; thresholds that `previous` counted go on where the rule and its threshold are the same. */
export function createAddressMatcher(program: AddressProgram, previous?: AddressMatcher): AddressMatcher {
  const thresholds = previous?.thresholds ?? new ThresholdTable();
  thresholds.retain(new Set(program.rules.flatMap(({ threshold }) => (threshold ? [threshold.name] : []))));
  return new ProgramMatcher(program, thresholds);
}
