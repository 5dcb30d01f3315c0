// SPDX-License-Identifier: Apache-2.0
// The options of CloudEvents over HTTP.

import * as z from 'zod';
import { batch, common, secret } from './common.js';
import { compression, http, url } from './http.js';

export const cloudevents = z.strictObject({
  type: z.literal('cloudevents'),
  ...common,
  ...http,
  format: z.enum(['eve', 'ecs', 'ocsf']).default('eve'),
  url,
  /** Sent as `Authorization: Bearer …`. */
  bearer: secret.optional(),
  /** The attribute `source`, a URI reference; `/ids/HOST` if left out. */
  source: z
    .string()
    .regex(/^[!#$%&'()*+,./:;=?@_~\w-]{1,1024}$/, 'a URI reference such as /ids/gateway')
    .optional(),
  /** What the attribute `type` begins with; the event_type follows. */
  type_prefix: z
    .string()
    .regex(/^[\w-]+(\.[\w-]+)*$/, 'words with dots between')
    .max(255)
    .default('ids'),
  compression: compression('none'),
  /** With `records: 1` the body is one event, else a batch. */
  batch: batch(100, 524_288),
});

export type CloudeventsConfig = z.output<typeof cloudevents> & { readonly name: string };
