// SPDX-License-Identifier: Apache-2.0
// A compilation for other threads: rules as memory that all of them share, of which one looks into few.

import { packList } from '../../common/list-packer.js';
import { PackedList, type PackedData } from '../../common/packed-list.js';
import type { RuleSource } from '../ast.js';
import type { EngineRule, EngineTables } from '../match/program.js';
import { parseRules, type LanguageOptions } from '../parser.js';
import { compileKept, type Keepers, type KeptCompilation } from './compile.js';

/** Lists of RuleInfo and of EngineRule. */
export type PackedCompilation = KeptCompilation<PackedData, PackedData>;
export type PackedEngine = PackedCompilation['engine'];

/** What rules have in common: the networks of variables, and the tests that the parser makes once. */
const SHARED = ['addresses', 'ports', 'transforms', 'expression'];

const packed: Keepers<PackedData, PackedData> = {
  infos: (infos) => packList(infos),
  rules: (rules) => packList(rules, SHARED),
};

/** As compileRules. */
export function compilePacked(
  sources: readonly RuleSource[],
  options: LanguageOptions,
  onProgress?: (share: number) => void,
): PackedCompilation {
  return compileKept(parseRules(sources, options, onProgress), options, packed);
}

export function unpackEngine(engine: PackedEngine): EngineTables {
  return { ...engine, rules: new PackedList<EngineRule>(engine.rules) };
}
