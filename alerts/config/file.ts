// SPDX-License-Identifier: Apache-2.0
// Outputs of type `file`.

import * as z from 'zod';
import { absolute, batch, common, MIB } from './common.js';

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

export const file = z.strictObject({
  type: z.literal('file'),
  ...common,
  path: absolute.default('/var/log/ids/eve.json'),
  mode,
  batch: batch(2000, MIB),
});
