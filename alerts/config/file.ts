// SPDX-License-Identifier: Apache-2.0
// Outputs of type `file`.

import * as z from 'zod';
import { parseSize } from '../../common/size.js';
import { absolute, batch, common, duration, MIB } from './common.js';
import { parsed } from './parsed.js';

const mode = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^0?[0-7]{3}$/)
      .transform((text) => parseInt(text, 8)),
  ])
  .refine((value) => value > 0 && value <= 0o777 && (value & 0o111) === 0, 'a file mode such as "0640" is needed')
  .meta({ unit: 'mode' })
  .prefault('0640');

/** A size such as `100MiB`, in bytes once parsed. */
const size = z.union([z.string(), z.int().positive()]).transform(parsed(parseSize));

const rotate = z.strictObject({
  /** A file that would grow beyond it is put aside. */
  size: size.refine((bytes) => bytes >= 65_536, 'a file of 64KiB or more is worth a rotation').prefault('100MiB'),
  /** So is one of an earlier day, hour …: periods count from midnight UTC. */
  every: duration('1d'),
  /** So many are kept beside the file itself. */
  keep: z.int().min(0).max(10_000).default(7),
  compress: z.boolean().default(true),
});

export type RotateConfig = z.output<typeof rotate>;

export const file = z.strictObject({
  type: z.literal('file'),
  ...common,
  path: absolute.default('/var/log/ids/eve.json'),
  mode,
  /** Rotation of its own; without it others may rotate. */
  rotate: rotate.optional(),
  batch: batch(2000, MIB),
});
