// SPDX-License-Identifier: Apache-2.0
// What the schemas of all outputs are made of. Durations become milliseconds.

import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { formatNames } from '../formats/index.js';
import { eventKinds } from '../lines.js';
import { duration } from './duration.js';
import { collapse, filter, limit } from './gate.js';

export { duration };

export const MIB = 1048576;

export const absolute = z.string().refine(isAbsolute, 'a path that begins with / is needed');

/** Where a secret is kept; it is never written into the configuration itself. */
export const secret = z.union(
  [z.strictObject({ file: absolute }), z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/) })],
  {
    error: 'a secret is kept outside the configuration: write { file: /etc/ids/NAME } or { env: NAME }',
  },
);

const queue = z
  .strictObject({
    records: z.int().min(1).max(10_000_000).default(1_000_000),
    bytes: z
      .int()
      .min(65_536)
      .default(256 * MIB),
    overflow: z.enum(['drop-newest', 'drop-oldest']).default('drop-newest'),
    max_age: duration('7d'),
    log_bytes: z
      .int()
      .min(65_536)
      .default(64 * MIB),
  })
  .prefault({});

const retry = z.strictObject({ initial: duration('1s'), max: duration('1m') }).prefault({});

export const batch = (records: number, bytes: number) =>
  z
    .strictObject({
      records: z.int().min(1).max(10_000).default(records),
      bytes: z
        .int()
        .min(1024)
        .max(16 * MIB)
        .default(bytes),
    })
    .prefault({});

export const common = {
  /** Names the output in status and logs; the type if left out. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name is made of letters, digits, dots, dashes and underscores')
    .optional(),
  /** What it takes, by EVE's event_type. */
  events: z.array(z.enum(eventKinds)).min(1).default(['alert', 'drop', 'engine']),
  /** Of alerts, drops and what the engine tells; log lines are EVE. */
  format: z.enum(formatNames).default('eve'),
  filter,
  /** Repeats are told as one record. */
  collapse: collapse.optional(),
  limit: limit.optional(),
  queue,
  retry,
};

export type SecretSource = z.output<typeof secret>;
