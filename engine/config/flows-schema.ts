// SPDX-License-Identifier: Apache-2.0
// The section `flows`.

import * as z from 'zod';

/** Fragments that are put together to one packet in the kernel. */
const fragments = {
  fragments: z.enum(['pass', 'hold']).default('pass'),
  datagrams: z.int().min(16).max(4096).default(128),
};

export const flowsSchema = z.strictObject({ ...fragments }).prefault({});
