// SPDX-License-Identifier: Apache-2.0
// The summary that `rules check` and `rules load` both print.

import type { RulesSummary } from '../api/api.js';
import type { Context } from './command.js';
import { count, plural } from './table.js';

export function printSummary(summary: RulesSummary, context: Context): void {
  const { rules, usable, inline, address, engine, unsupported, errors } = summary;
  context.line(
    `${plural(rules, 'rule')}: ${count(usable)} usable (${count(inline)} inline, ${count(address)} address, ` +
      `${count(engine)} engine), ${count(unsupported)} unsupported, ${plural(errors, 'error')}`,
  );
}
