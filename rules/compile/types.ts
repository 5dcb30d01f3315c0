// SPDX-License-Identifier: Apache-2.0
// What a compilation hands over: listings for people, a kernel table, a program for the engine. All of it can be cloned.

import type { Problem, Reference, RejectSides, Suppression } from '../ast.js';
import type { AddressProgram } from '../match/address-program.js';
import type { NeedName } from '../match/kinds.js';
import type { EngineProgram } from '../match/program.js';
import type { AddressList } from './address-lists.js';

/** Where a rule is judged; see placement.ts. */
export type Placement = 'inline' | 'address' | 'engine' | 'unsupported' | 'disabled';
export type ActionName = 'pass' | 'drop' | 'reject' | 'alert';

/** One rule as listings, alerts and `rules explain` show it. */
export interface RuleInfo {
  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly msg: string;
  readonly action: ActionName;
  readonly classtype?: string;
  readonly category: string;
  readonly priority: number;
  readonly metadata: readonly (readonly [string, string])[];
  readonly references: readonly Reference[];
  readonly target?: 'src_ip' | 'dest_ip';
  /** As written; nothing is recorded for it. */
  readonly tag?: string;
  readonly noalert: boolean;
  /** Whom a reject answers. */
  readonly reject: RejectSides;
  readonly placement: Placement;
  /** Engine: what has to be handed over so that it can be judged. */
  readonly needs?: readonly NeedName[];
  /** Why it is unsupported, what the engine judges it on, or what limits it where it is placed. */
  readonly reason?: string;
  /** Engine: why it is tried on every message of its kind. */
  readonly slow?: string;
  /** How often it alerts, or what it does when it matches too often, in words. */
  readonly threshold?: string;
  /** Of whom it raises no alert, as the threshold file has it. */
  readonly suppress?: readonly string[];
  /** Positions in the kernel table: none, one, two for a bidirectional rule, more with a threshold and `suppress`. */
  readonly positions: readonly number[];
  /** The rule as written, on one line. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly enabled: boolean;
}

/** The kernel's part of a rule set. */
export interface CompiledRuleset {
  /** Exactly one struct ids_ruleset, generation 0. */
  readonly blob: Uint8Array;
  /** Records of 24 bytes: struct ids_prefix, then struct ids_address_class. */
  readonly addresses: Uint8Array;
  /** The head of struct ids_patterns, as much as is in use; absent: no rule looks for contents. */
  readonly patterns?: Uint8Array;
  /** Entries in use. */
  readonly count: number;
  /** sid by position. */
  readonly sids: Uint32Array;
  /** Index into Compilation.rules by position. */
  readonly rules: Uint32Array;
}

export interface CompilationSummary {
  readonly rules: number;
  readonly usable: number;
  readonly inline: number;
  readonly address: number;
  readonly engine: number;
  readonly unsupported: number;
  readonly errors: number;
  /** Rules that somebody has disabled; none of the others. Absent: none. */
  readonly disabled?: number;
}

export interface Compilation {
  readonly rules: readonly RuleInfo[];
  readonly ruleset: CompiledRuleset;
  /** enum ids_l7_setting: messages that the engine needs in any case, and whether segments may be held back. */
  readonly heads: number;
  readonly engine: EngineProgram;
  /** What address rules put on the blocklist, one list a rule. */
  readonly addressLists: readonly AddressList[];
  /** Names the address rules behind an event of the list stage. */
  readonly addresses: AddressProgram;
  readonly problems: readonly Problem[];
  readonly summary: CompilationSummary;
  /** Of rules in the kernel, by index: whose packets raise no alert. */
  readonly suppressed: ReadonlyMap<number, readonly Suppression[]>;
}
