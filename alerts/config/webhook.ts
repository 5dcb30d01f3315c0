// SPDX-License-Identifier: Apache-2.0
// The options of webhooks.

import * as z from 'zod';
import { batch, common, duration, secret } from './common.js';

export const webhook = z.strictObject({
  type: z.literal('webhook'),
  ...common,
  url: z.url({ protocol: /^https?$/, error: 'an http:// or https:// URL is needed' }).refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url?.username === '' && url.password === '';
  }, 'a URL must not hold a password: use bearer, or headers'),
  /** Key of the signature (Standard Webhooks). */
  secret: secret.optional(),
  /** Sent as `Authorization: Bearer …`. */
  bearer: secret.optional(),
  headers: z
    .record(
      z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')
        .refine(
          (name) => !/^(webhook-.*|content-.*|host|transfer-encoding|connection)$/i.test(name),
          'set by ids itself',
        ),
      z.string().regex(/^[\t\x20-\x7e]*$/, 'not a header value'),
    )
    .default({}),
  timeout: duration('10s'),
  /** With `records: 1` the body is one object, else an array. */
  batch: batch(100, 524_288),
});
