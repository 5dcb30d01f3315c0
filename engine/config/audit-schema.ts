// SPDX-License-Identifier: Apache-2.0
// The audit log: where it is, how large it gets, how often it is signed.

import * as z from 'zod';
import { absoluteField, durationField } from './fields.js';

export const auditSchema = z
  .strictObject({
    path: absoluteField.optional(),
    max_bytes: z.int().min(65_536).max(1_073_741_824).default(16_777_216),
    files: z.int().min(1).max(1000).default(10),
    checkpoint_records: z.int().min(1).max(100_000).default(100),
    checkpoint_interval: durationField({ max: '7d' }).prefault('5m'),
    send_checkpoints: z.boolean().default(false),
  })
  .prefault({});
