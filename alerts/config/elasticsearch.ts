// SPDX-License-Identifier: Apache-2.0
// The options of Elasticsearch and OpenSearch.

import * as z from 'zod';
import { batch, common, secret } from './common.js';
import { basic, compression, http, url } from './http.js';

export const elasticsearch = z.strictObject({
  type: z.literal('elasticsearch'),
  ...common,
  ...http,
  ...basic,
  format: z.enum(['ecs', 'eve', 'ocsf']).default('ecs'),
  url,
  /** Base64 of `id:key`, as Elasticsearch shows it. */
  api_key: secret.optional(),
  /** An index or data stream; `%Y`, `%m`, `%d` and `%H` are of the record's time, in UTC. */
  index: z
    .string()
    .regex(
      /^(?![-_+.])(?:[^A-Z\\/*?"<>| ,#:%]|%[YmdH]){1,255}$/,
      'small letters without \\ / * ? " < > | , # : and spaces, and %Y %m %d %H',
    )
    .default('logs-ids-default'),
  /** An ingest pipeline. */
  pipeline: z
    .string()
    .regex(/^[!-~]{1,255}$/)
    .optional(),
  compression: compression('gzip'),
  batch: batch(500, 1_048_576),
});

export type ElasticsearchConfig = z.output<typeof elasticsearch> & { readonly name: string };
