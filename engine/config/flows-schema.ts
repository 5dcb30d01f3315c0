// SPDX-License-Identifier: Apache-2.0
// The section `flows`.

import * as z from 'zod';
import type { FlowSelection } from '../flows/selection.js';
import { durationField, listOf, prefixField } from './fields.js';

/** Fragments that are put together to one packet in the kernel. */
const fragments = {
  fragments: z.enum(['pass', 'hold']).default('pass'),
  datagrams: z.int().min(16).max(4096).default(128),
};

const idle = (seconds: string) => durationField({ max: '30d' }).prefault(seconds);

/** Idle times after which a flow is over, as Suricata has them. */
const timeouts = z
  .strictObject({
    tcp_new: idle('60s'),
    tcp_established: idle('10m'),
    tcp_closed: idle('60s'),
    udp_new: idle('30s'),
    udp_established: idle('5m'),
    other_new: idle('30s'),
    other_established: idle('5m'),
    fragments: idle('30s'),
  })
  .prefault({});

/** `off`, or which flows are logged; without a key all are. */
const log = z.preprocess(
  (value) => (value === false ? 'off' : value),
  z
    .union([
      z.literal('off'),
      z.strictObject({
        failed: z.boolean().default(false),
        net: listOf(prefixField).optional(),
        port: z.int().min(1).max(65_535).optional(),
        interval: durationField({ zero: true, max: '365d' }).prefault('1h'),
      }),
    ])
    .prefault({})
    .transform((value): FlowSelection | 'off' => {
      if (value === 'off') return value;
      const { failed, net, port, interval } = value;
      return { failed, interval, ...(net === undefined ? {} : { net }), ...(port === undefined ? {} : { port }) };
    }),
);

export const flowsSchema = z
  .strictObject({
    size: z.int().min(1024).max(4_194_304).default(131_072),
    timeouts,
    midstream: z.boolean().default(false),
    log,
    ...fragments,
  })
  .prefault({});
