// SPDX-License-Identifier: Apache-2.0
// The face of rules/.

export * from './ast.js';
export {
  DEFAULT_PRIORITY,
  parseClassifications,
  parseReferences,
  standardClassifications,
  type Classification,
  type Classifications,
} from './classification.js';
export { keywords } from './keywords/index.js';
export type { Keyword } from './keywords/types.js';
export { parseRules, type LanguageOptions, type ParsedRules } from './parser.js';
export { formatProblem } from './problems.js';
