// SPDX-License-Identifier: Apache-2.0
// The reference: rules evaluated one by one on one packet, written from the meaning of the language and not from the
// tables that the compiler makes of it.

import { Field } from '../../../../common/abi.gen.js';
import type { AddressSet, Endpoint, PortSet, Rule } from '../../../../rules/ast.js';
import { isIp, type TestPacket } from './packets.js';

const inAddresses = (set: AddressSet, address: bigint): boolean =>
  set.some((r) => address >= r.from && address <= r.to);
const inPorts = (set: PortSet, port: number): boolean => set.some((r) => port >= r.from && port <= r.to);

function endpointMatches(endpoint: Endpoint, packet: TestPacket, address: bigint, port: number | undefined): boolean {
  if (!endpoint.anyAddress && !(isIp(packet) && inAddresses(endpoint.addresses, address))) return false;
  return endpoint.anyPort || (port !== undefined && inPorts(endpoint.ports, port));
}

function conditionsMatch(rule: Rule, packet: TestPacket): boolean {
  for (const match of rule.matches) {
    if (match.kind !== 'header') return false;
    for (const { field, mask, lo, hi, negate } of match.conditions) {
      const value = packet.fields.get(field);
      if (value === undefined) return false;
      const masked = BigInt(value) & BigInt(mask);
      const inside = masked >= BigInt(lo) && masked <= BigInt(hi);
      if (inside === negate) return false;
    }
  }
  return true;
}

/** True if every part of the rule but its threshold matches the packet. */
export function ruleMatches(rule: Rule, packet: TestPacket): boolean {
  if (!isIp(packet) && !rule.anyFrame) return false;
  if (rule.ipProtocols !== undefined && !rule.ipProtocols.includes(packet.protocol)) return false;
  const version = packet.fields.get(Field.IP_VERSION);
  if (/^ip(v)?4$/.test(rule.protocol) && version !== 4) return false;
  if (/^ip(v)?6$/.test(rule.protocol) && version !== 6) return false;
  if (!conditionsMatch(rule, packet)) return false;
  return rule.ways.some(
    ({ source, destination }) =>
      endpointMatches(source, packet, packet.src, packet.sport) &&
      endpointMatches(destination, packet, packet.dst, packet.dport),
  );
}

/** Indexes of the rules that match, in the order in which rules act. */
export function naiveMatches(rules: readonly Rule[], packet: TestPacket): number[] {
  const order = rules.map((rule, index) => ({ rule, index }));
  order.sort(
    (a, b) => a.rule.action - b.rule.action || a.rule.meta.priority - b.rule.meta.priority || a.index - b.index,
  );
  return order.filter(({ rule }) => ruleMatches(rule, packet)).map(({ index }) => index);
}
