// SPDX-License-Identifier: Apache-2.0
// The `feeds` section: lists that others keep, where they are, how often they are fetched, and what is taken from them.

import { validate } from 'node-cron';
import * as z from 'zod';
import { LIST_FORMATS } from '../lists/formats/formats.js';
import { absoluteField, durationField } from './fields.js';

const MIB = 1024 * 1024;

/** Where a secret is kept; it is never written into the configuration itself. */
const secret = z.union([
  z.strictObject({ file: absoluteField }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable') }),
]);

export const urlField = z
  .string()
  .regex(/^https?:\/\//, 'a URL that begins with http:// or https:// is needed')
  .refine((text) => URL.canParse(text), 'not a URL')
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'a password in a URL would be shown in logs: write it as a header from a file or the environment',
  );

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'not a header name')
  .refine(
    (name) => !/^(host|connection|content-.*|transfer-encoding|accept-encoding|if-.*|range)$/i.test(name),
    'set by ids itself',
  );

const headerValue = z.union([z.string().regex(/^[\t\x20-\x7e]{0,4096}$/, 'not a header value'), secret]);

export const cronField = z
  .string()
  .refine(
    (text) => validate(text),
    'not a cron schedule: write for example "0 */6 * * *" (minute hour day month weekday)',
  );

export const headersField = z.record(headerName, headerValue).default({});

export const sourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a name is small letters, digits and . _ -, up to 64 of them');

/** No two items have one name. */
export const namedOnce =
  (what: string) =>
  (items: readonly { readonly name: string }[], context: z.RefinementCtx): void => {
    items.forEach(({ name }, index) => {
      if (items.findIndex((item) => item.name === name) === index) return;
      context.addIssue({ code: 'custom', path: [index, 'name'], message: `"${name}" names two ${what}: rename one` });
    });
  };

const feed = z
  .strictObject({
    name: sourceName,
    url: urlField.optional(),
    file: absoluteField.optional(),
    schedule: cronField.default('17 */6 * * *'),
    format: z.enum(LIST_FORMATS).optional(),
    column: z
      .union([z.string().min(1), z.int().min(1)])
      .transform(String)
      .optional(),
    ttl: durationField({ max: '365d' }).optional(),
    action: z.enum(['drop', 'alert']).default('drop'),
    max_entries: z.int().min(1).max(10_000_000).default(2_000_000),
    max_bytes: z
      .int()
      .min(1024)
      .max(1024 * MIB)
      .default(256 * MIB),
    timeout: durationField({ max: '1h' }).prefault('60s'),
    max_shrink: z.number().min(0).max(1).default(0.5),
    headers: headersField,
  })
  .refine((value) => (value.url === undefined) !== (value.file === undefined), 'a feed has either a url or a file');

export const feedsSchema = z.array(feed).default([]).superRefine(namedOnce('feeds'));

export type FeedConfig = z.output<typeof feedsSchema>[number];
