// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../common/errors.js';

/** How many lines to show. @throws IdsError USAGE */
export function parseLimit(text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text);
  throw new IdsError('USAGE', `"${text}" is no number of lines: write for example 20`);
}
