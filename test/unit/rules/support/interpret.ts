// SPDX-License-Identifier: Apache-2.0
// Reads a compiled rule set the way the kernel does, byte by byte from the blob.

import {
  AddressClassLayout,
  CondFlag,
  CondLayout,
  Limit,
  PrefixLayout,
  RuleLayout,
  RulesetLayout,
  type Field,
} from '../../../../common/abi.gen.js';
import type { CompiledRuleset } from '../../../../rules/compile/types.js';
import { isIp, layer4Key, type TestPacket } from './packets.js';

const RECORD = PrefixLayout.SIZE + AddressClassLayout.SIZE;

/** The rule table with its trie as a list of lookups by prefix length. */
export class BlobReader {
  readonly #view: DataView;
  readonly #count: number;
  /** Vectors (source * 65536 + destination) by prefix, for every length in use, longest first. */
  readonly #trie: { shift: bigint; classes: Map<bigint, number> }[] = [];

  constructor(ruleset: CompiledRuleset) {
    this.#view = new DataView(ruleset.blob.buffer, ruleset.blob.byteOffset, ruleset.blob.byteLength);
    this.#count = this.#view.getUint32(RulesetLayout.rules, true);
    const records = new DataView(ruleset.addresses.buffer, ruleset.addresses.byteOffset, ruleset.addresses.byteLength);
    const byLength = new Map<number, Map<bigint, number>>();
    for (let at = 0; at < records.byteLength; at += RECORD) {
      const length = records.getUint32(at + PrefixLayout.prefix, true);
      const high = records.getBigUint64(at + PrefixLayout.addr);
      const address = (high << 64n) | records.getBigUint64(at + PrefixLayout.addr + 8);
      const source = records.getUint16(at + PrefixLayout.SIZE + AddressClassLayout.src, true);
      const destination = records.getUint16(at + PrefixLayout.SIZE + AddressClassLayout.dst, true);
      const shift = BigInt(128 - length);
      const classes = byLength.get(length) ?? new Map<bigint, number>();
      byLength.set(length, classes.set(address >> shift, source * 65536 + destination));
    }
    for (const [length, classes] of [...byLength].sort((a, b) => b[0] - a[0])) {
      this.#trie.push({ shift: BigInt(128 - length), classes });
    }
  }

  get prefixes(): number {
    return this.#trie.reduce((sum, { classes }) => sum + classes.size, 0);
  }

  /** Positions that match, mirrors of a match left out, as the kernel reports them. */
  matches(packet: TestPacket): number[] {
    const vectors = this.#vectors(packet);
    const found: number[] = [];
    for (let position = 0; position < this.#count; position++) {
      if (!vectors.every((vector) => this.#bit(vector, position)) || !this.#conditions(position, packet)) continue;
      const back = this.#view.getUint8(RulesetLayout.rule + position * RuleLayout.SIZE + RuleLayout.back);
      if (position - (found.at(-1) ?? -Infinity) <= back) continue;
      found.push(position);
    }
    return found;
  }

  #vectors(packet: TestPacket): number[] {
    const short = (offset: number, index: number): number => this.#view.getUint16(offset + 2 * index, true);
    const key = layer4Key(packet);
    const port = (table: number, value: number | undefined, side: number): number =>
      value === undefined ? short(RulesetLayout.portNone, side) : short(table, value);
    const address = (value: bigint, side: number): number => {
      if (isIp(packet)) {
        for (const { shift, classes } of this.#trie) {
          const both = classes.get(value >> shift);
          if (both !== undefined) return side === 0 ? both >>> 16 : both & 0xffff;
        }
      }
      return short(RulesetLayout.addressDefault, side);
    };
    return [
      short(RulesetLayout.proto, packet.protocol),
      key === undefined ? short(RulesetLayout.l4None, 0) : short(RulesetLayout.l4, key.space * 256 + key.value),
      port(RulesetLayout.sport, packet.sport, 0),
      port(RulesetLayout.dport, packet.dport, 1),
      address(packet.src, 0),
      address(packet.dst, 1),
    ];
  }

  #bit(vector: number, position: number): boolean {
    const word = this.#view.getBigUint64(
      RulesetLayout.vector + 8 * (vector * Limit.RULE_WORDS + Math.floor(position / 64)),
      true,
    );
    return ((word >> BigInt(position % 64)) & 1n) === 1n;
  }

  #conditions(position: number, packet: TestPacket): boolean {
    const rule = RulesetLayout.rule + position * RuleLayout.SIZE;
    const count = this.#view.getUint8(rule + RuleLayout.conds);
    for (let i = 0; i < count; i++) {
      const at = rule + RuleLayout.cond + i * CondLayout.SIZE;
      const value = packet.fields.get(this.#view.getUint8(at + CondLayout.field) as Field);
      if (value === undefined) return false;
      const masked = (value & this.#view.getUint32(at + CondLayout.mask, true)) >>> 0;
      const lo = this.#view.getUint32(at + CondLayout.lo, true);
      const hi = this.#view.getUint32(at + CondLayout.hi, true);
      const negate = (this.#view.getUint8(at + CondLayout.flags) & CondFlag.COND_NEGATE) !== 0;
      if ((masked >= lo && masked <= hi) === negate) return false;
    }
    return true;
  }
}
