// SPDX-License-Identifier: Apache-2.0
// The options of Splunk's HTTP Event Collector.

import * as z from 'zod';
import { batch, common, duration, secret } from './common.js';
import { compression, http, url } from './http.js';

const word = z.string().regex(/^[!-~]{1,255}$/, 'printable ASCII without spaces is needed');

export const splunkHec = z.strictObject({
  type: z.literal('splunk_hec'),
  ...common,
  ...http,
  url,
  token: secret,
  /** The token's own if left out. */
  index: word.optional(),
  source: word.default('ids'),
  /** That of Splunk's add-on for Suricata. */
  sourcetype: word.default('suricata'),
  /** The host's name if left out. */
  host: word.optional(),
  /** Delivered is what has been indexed: the token has to have acknowledgements enabled. */
  acknowledge: z.boolean().default(false),
  /** So long for it. */
  acknowledge_timeout: duration('2m'),
  compression: compression('none'),
  batch: batch(500, 524_288),
});

export type SplunkHecConfig = z.output<typeof splunkHec> & { readonly name: string };
