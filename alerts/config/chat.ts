// SPDX-License-Identifier: Apache-2.0
// The options of outputs that people read: Slack, Microsoft Teams, PagerDuty.

import * as z from 'zod';
import { batch, common, secret } from './common.js';
import { http, url } from './http.js';

const forPeople = {
  ...common,
  ...http,
  events: z
    .array(z.enum(['alert', 'drop', 'engine']))
    .min(1)
    .default(['alert', 'engine']),
  /** They have words of their own. */
  format: z.literal('eve').default('eve'),
};

/** Records that are told one by one in a message; the others are counted. */
const listed = z.int().min(1).max(20).default(10);

export const slack = z.strictObject({
  type: z.literal('slack'),
  ...forPeople,
  /** Who knows the URL can post: it is kept as a secret. */
  url: secret,
  listed,
  batch: batch(100, 1_048_576),
});

export const teams = z.strictObject({
  type: z.literal('teams'),
  ...forPeople,
  url: secret,
  listed,
  batch: batch(100, 1_048_576),
});

export const pagerduty = z.strictObject({
  type: z.literal('pagerduty'),
  ...forPeople,
  url: url.default('https://events.pagerduty.com/v2/enqueue'),
  /** The integration key. */
  routing_key: secret,
  /** What is one incident: a rule and a source, or a rule, a source and a destination. */
  dedup: z.enum(['source', 'source_destination']).default('source'),
  batch: batch(20, 1_048_576),
});

export type SlackConfig = z.output<typeof slack> & { readonly name: string };
export type TeamsConfig = z.output<typeof teams> & { readonly name: string };
export type PagerdutyConfig = z.output<typeof pagerduty> & { readonly name: string };
