// SPDX-License-Identifier: Apache-2.0
// What `home_net: auto` means on this host.

import { readFileSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { formatPrefix, parsePrefix } from '../../common/address.js';
import type { Config } from './schema.js';
import { PRIVATE_NETWORKS } from './vars.js';

export interface NetworkFacts {
  /** Addresses by interface; default: os.networkInterfaces(). */
  readonly interfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  /** Default /proc. */
  readonly proc?: string;
}

export interface HomeNet {
  readonly networks: readonly string[];
  /** Something the operator should know about the choice. */
  readonly note?: string;
}

function forwards(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() !== '0';
  } catch {
    return false; // the family is off
  }
}

/** HOME_NET: the networks that the configuration names, or this host's own addresses, with its networks on a gateway. */
export function resolveHomeNet(config: Pick<Config, 'home_net' | 'interfaces'>, facts: NetworkFacts = {}): HomeNet {
  if (config.home_net !== 'auto') return { networks: config.home_net };
  const proc = facts.proc ?? '/proc';
  const all = (facts.interfaces ?? networkInterfaces)();
  const networks = new Set<string>();
  for (const { name } of config.interfaces) {
    for (const { address } of all[name] ?? []) networks.add(formatPrefix(parsePrefix(address.replace(/%.*$/, ''))));
  }
  const forwarding = {
    IPv4: forwards(`${proc}/sys/net/ipv4/ip_forward`),
    IPv6: forwards(`${proc}/sys/net/ipv6/conf/all/forwarding`),
  };
  for (const addresses of Object.values(all)) {
    for (const { family, cidr, internal } of addresses ?? []) {
      if (!internal && cidr !== null && forwarding[family]) networks.add(formatPrefix(parsePrefix(cidr)));
    }
  }
  if (networks.size > 0) return { networks: [...networks] };
  const names = config.interfaces.map(({ name }) => name).join(', ');
  const note = `${names} has no address: home_net is ${PRIVATE_NETWORKS.join(', ')}; set home_net if that is wrong`;
  return { networks: PRIVATE_NETWORKS, note };
}
