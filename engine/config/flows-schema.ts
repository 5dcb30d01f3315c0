// SPDX-License-Identifier: Apache-2.0
// The section `flows`.

import * as z from 'zod';
import { durationField } from './fields.js';

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

export const flowsSchema = z
  .strictObject({
    size: z.int().min(1024).max(4_194_304).default(131_072),
    timeouts,
    midstream: z.boolean().default(false),
    ...fragments,
  })
  .prefault({});
