// SPDX-License-Identifier: Apache-2.0
// Outputs of type `nats`.

import * as z from 'zod';
import { batch, common, duration, secret } from './common.js';
import { tls } from './tls.js';

const server = z
  .string()
  .regex(
    /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/,
    'HOST or HOST:PORT is needed, without a user or password',
  );

export const nats = z
  .strictObject({
    type: z.literal('nats'),
    ...common,
    servers: z.array(server).min(1).max(32).default(['127.0.0.1:4222']),
    /** Of a stream of JetStream's. */
    subject: z
      .string()
      .regex(/^[^\s.*>]+(\.[^\s.*>]+)*$/, 'a subject without spaces and wildcards, such as ids.alerts')
      .default('ids.alerts'),
    /** Its presence asks for TLS. */
    tls: tls.optional(),
    username: z.string().min(1).optional(),
    password: secret.optional(),
    token: secret.optional(),
    /** The seed of an NKey (`SU…`). */
    nkey: secret.optional(),
    /** What a .creds file holds. */
    credentials: secret.optional(),
    timeout: duration('10s'),
    batch: batch(500, 524_288),
  })
  .superRefine(({ username, password, token, nkey, credentials }, context) => {
    const ways = [username, token, nkey, credentials].filter((one) => one !== undefined).length;
    const refuse = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    if (ways > 1) refuse('username', 'one of username, token, nkey and credentials is enough');
    if ((username === undefined) !== (password === undefined))
      refuse('password', 'username and password belong together');
  });

export type NatsConfig = z.output<typeof nats> & { name: string };
