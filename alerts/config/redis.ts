// SPDX-License-Identifier: Apache-2.0
// Outputs of type `redis`.

import * as z from 'zod';
import { batch, common, duration, secret } from './common.js';
import { tls } from './tls.js';

export const redis = z.strictObject({
  type: z.literal('redis'),
  ...common,
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(1).max(65535).default(6379),
  /** Its presence asks for TLS. */
  tls: tls.optional(),
  /** Of an ACL; the server's default user if left out. */
  username: z.string().min(1).optional(),
  password: secret.optional(),
  database: z.int().min(0).max(1_000_000).default(0),
  /** Key of the stream. */
  stream: z.string().min(1).max(512).default('ids'),
  /** About so many entries are kept in it; 0 for all. */
  max_length: z.int().min(0).default(1_000_000),
  timeout: duration('10s'),
  batch: batch(500, 524_288),
});

export type RedisConfig = z.output<typeof redis> & { name: string };
