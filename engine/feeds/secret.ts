// SPDX-License-Identifier: Apache-2.0
// Header values that are kept outside the configuration.

import { readFile } from 'node:fs/promises';
import { IdsError, messageOf } from '../../common/errors.js';
import type { FeedConfig } from '../config/feeds-schema.js';

async function valueOf(name: string, value: FeedConfig['headers'][string]): Promise<string> {
  if (typeof value === 'string') return value;
  let text: string | undefined;
  if ('env' in value) {
    text = process.env[value.env];
    if (text === undefined) throw new IdsError('FEED_FAILED', `header ${name}: ${value.env} is not in the environment`);
  } else {
    try {
      text = await readFile(value.file, 'utf8');
    } catch (error) {
      throw new IdsError('FEED_FAILED', `header ${name}: cannot read ${value.file}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  const trimmed = text.trim();
  // What is not a header value would be refused with the value in the error: it may be a secret.
  if (!/^[\t\x20-\x7e]{1,4096}$/.test(trimmed)) {
    throw new IdsError('FEED_FAILED', `header ${name}: its value is empty or has characters that no header may have`);
  }
  return trimmed;
}

/** The headers of a feed's requests, read anew for each. @throws IdsError FEED_FAILED */
export async function readHeaders(headers: FeedConfig['headers']): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) values[name.toLowerCase()] = await valueOf(name, value);
  return values;
}
