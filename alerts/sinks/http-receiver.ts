// SPDX-License-Identifier: Apache-2.0
// What the transport needs of one receiver, with its secrets read.

import type * as Undici from 'undici';
import { IdsError } from '../../common/errors.js';
import type { SecretSource } from '../config.js';
import type { HttpConfig } from '../config/http.js';
import { readSecret } from '../secret.js';
import { readTls } from '../tls-files.js';
import { openAgent } from './http-agent.js';

export interface HttpReceiver extends HttpConfig {
  /** A secret where the URL is one. */
  readonly url: string | SecretSource;
  /** What the receiver is told to know us. */
  readonly secrets?: Readonly<Record<string, SecretSource | undefined>>;
}

export interface OpenedReceiver {
  readonly url: URL;
  readonly agent: Undici.Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** What no message may hold. */
  readonly hidden: readonly string[];
}

/** @throws IdsError OUTPUT_FAILED if a secret, certificate or key cannot be read */
export async function openReceiver(receiver: HttpReceiver, undici: typeof Undici): Promise<OpenedReceiver> {
  const { timeout, proxy, private_addresses: addresses } = receiver;
  const secrets: Record<string, string> = {};
  const headers: Record<string, string> = {};
  const hidden: string[] = [];
  const read = async (source: SecretSource): Promise<string> => {
    const secret = await readSecret(source);
    hidden.push(secret);
    return secret;
  };
  for (const [name, source] of Object.entries(receiver.secrets ?? {})) if (source) secrets[name] = await read(source);
  for (const [name, value] of Object.entries(receiver.headers)) {
    headers[name.toLowerCase()] = typeof value === 'string' ? value : await read(value);
  }
  const url = await urlOf(receiver.url, hidden);
  if (receiver.username !== undefined && receiver.password) {
    const pair = Buffer.from(`${receiver.username}:${await read(receiver.password)}`).toString('base64');
    hidden.push(pair);
    headers['authorization'] = `Basic ${pair}`;
  }
  const tls = await readTls(receiver.tls);
  const credentials = proxy?.credentials && (await read(proxy.credentials));
  const authorization = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  if (authorization !== undefined) hidden.push(authorization);
  const through = proxy && { url: proxy.url, ...(authorization === undefined ? {} : { authorization }) };
  const agent = openAgent(undici, {
    timeout,
    tls,
    publicOnly: addresses === 'deny',
    ...(through === undefined ? {} : { proxy: through }),
  });
  // The longest first: one may hold another.
  hidden.sort((a, b) => b.length - a.length);
  return { url, agent, headers, secrets, hidden };
}

async function urlOf(source: string | SecretSource, hidden: string[]): Promise<URL> {
  if (typeof source === 'string') return new URL(source);
  const text = await readSecret(source);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    const place = 'file' in source ? source.file : `the environment variable ${source.env}`;
    throw new IdsError('OUTPUT_FAILED', `there is no http:// or https:// URL in ${place}: put one there`);
  }
  hidden.push(text);
  // The part that tells one from another.
  if (url.pathname.length > 8) hidden.push(url.pathname);
  if (url.search.length > 8) hidden.push(url.search);
  return url;
}
