// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod';
import { parseDuration } from '../../common/duration.js';
import { messageOf } from '../../common/errors.js';

/** A duration such as `10s`, in milliseconds once parsed. */
export const duration = (fallback: string) =>
  z
    .union([z.string(), z.int().positive()])
    .transform((value, context) => {
      try {
        return parseDuration(String(value)) * 1000;
      } catch (error) {
        context.issues.push({ code: 'custom', message: messageOf(error), input: value });
        return z.NEVER;
      }
    })
    .meta({ unit: 'ms' })
    .prefault(fallback);
