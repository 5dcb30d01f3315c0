// SPDX-License-Identifier: Apache-2.0
// The words of one single change as prefixes, within its bound: a word may be a range of many.

import type { Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import { MAX_PREFIXES } from '../api/limits.js';
import { parseOperatorPrefixes } from '../lists/index.js';

/**
 * @param list which list they are for
 * @throws IdsError ADDRESS_INVALID, USAGE for more prefixes than a single change may be about
 */
export function operatorPrefixes(words: readonly string[], list: 'blocklist' | 'allowlist'): Prefix[] {
  const prefixes: Prefix[] = [];
  for (const word of words) {
    prefixes.push(...parseOperatorPrefixes(word));
    if (prefixes.length <= MAX_PREFIXES) continue;
    const other = list === 'blocklist' ? ', or list them in a file with "ids blocklist import"' : '';
    const text = `the ranges are more than ${MAX_PREFIXES} prefixes: name fewer at once`;
    throw new IdsError('USAGE', `${text}${other}`, { details: { max: MAX_PREFIXES } });
  }
  return prefixes;
}
