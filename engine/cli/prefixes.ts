// SPDX-License-Identifier: Apache-2.0
// What operators type is looked at before the daemon is asked: a typing error is one with or without a daemon.

import { parseDuration } from '../../common/duration.js';
import { IdsError } from '../../common/errors.js';
import { MAX_CONFIRM, MAX_PREFIXES, MAX_TTL } from '../api/limits.js';

/** @throws IdsError ADDRESS_INVALID with the word that is none, USAGE for more than one request may hold */
export async function requirePrefixes(words: readonly string[]): Promise<void> {
  if (words.length > MAX_PREFIXES) {
    throw new IdsError('USAGE', `${words.length} prefixes are too many at once: name at most ${MAX_PREFIXES}`);
  }
  const { parseOperatorPrefixes } = await import('../lists/operator-input.js');
  for (const word of words) parseOperatorPrefixes(word);
}

/** Seconds. @throws IdsError DURATION_INVALID, USAGE */
export function parseTtl(text: string): number {
  const seconds = parseDuration(text);
  if (seconds <= MAX_TTL) return seconds;
  throw new IdsError('USAGE', `--ttl ${text} is longer than 100 years: leave --ttl out for an entry that stays`);
}

/** Seconds of a probation. @throws IdsError DURATION_INVALID, USAGE */
export function parseConfirm(text: string): number {
  const seconds = parseDuration(text);
  if (seconds <= MAX_CONFIRM) return seconds;
  throw new IdsError(
    'USAGE',
    `--confirm ${text} is longer than an hour: write the time that it takes to see that you are still connected, such as 30s`,
  );
}
