// SPDX-License-Identifier: Apache-2.0
// The `response` section: which detections put their source on the blocklist, and for how long.

import * as z from 'zod';
import { durationField, listOf } from './fields.js';

const sid = z.int().min(1).max(0xffffffff);
const trust = z.enum(['proven', 'unproven']);

/** Every key that is there must hold. */
const match = z
  .strictObject({
    sid: listOf(sid).optional(),
    classtype: listOf(z.string().min(1)).optional(),
    action: listOf(z.enum(['alert', 'drop', 'reject'])).optional(),
    min_severity: z.int().min(1).max(255).optional(),
  })
  .refine((value) => Object.keys(value).length > 0, 'a match without a condition would take every alert');

const escalate = z
  .strictObject({
    factor: z.number().min(1).max(100).default(2),
    max: durationField({ max: '365d' }).prefault('7d'),
    memory: durationField({ max: '365d' }).prefault('24h'),
  })
  .optional();

const rule = z.strictObject({
  match,
  block: durationField({ max: '365d' }).prefault('1h'),
  escalate,
  trust: trust.optional(),
});

const unproven = z
  .strictObject({
    ttl: durationField({ zero: true, max: '10m' }).prefault('0s'),
    max: z.int().min(1).max(1_000_000).default(1000),
  })
  .prefault({});

export const responseSchema = z
  .strictObject({ rules: z.array(rule).default([]), trust: trust.default('proven'), unproven })
  .prefault({});

export type ResponseConfig = z.output<typeof responseSchema>;
export type ResponseRule = ResponseConfig['rules'][number];
