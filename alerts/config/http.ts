// SPDX-License-Identifier: Apache-2.0
// The options that all outputs over HTTP share.

import * as z from 'zod';
import { duration, secret, type SecretSource } from './common.js';
import { tls, type TlsConfig } from './tls.js';

const unlocked = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.username === '' && url.password === '';
};

export const url = z
  .url({ protocol: /^https?$/, error: 'an http:// or https:// URL is needed' })
  .refine(unlocked, 'a URL must not hold a password: keep it in a file or the environment');

const proxyUrl = z
  .url({ protocol: /^http$/, error: 'an http:// URL of the proxy is needed' })
  .refine(unlocked, 'a proxy URL must not hold a password: use credentials');

const proxy = z.union(
  [
    proxyUrl.transform((text) => ({ url: text, credentials: undefined })),
    /** Credentials: `user:password`. */
    z.strictObject({ url: proxyUrl, credentials: secret.optional() }),
  ],
  { error: 'an http:// URL of the proxy is needed, or { url: …, credentials: { file: … } }' },
);

const headers = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')
      .refine(
        (name) => !/^(webhook-.*|content-.*|host|transfer-encoding|connection|expect|upgrade)$/i.test(name),
        'set by ids itself',
      ),
    z.union([z.string().regex(/^[\t\x20-\x7e]*$/, 'not a header value'), secret]),
  )
  .default({});

export const http = {
  /** More request headers; values that are secrets are kept elsewhere. */
  headers,
  /** For a request and its answer. */
  timeout: duration('10s'),
  tls: tls.optional(),
  /** All requests go through it (CONNECT). */
  proxy: proxy.optional(),
  /** `deny`: no connection to an address that is not public, whatever the name resolves to. */
  private_addresses: z.enum(['allow', 'deny']).default('allow'),
};

/** Basic authentication. */
export const basic = { username: z.string().min(1).max(255).optional(), password: secret.optional() };

export const compression = (fallback: 'none' | 'gzip') => z.enum(['none', 'gzip']).default(fallback);

/** What the transport has to know of an output. */
export interface HttpConfig {
  readonly headers: z.output<typeof headers>;
  /** Milliseconds. */
  readonly timeout: number;
  readonly tls?: TlsConfig | undefined;
  readonly proxy?: z.output<typeof proxy> | undefined;
  readonly private_addresses: 'allow' | 'deny';
  /** Basic authentication, where a receiver has it. */
  readonly username?: string | undefined;
  readonly password?: SecretSource | undefined;
}

/** What does not go together in an output, with the key to blame. */
export function httpProblem(output: object): readonly [key: string, message: string] | undefined {
  if (!('private_addresses' in output)) return undefined;
  const { proxy: through, private_addresses: addresses, username, password } = output as Partial<HttpConfig>;
  if (through !== undefined && addresses === 'deny') {
    const remedy = 'take out proxy, or leave it to the proxy which addresses it refuses';
    return ['private_addresses', `a proxy resolves names itself: ${remedy}`];
  }
  if ((username === undefined) !== (password === undefined)) {
    return ['username', 'username and password belong together: name both, or neither'];
  }
  const ways = ['username', 'bearer', 'api_key'].filter(
    (key) => key in output && Reflect.get(output, key) !== undefined,
  );
  if (ways.length > 1)
    return [ways[1] ?? '', `${ways.join(' and ')} say who we are in different ways: keep one of them`];
  return undefined;
}
