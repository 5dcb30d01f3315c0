// SPDX-License-Identifier: Apache-2.0
// Certificates and keys of outputs that speak TLS, from their files.

import { readFile } from 'node:fs/promises';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import { IdsError, messageOf } from '../common/errors.js';
import type { TlsConfig } from './config/tls.js';
import { readSecret } from './secret.js';

/** TLS 1.2 at least; what the options leave out is as Node has it. */
export type TlsFiles = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized' | 'minVersion'
>;

async function read(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new IdsError('OUTPUT_FAILED', `cannot read ${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws IdsError OUTPUT_FAILED if a file cannot be read, is no PEM, or the key is not the certificate's */
export async function readTls(config: TlsConfig | undefined): Promise<TlsFiles> {
  if (config === undefined) return { minVersion: 'TLSv1.2' };
  const { ca, cert, key, server_name: servername, verify } = config;
  const files = {
    ...(ca === undefined ? {} : { ca: await read(ca, 'tls.ca') }),
    ...(cert === undefined ? {} : { cert: await read(cert, 'tls.cert') }),
    ...(key === undefined ? {} : { key: await readSecret(key) }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    const places = [ca, cert, key && ('file' in key ? key.file : key.env)].filter((one) => one !== undefined);
    const remedy = 'PEM is needed, and the key of that certificate';
    throw new IdsError('OUTPUT_FAILED', `TLS cannot use ${places.join(', ')}: ${messageOf(error)}; ${remedy}`, {
      cause: error,
    });
  }
  return {
    ...files,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: verify,
    ...(servername === undefined ? {} : { servername }),
  };
}
