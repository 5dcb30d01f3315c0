// SPDX-License-Identifier: Apache-2.0
// The `outputs` section of the configuration: schemas with their defaults.

import * as z from 'zod';
import { absolute, batch, common, duration, MIB } from './config/common.js';
import { webhook } from './config/webhook.js';
import { logKinds } from './lines.js';
import { facilities, severities } from './sinks/syslog-format.js';

const mode = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^0?[0-7]{3}$/)
      .transform((text) => parseInt(text, 8)),
  ])
  .refine((value) => value > 0 && value <= 0o777 && (value & 0o111) === 0, 'a file mode such as "0640" is needed')
  .prefault('0640');

const file = z.strictObject({
  type: z.literal('file'),
  ...common,
  path: absolute.default('/var/log/ids/eve.json'),
  mode,
  batch: batch(2000, MIB),
});

const stdout = z.strictObject({ type: z.literal('stdout'), ...common, batch: batch(1000, MIB) });

const syslog = z.strictObject({
  type: z.literal('syslog'),
  ...common,
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(1).max(65535).default(514),
  transport: z.enum(['udp', 'tcp']).default('udp'),
  /** TCP: RFC 6587 octet counting, or a newline behind each message. */
  framing: z.enum(['octet', 'lf']).default('octet'),
  facility: z.enum(facilities).default('local5'),
  /** `auto` goes by the rule's severity. */
  severity: z.enum(['auto', ...severities]).default('auto'),
  app_name: z
    .string()
    .regex(/^[!-~]{1,48}$/, 'up to 48 printable ASCII characters without spaces')
    .default('ids'),
  hostname: z
    .string()
    .regex(/^[!-~]{1,64}$/, 'up to 64 printable ASCII characters without spaces')
    .optional(),
  /** Adds structured data under this id, for example `ids@32473`. */
  structured_data: z
    .string()
    .regex(/^[!#-<>-\\^-~]{1,32}$/, 'an SD-ID such as ids@32473')
    .optional(),
  /** Longest message in bytes: 2048 for UDP and 8192 for TCP if left out. */
  max_bytes: z.int().min(480).max(65_000).optional(),
  timeout: duration('10s'),
  batch: batch(500, 262_144),
});

export const outputSchema = z.discriminatedUnion('type', [file, syslog, webhook, stdout]);

/** All outputs: each gets a name, and no two the same. */
export const outputsSchema = z
  .array(outputSchema)
  .transform((outputs) => outputs.map((output) => ({ ...output, name: output.name ?? output.type })))
  .superRefine((outputs, context) => {
    const seen = new Set<string>();
    outputs.forEach(({ name, format, events }, index) => {
      const log = format === 'eve' ? undefined : events.find((kind) => logKinds.some((one) => one === kind));
      if (log !== undefined) {
        const message = `${log} records are EVE alone: give them an output of their own with format eve`;
        context.addIssue({ code: 'custom', path: [index, 'events'], message });
      }
      if (seen.has(name)) {
        const message = `two outputs are called "${name}": give one of them another name`;
        context.addIssue({ code: 'custom', path: [index, 'name'], message });
      }
      seen.add(name);
    });
  });

export type OutputConfig = z.output<typeof outputsSchema>[number];
/** What a user writes. */
export type OutputInput = z.input<typeof outputSchema>;
export type FileConfig = Extract<OutputConfig, { type: 'file' }>;
export type SyslogConfig = Extract<OutputConfig, { type: 'syslog' }>;
export type WebhookConfig = Extract<OutputConfig, { type: 'webhook' }>;
export type StdoutConfig = Extract<OutputConfig, { type: 'stdout' }>;
export type { SecretSource } from './config/common.js';
