// SPDX-License-Identifier: Apache-2.0
// What is seen of layer 7, how deep payload is inspected, and what is logged.

import * as z from 'zod';
import { messageOf } from '../../common/errors.js';
import { foldHost, parseMilliseconds, parseStatusRange, SELECTION_LIMITS } from '../layer7/selection.js';
import { listOf } from './fields.js';

const port = z.int().min(1).max(65_535);
const name = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'not a header name');

function parsed<T>(work: (text: string) => T) {
  return z.union([z.string(), z.int()]).transform((value, context): T => {
    try {
      return work(String(value));
    } catch (error) {
      context.issues.push({ code: 'custom', message: messageOf(error), input: value });
      return z.NEVER;
    }
  });
}

const printable = (max: number) =>
  z.string().regex(new RegExp(`^[!-~]{1,${max}}$`), `1 to ${max} printable characters without spaces are needed`);

/** `off`, or what has to hold for a transaction to be logged; without a key all are. */
const http = z.preprocess(
  (value) => (value === false ? 'off' : value),
  z
    .union([
      z.literal('off'),
      z.strictObject({
        method: printable(SELECTION_LIMITS.method).optional(),
        host: printable(SELECTION_LIMITS.host).transform(foldHost).optional(),
        path: printable(SELECTION_LIMITS.path).startsWith('/', 'a path begins with /').optional(),
        port: port.optional(),
        status: parsed(parseStatusRange).optional(),
        slower: parsed(parseMilliseconds).optional(),
        sample: z.int().min(1).max(1_000_000).default(1),
        headers: z.union([z.literal('all'), listOf(name).pipe(z.array(name).max(SELECTION_LIMITS.headers))]).optional(),
      }),
    ])
    .prefault({}),
);

/** YAML 1.2 reads on and off as texts. */
const onOff = z.preprocess(
  (value) => (value === 'on' ? true : value === 'off' ? false : value),
  z.boolean({ error: 'on or off is needed' }),
);

export const layer7Schema = z
  .strictObject({
    http: onOff.default(true),
    tls: onOff.default(true),
    dns: onOff.default(true),
    ignore_ports: listOf(port).default([]),
    aggregate: z.preprocess(
      (value) => (value === true ? 'on' : value === false ? 'off' : value),
      z.enum(['on', 'requests', 'off']).default('requests'),
    ),
    log: z.strictObject({ http, tls: onOff.default(true), dns: onOff.default(true) }).prefault({}),
  })
  .prefault({});

const depth = z.int().min(0).max(1_048_576).default(8192);

export const inspectSchema = z
  .strictObject({ to_server: depth, to_client: depth, shallow_ports: listOf(port).default([]) })
  .prefault({});

export type Layer7Config = z.output<typeof layer7Schema>;
export type HttpLogConfig = Layer7Config['log']['http'];
