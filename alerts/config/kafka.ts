// SPDX-License-Identifier: Apache-2.0
// Outputs of type `kafka`.

import * as z from 'zod';
import { batch, common, duration, secret } from './common.js';
import { tls } from './tls.js';

const broker = z.string().regex(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'HOST:PORT is needed');

export const kafka = z.strictObject({
  type: z.literal('kafka'),
  ...common,
  /** Some of the cluster; the others are asked for. */
  brokers: z.array(broker).min(1).max(64).default(['127.0.0.1:9092']),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'up to 249 letters, digits, dots, dashes and underscores')
    .default('ids'),
  /** What has the same key goes to the same partition, and stays in order. */
  key: z.enum(['source', 'id', 'none']).default('source'),
  compression: z.enum(['none', 'gzip']).default('none'),
  /** Its presence asks for TLS. */
  tls: tls.optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string().min(1),
      password: secret,
    })
    .optional(),
  timeout: duration('30s'),
  batch: batch(500, 524_288),
});

export type KafkaConfig = z.output<typeof kafka> & { name: string };
