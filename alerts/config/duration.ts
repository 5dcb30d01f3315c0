// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod';
import { parseDuration } from '../../common/duration.js';
import { parsed } from './parsed.js';

/** A duration such as `10s`, in milliseconds once parsed. */
export const duration = (fallback: string) =>
  z
    .union([z.string(), z.int().positive()])
    .transform(parsed((text) => parseDuration(text) * 1000))
    .meta({ unit: 'ms' })
    .prefault(fallback);
