// SPDX-License-Identifier: Apache-2.0
// The options of webhooks.

import * as z from 'zod';
import { messageOf } from '../../common/errors.js';
import { lineIn } from '../formats/index.js';
import { Template } from '../formats/template.js';
import { testRecord } from '../test-record.js';
import { absolute, batch, common, secret } from './common.js';
import { compression, http, url } from './http.js';

const CONTENT_TYPE = 'application/json';

const fields = z.strictObject({
  type: z.literal('webhook'),
  ...common,
  ...http,
  url,
  /** Key of the signature (Standard Webhooks). */
  secret: secret.optional(),
  /** Several keys while they are changed: a signature of each is sent. */
  secrets: z.array(secret).min(1).max(4).optional(),
  /** Sent as `Authorization: Bearer …`. */
  bearer: secret.optional(),
  /** The body, in Liquid: text, or a file that holds it. */
  template: z.union([z.string().min(1), z.strictObject({ file: absolute })]).optional(),
  /** Of a body that a template made; others have their own. */
  content_type: z
    .string()
    .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[\t\x20-\x7e]*)?$/, 'a media type such as application/json')
    .default(CONTENT_TYPE),
  compression: compression('none'),
  /** With `records: 1` the body is one object, else an array. */
  batch: batch(100, 524_288),
});

/** Renders the record that `ids outputs test` sends: mistakes show now, not with the first alert. */
function templateProblem({ template, content_type: type, format }: z.output<typeof fields>): string | undefined {
  if (template === undefined) return undefined;
  const line = lineIn[format](testRecord(0));
  try {
    const record: unknown = format === 'cef' || format === 'leef' ? line : JSON.parse(line);
    new Template(template, type).render({ id: 'msg_test', records: [record] });
  } catch (error) {
    return messageOf(error);
  }
  return undefined;
}

export const webhook = fields.superRefine((output, context) => {
  const problem = templateProblem(output);
  if (problem !== undefined) context.addIssue({ code: 'custom', path: ['template'], message: problem });
  if (output.secret && output.secrets) {
    const message = 'secret and secrets are two ways to say one thing: keep one of them';
    context.addIssue({ code: 'custom', path: ['secrets'], message });
  }
});
