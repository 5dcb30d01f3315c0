// SPDX-License-Identifier: Apache-2.0
// The kinds of values that the configuration file holds, each with its own words for what is wrong.

import * as z from 'zod';
import { parsed } from '../../alerts/index.js';
import { formatPrefix, parsePrefix } from '../../common/address.js';
import { parseDuration } from '../../common/duration.js';

/** Texts and whole numbers; anything else gets one clear line. */
const word = (what: string) => z.union([z.string(), z.int()], { error: `${what} is needed` });

/** A duration, in seconds once parsed; `0s` only where `zero` allows it. */
export function durationField(options: { zero?: boolean; max?: string } = {}) {
  return word('a duration such as 90s, 15m or 1h')
    .transform(
      parsed((text) => {
        if (options.zero && /^0[smhdw]?$/.test(text)) return 0;
        const seconds = parseDuration(text);
        if (options.max !== undefined && seconds > parseDuration(options.max)) {
          throw new Error(`${text} is too long: at most ${options.max}`);
        }
        return seconds;
      }),
    )
    .meta({ unit: 's' });
}

/** One address or prefix, in canonical text once parsed. */
export const prefixField = z
  .string({ error: 'an address or prefix in quotes is needed' })
  .transform(parsed((text) => formatPrefix(parsePrefix(text, { strict: true }))));

/** Members of a network: a prefix, or one behind `!` that is taken out. */
export const networkField = z.string({ error: 'an address or prefix in quotes is needed' }).transform(
  parsed((text) => {
    const negated = text.startsWith('!');
    return `${negated ? '!' : ''}${formatPrefix(parsePrefix(negated ? text.slice(1) : text, { strict: true }))}`;
  }),
);

/** A list, or one item without the list around it. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => (Array.isArray(value) || value === undefined ? value : [value]), z.array(item));
}

/** A rate in things a second. */
export const rateField = z.int().min(1).max(10_000_000);

export const pathField = z.string().min(1, 'a path is needed');

export const absoluteField = z.string().startsWith('/', 'a path that begins with / is needed');
