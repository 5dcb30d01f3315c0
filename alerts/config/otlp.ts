// SPDX-License-Identifier: Apache-2.0
// The options of OTLP over HTTP.

import * as z from 'zod';
import { batch, common, secret } from './common.js';
import { compression, http, url } from './http.js';

export const otlp = z.strictObject({
  type: z.literal('otlp'),
  ...common,
  ...http,
  url,
  /** Sent as `Authorization: Bearer …`. */
  bearer: secret.optional(),
  /** More attributes of the resource. */
  resource: z.record(z.string().min(1).max(255), z.string().max(1024)).default({}),
  compression: compression('gzip'),
  batch: batch(500, 1_048_576),
});

export type OtlpConfig = z.output<typeof otlp> & { readonly name: string };
