// SPDX-License-Identifier: Apache-2.0
// The rule sets in the kernel: two slots, one in force and one to be filled.

import {
  mapShapes,
  PrefixLayout,
  AddressClassLayout,
  readRuleCount,
  RuleCountLayout,
  PatternsLayout,
  RulesetLayout,
} from '../../common/abi.gen.js';
import type { RuleCountRecord } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import { BpfMap, cpus, indexKey } from './bpf-map.js';
import type { ControlMap } from './control.js';
import { check } from './check.js';
import { Mapping } from './memory.js';
import { libbpf } from './native.js';

/** What `rules/` compiles for the kernel. */
export interface RulesetBytes {
  /** struct ids_ruleset; its generation is written here. */
  readonly blob: Uint8Array;
  /** struct ids_prefix and struct ids_address_class of every prefix, back to back. */
  readonly addresses: Uint8Array;
  /** The head of struct ids_patterns, as much as is in use; absent: no rule looks for contents. */
  readonly patterns?: Uint8Array | undefined;
}

const ADDRESS = PrefixLayout.SIZE + AddressClassLayout.SIZE;

export class Rulesets {
  readonly #control: ControlMap;
  readonly #outer: Readonly<Record<'rulesets' | 'addresses' | 'counts' | 'patterns', BpfMap>>;
  /** Counters and number of rules of the slot in force. */
  #counts: BpfMap | undefined;
  #rules = 0;

  constructor(control: ControlMap, outer: Readonly<Record<'rulesets' | 'addresses' | 'counts' | 'patterns', BpfMap>>) {
    this.#control = control;
    this.#outer = outer;
  }

  /**
   * Fills the spare slot and turns to it. When no program can still be in the other one, returns what that one counted
   * in the end, by rule position.
   */
  install(compiled: RulesetBytes, generation: number): RuleCountRecord[] {
    const { blob, addresses } = compiled;
    if (blob.length !== RulesetLayout.SIZE || addresses.length % ADDRESS !== 0) {
      throw new IdsError(
        'INTERNAL',
        `a rule set has ${RulesetLayout.SIZE} bytes and addresses of ${ADDRESS}, not ${blob.length} and ${addresses.length}`,
      );
    }
    const slot = 1 - (this.#control.read().slot & 1);
    const bytes = blob.slice();
    const view = new DataView(bytes.buffer);
    view.setUint32(RulesetLayout.generation, generation, true);
    const rules = view.getUint32(RulesetLayout.rules, true);
    const made: BpfMap[] = [];
    try {
      const create = (name: string, shape: Parameters<typeof BpfMap.create>[1]): BpfMap => {
        const map = BpfMap.create(name, shape);
        made.push(map);
        return map;
      };
      const ruleset = create('ids_ruleset', mapShapes.ids_rulesets.inner);
      ruleset.put(indexKey(0), bytes);
      const trie = create('ids_address', mapShapes.ids_addresses.inner);
      fillAddresses(trie, addresses);
      const counts = create('ids_rule_count', mapShapes.ids_rule_counts.inner);
      const { rulesets, addresses: tries, counts: counters, patterns } = this.#outer;
      // Nothing reads the spare slot: its patterns may go before the new ones are there.
      patterns.delete(indexKey(slot));
      if (compiled.patterns !== undefined) {
        const set = create('ids_patterns', mapShapes.ids_pattern_sets.inner);
        fillPatterns(set, compiled.patterns, generation);
        setInner(patterns, slot, set);
      }
      for (const [outer, inner] of [
        [rulesets, ruleset],
        [tries, trie],
        [counters, counts],
      ] as const)
        setInner(outer, slot, inner);
      this.#control.update({ slot });
      // Writing to a map of maps waits until every program that runs has ended (RCU); that it changes nothing is no matter.
      setInner(counters, slot, counts);
      const last = this.#counts === undefined ? [] : this.counts();
      this.#counts?.close();
      this.#counts = counts;
      this.#rules = rules;
      made.splice(made.indexOf(counts), 1);
      return last;
    } finally {
      for (const map of made) map.close();
    }
  }

  /** Counters of the slot in force by rule position, summed over the CPUs; empty before the first rule set. */
  counts(): RuleCountRecord[] {
    if (this.#counts === undefined) this.#adopt();
    if (this.#counts === undefined || this.#rules === 0) return [];
    const bytes = this.#counts.array(this.#rules);
    const view = new DataView(bytes.buffer);
    const each = cpus();
    return Array.from({ length: this.#rules }, (_, rule) => {
      const sum = { matched: 0, events: 0, suppressed: 0, lost: 0, silenced: 0 };
      for (let cpu = 0; cpu < each; cpu++) {
        const one = readRuleCount(view, (rule * each + cpu) * RuleCountLayout.SIZE);
        sum.matched += one.matched;
        sum.events += one.events;
        sum.suppressed += one.suppressed;
        sum.lost += one.lost;
        sum.silenced += one.silenced;
      }
      return sum;
    });
  }

  /** Generation of the slot in force; 0 before the first rule set. */
  generation(): number {
    const map = getInner(this.#outer.rulesets, this.#control.read().slot & 1);
    if (map === undefined) return 0;
    try {
      const value = map.get(indexKey(0));
      return value === undefined ? 0 : new DataView(value.buffer).getUint32(RulesetLayout.generation, true);
    } finally {
      map.close();
    }
  }

  close(): void {
    this.#counts?.close();
    this.#counts = undefined;
  }

  /** After a restart: the rule set that an earlier run left in force. */
  #adopt(): void {
    const slot = this.#control.read().slot & 1;
    const ruleset = getInner(this.#outer.rulesets, slot);
    const value = ruleset?.get(indexKey(0));
    ruleset?.close();
    if (value === undefined) return;
    this.#counts = getInner(this.#outer.counts, slot);
    this.#rules = new DataView(value.buffer).getUint32(RulesetLayout.rules, true);
  }
}

function setInner(outer: BpfMap, slot: number, inner: BpfMap): void {
  check(libbpf().mapUpdate(outer.fd, indexKey(slot), indexKey(inner.fd), 0), `put ${inner.name} into ${outer.name}`);
}

function getInner(outer: BpfMap, slot: number): BpfMap | undefined {
  const value = outer.get(indexKey(slot));
  if (value === undefined) return undefined;
  const id = new DataView(value.buffer).getUint32(0, true);
  return BpfMap.ofFd(outer.name, check(libbpf().mapFdById(id), `open a map of ${outer.name}`), { owned: true });
}

/** Written through memory: the map holds megabytes, of which a rule set uses the first. */
function fillPatterns(map: BpfMap, patterns: Uint8Array, generation: number): void {
  const memory = Mapping.open(map.fd, map.info.valueSize, { writable: true, what: map.name });
  try {
    new Uint8Array(memory.buffer).set(patterns);
    new DataView(memory.buffer).setUint32(PatternsLayout.generation, generation, true);
  } finally {
    memory.close();
  }
}

function fillAddresses(trie: BpfMap, addresses: Uint8Array): void {
  const total = addresses.length / ADDRESS;
  const keys = new Uint8Array(total * PrefixLayout.SIZE);
  const values = new Uint8Array(total * AddressClassLayout.SIZE);
  for (let i = 0; i < total; i++) {
    const at = i * ADDRESS;
    keys.set(addresses.subarray(at, at + PrefixLayout.SIZE), i * PrefixLayout.SIZE);
    values.set(addresses.subarray(at + PrefixLayout.SIZE, at + ADDRESS), i * AddressClassLayout.SIZE);
  }
  trie.putBatch(keys, values);
}
