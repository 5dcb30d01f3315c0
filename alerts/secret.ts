// SPDX-License-Identifier: Apache-2.0
// Secrets of outputs: read from a file or the environment, kept out of every message.

import { readFile } from 'node:fs/promises';
import { IdsError, messageOf } from '../common/errors.js';
import type { SecretSource } from './config.js';

/** Where a secret comes from, in words. */
export function placeOf(source: SecretSource): string {
  return 'file' in source ? source.file : `the environment variable ${source.env}`;
}

/** The secret's text without the newline at its end. @throws IdsError OUTPUT_FAILED, without the secret. */
export async function readSecret(source: SecretSource): Promise<string> {
  let text: string | undefined;
  try {
    text = 'file' in source ? await readFile(source.file, 'utf8') : process.env[source.env];
  } catch (error) {
    throw new IdsError('OUTPUT_FAILED', `cannot read the secret: ${messageOf(error)}`, { cause: error });
  }
  const secret = text?.trim() ?? '';
  if (secret === '') throw new IdsError('OUTPUT_FAILED', `there is no secret in ${placeOf(source)}: put one there`);
  return secret;
}

const KEY_MIN = 24;

/**
 * The key of a webhook signature: `whsec_` and base64, or any text as its UTF-8 bytes.
 * @throws IdsError OUTPUT_FAILED for fewer than 24 bytes or bad base64, naming the place alone.
 */
export async function readSigningKey(source: SecretSource): Promise<Buffer> {
  const secret = await readSecret(source);
  const encoded = /^whsec_(.*)$/s.exec(secret)?.[1];
  const key = encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
  const intact = encoded === undefined || /^[A-Za-z0-9+/]+={0,2}$/.test(encoded);
  if (intact && key.length >= KEY_MIN) return key;
  const remedy = `make one with: echo "whsec_$(openssl rand -base64 32)"`;
  throw new IdsError(
    'OUTPUT_FAILED',
    `the webhook secret in ${placeOf(source)} is no key of ${KEY_MIN} bytes: ${remedy}`,
  );
}
