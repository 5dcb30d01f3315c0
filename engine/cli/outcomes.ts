// SPDX-License-Identifier: Apache-2.0
// What became of each prefix of an add or remove, for people and as an exit status.

import type { PrefixOutcome } from '../api/api.js';
import type { Context, ExitStatus } from './command.js';

/** Prints the outcomes; 0 if all is as asked for, 1 if a removal found nothing, 2 if a prefix was refused. */
export function report(outcomes: readonly PrefixOutcome[], context: Context): ExitStatus {
  if (context.json) context.data(outcomes);
  for (const { prefix, outcome, cause } of outcomes) {
    if (outcome === 'refused') context.warn(`ids: ${prefix}: refused: ${cause ?? 'no reason given'}`);
    else if (!context.json) context.line(`${prefix}: ${outcome}${cause === undefined ? '' : ` (${cause})`}`);
  }
  if (outcomes.some(({ outcome }) => outcome === 'refused')) return 2;
  const missed = outcomes.some(({ outcome, cause }) => outcome === 'unchanged' && cause !== undefined);
  return missed ? 1 : 0;
}
