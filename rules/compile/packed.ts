// SPDX-License-Identifier: Apache-2.0
// A compilation for other threads: rules as memory that all of them share, of which one looks into few.

import { packList } from '../../common/list-packer.js';
import { PackedList, type PackedData } from '../../common/packed-list.js';
import type { EngineProgram, EngineRule, EngineTables } from '../match/program.js';
import type { Compilation } from './types.js';

export interface PackedEngine extends Omit<EngineProgram, 'rules'> {
  /** EngineRule[] */
  readonly rules: PackedData;
}

export interface PackedCompilation extends Omit<Compilation, 'rules' | 'engine'> {
  /** RuleInfo[] */
  readonly rules: PackedData;
  readonly engine: PackedEngine;
}

/** What rules have in common: the networks of variables, and the tests that the parser makes once. */
const SHARED = ['addresses', 'ports', 'transforms', 'expression'];

export function packCompilation({ rules, engine, ...rest }: Compilation): PackedCompilation {
  return { ...rest, rules: packList(rules), engine: { ...engine, rules: packList(engine.rules, SHARED) } };
}

export function unpackEngine(engine: PackedEngine): EngineTables {
  return { ...engine, rules: new PackedList<EngineRule>(engine.rules) };
}
