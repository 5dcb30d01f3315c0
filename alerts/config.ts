// SPDX-License-Identifier: Apache-2.0
// The `outputs` section of the configuration: schemas with their defaults. Durations become milliseconds.

import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { parseDuration } from '../common/duration.js';
import { messageOf } from '../common/errors.js';
import { formatNames } from './formats/index.js';
import { eventKinds, logKinds } from './lines.js';
import { facilities, severities } from './sinks/syslog-format.js';

const MIB = 1048576;

/** A duration such as `10s`, in milliseconds once parsed. */
const duration = (fallback: string) =>
  z
    .union([z.string(), z.int().positive()])
    .transform((value, context) => {
      try {
        return parseDuration(String(value)) * 1000;
      } catch (error) {
        context.issues.push({ code: 'custom', message: messageOf(error), input: value });
        return z.NEVER;
      }
    })
    .prefault(fallback);

const absolute = z.string().refine(isAbsolute, 'a path that begins with / is needed');

/** Where a secret is kept; it is never written into the configuration itself. */
const secret = z.union(
  [z.strictObject({ file: absolute }), z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/) })],
  {
    error: 'a secret is kept outside the configuration: write { file: /etc/ids/NAME } or { env: NAME }',
  },
);

const queue = z
  .strictObject({
    records: z.int().min(1).max(10_000_000).default(1_000_000),
    bytes: z
      .int()
      .min(65_536)
      .default(256 * MIB),
    overflow: z.enum(['drop-newest', 'drop-oldest']).default('drop-newest'),
    max_age: duration('7d'),
    log_bytes: z
      .int()
      .min(65_536)
      .default(64 * MIB),
  })
  .prefault({});

const retry = z.strictObject({ initial: duration('1s'), max: duration('1m') }).prefault({});

const batch = (records: number, bytes: number) =>
  z
    .strictObject({
      records: z.int().min(1).max(10_000).default(records),
      bytes: z
        .int()
        .min(1024)
        .max(16 * MIB)
        .default(bytes),
    })
    .prefault({});

const common = {
  /** Names the output in status and logs; the type if left out. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name is made of letters, digits, dots, dashes and underscores')
    .optional(),
  /** What it takes, by EVE's event_type. */
  events: z.array(z.enum(eventKinds)).min(1).default(['alert', 'drop', 'engine']),
  /** Of alerts, drops and what the engine tells; log lines are EVE. */
  format: z.enum(formatNames).default('eve'),
  queue,
  retry,
};

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

const webhook = z.strictObject({
  type: z.literal('webhook'),
  ...common,
  url: z.url({ protocol: /^https?$/, error: 'an http:// or https:// URL is needed' }).refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url?.username === '' && url.password === '';
  }, 'a URL must not hold a password: use bearer, or headers'),
  /** Key of the signature (Standard Webhooks). */
  secret: secret.optional(),
  /** Sent as `Authorization: Bearer …`. */
  bearer: secret.optional(),
  headers: z
    .record(
      z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')
        .refine(
          (name) => !/^(webhook-.*|content-.*|host|transfer-encoding|connection)$/i.test(name),
          'set by ids itself',
        ),
      z.string().regex(/^[\t\x20-\x7e]*$/, 'not a header value'),
    )
    .default({}),
  timeout: duration('10s'),
  /** With `records: 1` the body is one object, else an array. */
  batch: batch(100, 524_288),
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
export type SecretSource = z.output<typeof secret>;
