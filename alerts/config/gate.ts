// SPDX-License-Identifier: Apache-2.0
// What an output takes of the records of its kinds, and how often.

import * as z from 'zod';
import { duration } from './duration.js';

/** `9000001`, or a range `9000000-9000999`. */
const sids = z
  .union([
    z
      .int()
      .min(1)
      .max(0xffffffff)
      .transform((sid): readonly [number, number] => [sid, sid]),
    z
      .string()
      .regex(/^\d{1,10}-\d{1,10}$/, 'a sid or a range such as 9000000-9000999 is needed')
      .transform((text): readonly [number, number] => {
        const [from = 0, to = 0] = text.split('-').map(Number);
        return [from, to];
      })
      .refine(([from, to]) => from <= to, 'the first sid of a range is the smaller one'),
  ])
  .meta({ unit: 'sids' })
  .array()
  .min(1);

/** `key value` of the rule's metadata, or a key alone. */
const tags = z.array(z.string().regex(/^[^\s,]+( [^,]+)?$/, 'metadata is written as "key value", or as "key"')).min(1);

const conditions = {
  severity: z.int().min(1).max(255).optional(),
  classtypes: z.array(z.string().min(1)).min(1).optional(),
  sids: sids.optional(),
  actions: z
    .array(z.enum(['allowed', 'dropped', 'rejected']))
    .min(1)
    .optional(),
  tags: tags.optional(),
};

export const filter = z.strictObject({ ...conditions, except: z.strictObject(conditions).optional() }).prefault({});

export const limit = z.strictObject({ records: z.int().min(1).max(10_000_000).default(1000), per: duration('1m') });

export const collapse = z.strictObject({
  window: duration('1m'),
  events: z
    .array(z.enum(['alert', 'drop']))
    .min(1)
    .default(['alert']),
  /** The first record of a window: at once, or told with the others at the window's end. */
  first: z.enum(['now', 'held']).default('now'),
});

export type FilterConfig = z.output<typeof filter>;
export type LimitConfig = z.output<typeof limit>;
export type CollapseConfig = z.output<typeof collapse>;
