// SPDX-License-Identifier: Apache-2.0
// The `outputs` section of the configuration: schemas with their defaults.

import * as z from 'zod';
import { batch, common, MIB } from './config/common.js';
import { file } from './config/file.js';
import { httpOutputs } from './config/http-outputs.js';
import { httpProblem } from './config/http.js';
import { kafka } from './config/kafka.js';
import { nats } from './config/nats.js';
import { redis } from './config/redis.js';
import { syslog } from './config/syslog.js';
import { webhook } from './config/webhook.js';
import { logKinds } from './lines.js';

const stdout = z.strictObject({ type: z.literal('stdout'), ...common, batch: batch(1000, MIB) });

export const outputSchema = z.discriminatedUnion('type', [
  file,
  syslog,
  webhook,
  nats,
  redis,
  kafka,
  ...httpOutputs,
  stdout,
]);

/** All outputs: each gets a name, and no two the same. */
export const outputsSchema = z
  .array(outputSchema)
  .transform((outputs) => outputs.map((output) => ({ ...output, name: output.name ?? output.type })))
  .superRefine((outputs, context) => {
    const seen = new Set<string>();
    outputs.forEach((output, index) => {
      const { name, format, events } = output;
      const problem = httpProblem(output);
      if (problem) context.addIssue({ code: 'custom', path: [index, problem[0]], message: problem[1] });
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
