// SPDX-License-Identifier: Apache-2.0
// The `rules_update` section: rule sets that others keep, where they are, and what is made of them.

import * as z from 'zod';
import { absoluteField, durationField, pathField } from './fields.js';
import { cronField, headersField, namedOnce, sourceName, urlField } from './feeds-schema.js';

const MIB = 1024 * 1024;

const source = z
  .strictObject({
    name: sourceName,
    url: urlField.optional(),
    file: absoluteField.optional(),
    checksum: z
      .string()
      .regex(/^(sha256:[0-9a-fA-F]{64}|md5:[0-9a-fA-F]{32})$/, 'write sha256: or md5: and the sum in hexadecimal')
      .optional(),
    max_bytes: z
      .int()
      .min(1024)
      .max(1024 * MIB)
      .default(64 * MIB),
    max_unpacked: z
      .int()
      .min(1024)
      .max(4096 * MIB)
      .default(512 * MIB),
    timeout: durationField({ max: '1h' }).prefault('60s'),
    headers: headersField,
  })
  .refine((value) => (value.url === undefined) !== (value.file === undefined), 'a source has either a url or a file');

export const updatesSchema = z
  .strictObject({
    sources: z.array(source).default([]).superRefine(namedOnce('sources')),
    schedule: z.union([z.literal('off'), cronField]).default('42 3 * * *'),
    enable_file: pathField.optional(),
    disable_file: pathField.optional(),
    modify_file: pathField.optional(),
    drop_file: pathField.optional(),
    tests: z.array(pathField).default([]),
    max_errors: z.int().min(0).max(1_000_000).default(0),
    max_shrink: z.number().min(0).max(1).default(0.5),
    keep: z.int().min(1).max(20).default(3),
  })
  .prefault({});

export type UpdatesConfig = z.output<typeof updatesSchema>;
export type UpdateSource = UpdatesConfig['sources'][number];
