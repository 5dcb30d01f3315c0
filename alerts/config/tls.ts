// SPDX-License-Identifier: Apache-2.0
// The options of outputs that speak TLS.

import * as z from 'zod';
import { absolute, secret } from './common.js';

export const tls = z
  .strictObject({
    /** PEM file of the authorities that the receiver's certificate may come from; those of Node if left out. */
    ca: absolute.optional(),
    /** PEM file of our own certificate and its chain, and its key. */
    cert: absolute.optional(),
    key: secret.optional(),
    /** The name that the receiver's certificate has to hold, and that is sent (SNI); the host's if left out. */
    server_name: z.string().min(1).max(253).optional(),
    verify: z.boolean().default(true),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    message: 'a certificate and its key belong together: name both cert and key, or neither',
    path: ['cert'],
  });

export type TlsConfig = z.output<typeof tls>;
