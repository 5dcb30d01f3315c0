// SPDX-License-Identifier: Apache-2.0
// The connections of one output over HTTP: TLS, a proxy, and which addresses they may lead to.

import type * as Undici from 'undici';
import type { TlsFiles } from '../tls-files.js';
import { lookupPublic } from './private-address.js';

export interface AgentOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly tls: TlsFiles;
  readonly proxy?: { readonly url: string; readonly authorization?: string };
  /** Refuses addresses that are not public. */
  readonly publicOnly: boolean;
}

/** One connection; through a proxy a tunnel (CONNECT), for http:// too. */
export function openAgent(undici: typeof Undici, options: AgentOptions): Undici.Dispatcher {
  const { timeout, proxy, publicOnly } = options;
  const tls = options.tls as Undici.buildConnector.BuildOptions;
  const limits = { connections: 1, headersTimeout: timeout, bodyTimeout: timeout };
  if (proxy) {
    return new undici.ProxyAgent({
      ...limits,
      uri: proxy.url,
      ...(proxy.authorization === undefined ? {} : { token: proxy.authorization }),
      proxyTls: { timeout } as Undici.buildConnector.BuildOptions,
      requestTls: { ...tls, timeout },
    });
  }
  const lookup = publicOnly ? { lookup: lookupPublic } : {};
  return new undici.Agent({ ...limits, connect: { ...tls, ...lookup, timeout } as Undici.buildConnector.BuildOptions });
}
