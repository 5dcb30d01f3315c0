// SPDX-License-Identifier: Apache-2.0
// What alerts say beyond the packet: nothing unless it is asked for.

import { isIP } from 'node:net';
import * as z from 'zod';
import { durationField, listOf, pathField } from './fields.js';

const server = z.string({ error: 'the address of a resolver is needed' }).refine(
  (text) => {
    const [, six, four = text, port = '53'] = /^(?:\[([^\]]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
    return isIP(six ?? four) !== 0 && Number(port) > 0 && Number(port) <= 65_535;
  },
  { error: 'no address of a resolver: write for example 192.0.2.53, 192.0.2.53:5353 or "[2001:db8::53]:53"' },
);

const reverseDns = z.strictObject({
  servers: listOf(server).default([]),
  entries: z.int().min(16).max(1_000_000).default(10_000),
  parallel: z.int().min(1).max(256).default(8),
  timeout: durationField({ max: '1m' }).prefault('2s'),
  ttl: durationField({ max: '30d' }).prefault('1h'),
  negative_ttl: durationField({ max: '30d' }).prefault('5m'),
});

export const enrichSchema = z
  .strictObject({
    geoip: z.strictObject({ databases: listOf(pathField).pipe(z.array(pathField).min(1).max(8)) }).optional(),
    reverse_dns: reverseDns.optional(),
    process: z.boolean().default(false),
    rule: z.boolean().default(true),
    headers: z.boolean().default(false),
    packet: z.boolean().default(false),
  })
  .prefault({});
