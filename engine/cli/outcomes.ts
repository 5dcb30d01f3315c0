// SPDX-License-Identifier: Apache-2.0
// What became of each prefix of an add or remove, for people and as an exit status.

import { IdsError } from '../../common/errors.js';
import type { PrefixOutcome } from '../api/api.js';
import type { ExitStatus } from './command.js';
import type { Context } from './context.js';

type Outcomes = readonly PrefixOutcome[];

/** The outcomes of a request; one that is refused as a whole brings them with its error. */
export async function outcomesOf(request: Promise<Outcomes>): Promise<Outcomes> {
  try {
    return await request;
  } catch (error) {
    const outcomes =
      error instanceof IdsError && error.code === 'PREFIX_REFUSED' ? error.details['outcomes'] : undefined;
    if (Array.isArray(outcomes)) return outcomes as PrefixOutcome[];
    throw error;
  }
}

function print(outcomes: Outcomes, unchanged: string, context: Context): void {
  if (context.json) context.data(outcomes);
  for (const { prefix, outcome, cause } of outcomes) {
    if (outcome === 'refused') {
      context.warn(`ids: refused: ${cause?.startsWith(prefix) ? cause : `${prefix}: ${cause ?? 'no reason given'}`}`);
    } else if (!context.json) {
      const text = outcome === 'unchanged' ? unchanged : outcome;
      context.line(`${prefix}: ${text}${cause === undefined ? '' : `, ${cause}`}`);
    }
  }
}

/** 0 if every prefix is listed now, 1 if only a part is, 2 if all were refused. */
export function reportAdded(outcomes: Outcomes, context: Context): ExitStatus {
  print(outcomes, 'listed already', context);
  const refused = outcomes.filter(({ outcome }) => outcome === 'refused').length;
  if (refused === 0) return 0;
  return refused < outcomes.length ? 1 : 2;
}

/** 0 if every prefix was taken off, 1 if one was not listed, 2 if one was refused. */
export function reportRemoved(outcomes: Outcomes, context: Context): ExitStatus {
  print(outcomes, 'not listed', context);
  if (outcomes.some(({ outcome }) => outcome === 'refused')) return 2;
  return outcomes.some(({ outcome }) => outcome === 'unchanged') ? 1 : 0;
}
