// SPDX-License-Identifier: Apache-2.0
// The audit log: where it is, how large it gets, how often it is signed.

import * as z from 'zod';
import { absoluteField, durationField, listOf } from './fields.js';

export const auditSchema = z
  .strictObject({
    path: absoluteField.optional(),
    max_bytes: z.int().min(65_536).max(1_073_741_824).default(16_777_216),
    files: z.int().min(1).max(1000).default(10),
    checkpoint_records: z.int().min(1).max(100_000).default(100),
    checkpoint_interval: durationField({ max: '7d' }).prefault('5m'),
    send_checkpoints: z.boolean().default(false),
    checkpoint_outputs: listOf(z.string().min(1)).optional(),
  })
  .prefault({});

interface Named {
  readonly audit: { readonly checkpoint_outputs?: readonly string[] | undefined };
  readonly outputs: readonly { readonly name: string }[];
}

/** Checkpoints can go only to outputs that are there. */
export function checkCheckpointOutputs({ audit, outputs }: Named, context: z.core.$RefinementCtx): void {
  const names = outputs.map(({ name }) => name);
  (audit.checkpoint_outputs ?? []).forEach((name, index) => {
    if (names.includes(name)) return;
    const message = `no output is called "${name}"; there are: ${names.join(', ') || 'none'}`;
    context.issues.push({ code: 'custom', path: ['audit', 'checkpoint_outputs', index], message, input: name });
  });
}
