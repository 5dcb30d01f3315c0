// SPDX-License-Identifier: Apache-2.0
// The configuration file: every key, its values and its default. docs/configuration.md lists the same keys; a test compares.

import * as z from 'zod';
import { outputsSchema } from '../../alerts/index.js';
import { defaultRedactNames, defaultRedactParameters } from '../layer7/structure/names.js';
import { DEFAULT_PIN_DIR, DEFAULT_SOCKET, DEFAULT_STATE_DIR } from './defaults.js';
import { auditSchema, checkCheckpointOutputs } from './audit-schema.js';
import { absoluteField, durationField, listOf, networkField, pathField, prefixField, rateField } from './fields.js';
import { enrichSchema } from './enrich-schema.js';
import { feedsSchema } from './feeds-schema.js';
import { metricsSchema } from './metrics-schema.js';
import { inspectSchema, layer7Schema } from './layer7-schema.js';
import { flowsSchema } from './flows-schema.js';
import { responseSchema } from './response-schema.js';
import { updatesSchema } from './updates-schema.js';

const interfaceName = z
  .string({ error: 'the name of a network interface is needed' })
  .regex(/^[^\s/:]{1,15}$/, 'an interface name has 1 to 15 characters, none of them a space, slash or colon');

const interfaceItem = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  z.strictObject({
    name: interfaceName,
    mode: z.enum(['auto', 'native', 'generic']).default('auto'),
    egress: z.boolean().default(true),
  }),
);

const interfaces = listOf(interfaceItem).superRefine((items, context) => {
  items.forEach(({ name }, index) => {
    if (items.findIndex((item) => item.name === name) === index) return;
    context.addIssue({ code: 'custom', path: [index], message: `${name} is listed twice: take one of them out` });
  });
});

/** `auto`, a list of networks, or Suricata's `"[10.0.0.0/8,!10.1.0.0/16]"`. */
const homeNet = z.preprocess(
  (value) => {
    if (typeof value !== 'string' || value === 'auto') return value;
    return value
      .replace(/^\[|\]$/g, '')
      .split(',')
      .map((part) => part.trim());
  },
  z.union([z.literal('auto'), z.array(networkField).min(1)]),
);

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name is made of letters, digits and _');

/** A variable's value as rules read it: lists become `[a,b]`. */
const varValue = z
  .union([z.string().min(1), z.int(), z.array(z.union([z.string().min(1), z.int()])).min(1)], {
    error: 'a text, a number or a list of these is needed',
  })
  .transform((value) => (Array.isArray(value) ? `[${value.join(',')}]` : String(value)));

const vars = z
  .strictObject({
    address: z
      .record(variable, varValue)
      .default({})
      .refine((value) => !('HOME_NET' in value), 'HOME_NET is set by the key home_net: move it there'),
    port: z.record(variable, varValue).default({}),
    file: pathField.optional(),
  })
  .prefault({});

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'not a header name');

const parameterName = z.string().regex(/^[!$'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'not the name of a parameter');

const redact = z.preprocess(
  (value) => (value === false ? 'off' : value),
  z
    .union([
      z.literal('off'),
      z.strictObject({
        headers: z.array(headerName).default([...defaultRedactNames]),
        parameters: z.array(parameterName).default([...defaultRedactParameters]),
      }),
    ])
    .prefault({}),
);

const events = z
  .strictObject({
    source_rate: rateField.default(1000),
    rule_rate: rateField.default(5000),
    blocked_rate: rateField.default(1),
    packet_rate: rateField.default(50_000),
  })
  .prefault({});

/** What was delivered is kept so long, and no more than so much of it. */
const outbox = z
  .strictObject({
    keep: durationField({ zero: true, max: '365d' }).prefault('1h'),
    keep_bytes: z.int().min(0).default(67_108_864),
  })
  .prefault({});

const log = z
  .strictObject({
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
    format: z.enum(['auto', 'json', 'pretty']).default('auto'),
  })
  .prefault({});

const keys = z.strictObject({
  interfaces: interfaces.default([]),
  mode: z.enum(['prevent', 'monitor']).default('prevent'),
  home_net: homeNet.default('auto'),
  rules: listOf(pathField).optional(),
  threshold_file: pathField.optional(),
  classification_file: pathField.optional(),
  reference_file: pathField.optional(),
  rules_update: updatesSchema,
  vars,
  reputation: z.strictObject({ categories: pathField, files: listOf(pathField) }).optional(),
  geoip: z.strictObject({ database: pathField }).optional(),
  response: responseSchema,
  allowlist: listOf(prefixField).default([]),
  feeds: feedsSchema,
  outputs: outputsSchema.prefault([{ type: 'file' }]),
  outbox,
  enrich: enrichSchema,
  audit: auditSchema,
  metrics: metricsSchema,
  socket: absoluteField.max(107, 'a socket path has at most 107 bytes').default(DEFAULT_SOCKET),
  state_dir: absoluteField.default(DEFAULT_STATE_DIR),
  pin_dir: absoluteField.default(DEFAULT_PIN_DIR),
  redact,
  flows: flowsSchema,
  events,
  reject_rate: rateField.default(100),
  layer7: layer7Schema,
  inspect: inspectSchema,
  log,
});

export const configSchema = keys.superRefine(checkCheckpointOutputs);

export type Config = z.output<typeof configSchema>;
export type InterfaceConfig = Config['interfaces'][number];
