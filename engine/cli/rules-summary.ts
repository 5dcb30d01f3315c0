// SPDX-License-Identifier: Apache-2.0
// What `rules check`, `rules load`, `rules list`, `replay` and `status` say of a whole rule set.

import type { Problem } from '../../rules/index.js';
import type { RulesSummary } from '../api/api.js';
import type { Context } from './context.js';
import { count, plural } from './table.js';

export function printSummary(summary: RulesSummary, context: Context): void {
  const { rules, usable, inline, address, engine, unsupported, errors } = summary;
  context.line(
    `${plural(rules, 'rule')}: ${count(usable)} usable (${count(inline)} inline, ${count(address)} address, ` +
      `${count(engine)} engine), ${count(unsupported)} unsupported, ${plural(errors, 'error')}`,
  );
}

/** A line each, on standard error. */
export async function printProblems(problems: readonly Problem[], context: Context): Promise<void> {
  if (problems.length === 0) return;
  const { formatProblem } = await import('../../rules/problems.js');
  context.warn(problems.map(formatProblem).join('\n'));
}
