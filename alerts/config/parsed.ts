// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod';
import { messageOf } from '../../common/errors.js';

/** Runs a parser of ours as a zod transform: its message becomes the issue. */
export function parsed<T>(work: (text: string) => T) {
  return (value: string | number, context: z.core.$RefinementCtx<string | number>): T => {
    try {
      return work(String(value));
    } catch (error) {
      context.issues.push({ code: 'custom', message: messageOf(error), input: value });
      return z.NEVER;
    }
  };
}
