// SPDX-License-Identifier: Apache-2.0
// The options of Grafana Loki.

import * as z from 'zod';
import { batch, common, secret } from './common.js';
import { basic, compression, http, url } from './http.js';

export const loki = z.strictObject({
  type: z.literal('loki'),
  ...common,
  ...http,
  ...basic,
  url,
  /** Sent as `Authorization: Bearer …`. */
  bearer: secret.optional(),
  /** Sent as `X-Scope-OrgID`. */
  tenant: z
    .string()
    .regex(/^[\w!.*'()|-]{1,150}$/, "letters, digits and !-_.*'()")
    .optional(),
  /** Of all streams; each has its `event_type` too. Labels that differ from record to record make Loki slow. */
  labels: z
    .record(z.string().regex(/^(?!__)[A-Za-z_]\w{0,63}$/, 'not a label name'), z.string().min(1).max(255))
    .refine((all) => Object.keys(all).length <= 10, 'ten labels at most')
    .default({ job: 'ids' }),
  compression: compression('gzip'),
  batch: batch(1000, 1_048_576),
});

export type LokiConfig = z.output<typeof loki> & { readonly name: string };
