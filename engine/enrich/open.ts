// SPDX-License-Identifier: Apache-2.0
// The enrichment that a configuration asks for.

import { dirname, resolve } from 'node:path';
import { SocketDiag } from '../bpf/index.js';
import type { Config } from '../config/index.js';
import { Enricher } from './enricher.js';
import { Places } from './places.js';
import { Processes } from './processes.js';
import { ReverseNames } from './reverse-names.js';
import { SocketOwners } from './socket-owners.js';

/** How long the start may take to see who holds sockets. */
const PREPARE_MS = 500;

/** Whether alerts say more than their packet and rule do. */
export function enriches({ enrich: { geoip, reverse_dns: dns, process } }: Pick<Config, 'enrich'>): boolean {
  return (geoip?.databases.length ?? 0) > 0 || dns !== undefined || process;
}

/**
 * @param file the configuration's: relative paths start at its directory
 * @throws IdsError FILE_UNREADABLE, PRIVILEGE, SYSCALL
 */
export function openEnricher({ enrich }: Pick<Config, 'enrich'>, file: string): Enricher {
  const { geoip, reverse_dns: dns, process } = enrich;
  const base = dirname(resolve(file));
  const databases = geoip?.databases.map((name) => resolve(base, name)) ?? [];
  const sockets = process ? new SocketDiag() : undefined;
  const owners = sockets && new SocketOwners();
  owners?.prepare(PREPARE_MS);
  return new Enricher({
    ...(databases.length > 0 ? { places: new Places(databases) } : {}),
    ...(dns
      ? {
          names: new ReverseNames({
            servers: dns.servers,
            entries: dns.entries,
            parallel: dns.parallel,
            timeout: dns.timeout,
            ttl: dns.ttl,
            negativeTtl: dns.negative_ttl,
          }),
        }
      : {}),
    ...(sockets && owners
      ? { processes: new Processes({ sockets, owners }), counted: [owners.counts], close: () => sockets.close() }
      : {}),
  });
}
