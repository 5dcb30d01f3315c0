// SPDX-License-Identifier: Apache-2.0
// Requests as the schemas have them.

import type { z } from 'zod';
import { IdsError } from '../../common/errors.js';

/** Reads a body or query; what does not fit is the caller's mistake. */
export function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  const text = `the request is not valid: ${where === '' ? 'the body' : where}: ${issue?.message ?? ''}`;
  throw new IdsError('USAGE', text);
}

export type Optional<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Drops keys that are undefined, so that optional properties are absent, not undefined. */
export function compact<T extends object>(value: T): Optional<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Optional<T>;
}
