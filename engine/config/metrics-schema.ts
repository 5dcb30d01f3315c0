// SPDX-License-Identifier: Apache-2.0
// The metrics endpoint: where it listens, and who may read it.

import { BlockList, isIP } from 'node:net';
import * as z from 'zod';
import { secretField } from '../../alerts/index.js';
import { absoluteField } from './fields.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function isLoopback({ host }: ListenAddress): boolean {
  return loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}

const listen = z
  .string({ error: 'off, or an address and a port such as "127.0.0.1:9477" is needed' })
  .transform((text, context) => {
    if (text === 'off') return 'off' as const;
    const [, six, four = '', port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
    const host = six ?? four;
    if (isIP(host) === (six === undefined ? 4 : 6) && Number(port) <= 65_535) return { host, port: Number(port) };
    const message = `"${text}" is no address and port: write for example 127.0.0.1:9477, "[::1]:9477" or off`;
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  })
  .meta({ unit: 'listen' });

export const metricsSchema = z
  .strictObject({
    listen: z.preprocess((value) => (value === false ? 'off' : value), listen).default('off'),
    token: secretField.optional(),
    tls: z.strictObject({ cert: absoluteField, key: absoluteField }).optional(),
    program_time: z.boolean().default(false),
  })
  .superRefine(({ listen: address, token }, context) => {
    if (address === 'off' || token !== undefined || isLoopback(address)) return;
    const message =
      'an address that others reach needs metrics.token, and better metrics.tls too; or listen on 127.0.0.1';
    context.addIssue({ code: 'custom', path: ['listen'], message });
  })
  .prefault({});

export type MetricsConfig = z.output<typeof metricsSchema>;
