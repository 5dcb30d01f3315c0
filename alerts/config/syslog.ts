// SPDX-License-Identifier: Apache-2.0
// Outputs of type `syslog`.

import * as z from 'zod';
import { facilities, severities } from '../sinks/syslog-format.js';
import { absolute, batch, common, duration } from './common.js';
import { tls } from './tls.js';

export const syslog = z
  .strictObject({
    type: z.literal('syslog'),
    ...common,
    /** RFC 5424, and RFC 3164 for `unix`, if left out. */
    protocol: z.enum(['rfc5424', 'rfc3164']).optional(),
    transport: z.enum(['udp', 'tcp', 'tls', 'unix']).default('udp'),
    host: z.string().min(1).default('127.0.0.1'),
    /** 514, and 6514 for TLS (RFC 5425), if left out. */
    port: z.int().min(1).max(65535).optional(),
    /** The socket of `unix`, whether it takes streams or datagrams. */
    path: absolute
      .refine((path) => Buffer.byteLength(path) < 108, 'the path of a socket has up to 107 bytes')
      .default('/dev/log'),
    tls: tls.optional(),
    /** Octet counting (RFC 6587), or a newline behind each message; `octet` if left out, and `lf` for `unix`. */
    framing: z.enum(['octet', 'lf']).optional(),
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
    /** Longest message in bytes; if left out 1024 for RFC 3164, 2048 for UDP, else (and on `unix`) 8192. */
    max_bytes: z.int().min(480).max(65_000).optional(),
    timeout: duration('10s'),
    batch: batch(500, 262_144),
  })
  .superRefine((config, context) => {
    const { protocol, transport } = config;
    const refuse = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    if (config.tls && transport !== 'tls') refuse('tls', `it is of transport tls alone, and this one is ${transport}`);
    const bsd = protocol === 'rfc3164' || (protocol === undefined && transport === 'unix');
    if (config.structured_data !== undefined && bsd) {
      refuse('structured_data', 'RFC 3164 has none: leave it out, or use protocol: rfc5424');
    }
  });
