// SPDX-License-Identifier: Apache-2.0
// The exact tests of one rule: header, flow bits, buffers.

import { App, Field } from '../../common/abi.gen.js';
import type { AddressSet, Condition, Endpoint, PortSet, Way } from '../ast.js';
import { holds } from '../compile/conditions.js';
import { lookups } from '../datasets/tests.js';
import { contentHolds, sizeHolds } from './content.js';
import { Inspection } from './inspect.js';
import type { FlowState, JudgedPacket, Message } from './message.js';
import type { Values } from './numbers.js';
import type { EngineRule, FlowbitTests, TestGroup } from './program.js';
import { transformed } from './transformed.js';

function holdsPort(set: PortSet, port: number): boolean {
  for (const range of set) if (port >= range.from && port <= range.to) return true;
  return false;
}

/** True if the set, sorted and disjoint, holds the address. */
export function holdsAddress(set: AddressSet, address: bigint): boolean {
  let [low, high] = [0, set.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = set[middle];
    if (range === undefined) return false;
    if (address < range.from) high = middle - 1;
    else if (address > range.to) low = middle + 1;
    else return true;
  }
  return false;
}

function endpointHolds(endpoint: Endpoint, address: bigint, port: number, packet: JudgedPacket): boolean {
  if (!endpoint.anyPort && (packet.ports === false || !holdsPort(endpoint.ports, port))) return false;
  return endpoint.anyAddress || holdsAddress(endpoint.addresses, address);
}

function wayHolds(ways: readonly Way[], packet: JudgedPacket): boolean {
  for (const { source, destination } of ways) {
    const { src, dst, sport, dport } = packet;
    if (endpointHolds(source, src, sport, packet) && endpointHolds(destination, dst, dport, packet)) return true;
  }
  return false;
}

function conditionHolds(condition: Condition, packet: JudgedPacket): boolean {
  const value = condition.field === Field.SAMEIP ? Number(packet.src === packet.dst) : packet.field?.(condition.field);
  if (value !== undefined && holds(condition, value)) return true;
  return condition.or !== undefined && conditionHolds(condition.or, packet);
}

/** True if the packet meets what the rule asks of headers. */
export function headerHolds(rule: EngineRule, packet: JudgedPacket): boolean {
  if (rule.protocols !== undefined && !rule.protocols.includes(packet.proto)) return false;
  if (rule.app !== App.UNKNOWN && packet.app !== undefined && packet.app !== rule.app) return false;
  if (!wayHolds(rule.ways, packet)) return false;
  for (const condition of rule.conditions) if (!conditionHolds(condition, packet)) return false;
  return true;
}

/** True if the flow has and lacks the bits that the rule asks for; without a flow nothing holds. */
export function flowbitsHold(tests: FlowbitTests, flow: FlowState | undefined): boolean {
  if (flow === undefined) return tests.isset.length + tests.isnotset.length === 0;
  const { bits } = flow;
  for (const names of tests.isset) if (bits === undefined || !names.some((name) => bits.has(name))) return false;
  for (const names of tests.isnotset) if (bits !== undefined && names.every((name) => bits.has(name))) return false;
  return true;
}

/** Does what the rule does to bits once it matched. */
export function changeFlowbits(tests: FlowbitTests, flow: FlowState | undefined): void {
  if (flow === undefined) return;
  for (const { command, name } of tests.changes) {
    const bits = (flow.bits ??= new Set<string>());
    if (command === 'set' || (command === 'toggle' && !bits.has(name))) bits.add(name);
    else bits.delete(name);
  }
}

const DOT = 0x2e;

function dotted(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out[0] = DOT;
  out.set(bytes, 1);
  return out;
}

/**
 * True if the bytes surely pass all tests of the group.
 * @param values variables of the rule
 * @param hits see Message, and so asSent
 */
export function groupHolds(
  group: TestGroup,
  bytes: Uint8Array,
  open: boolean,
  values: Values,
  hits?: readonly number[],
  asSent = true,
): boolean {
  if (group.chain) {
    return new Inspection(group.chain, group.dot ? dotted(bytes) : bytes, open, values, hits, asSent).holds();
  }
  for (const size of group.sizes) if (!sizeHolds(size, bytes, open, group.dot)) return false;
  for (const content of group.contents) {
    if (hits !== undefined && (asSent || !content.negated) && hits.includes(content.literal)) {
      if (content.negated) return false;
    } else if (!contentHolds(content, bytes, open, group.dot)) return false;
  }
  return true;
}

function anyHolds(group: TestGroup, message: Message, open: boolean, values: Values): boolean {
  for (let instance = 0; ; instance++) {
    const bytes = message.buffer(group.buffer, instance);
    // As in the reference, a negated content does not match a buffer that is not there either.
    if (bytes === undefined) return instance === 0 && group.absent !== undefined && !open;
    if (group.absent === 'alone') return false;
    const { transforms } = group;
    const seen = transforms ? transformed.of(transforms, group.buffer, instance, bytes, open) : bytes;
    const asSent = message.asSent?.(group.buffer);
    const { changes, shown } = lookups;
    const [before, shownBefore] = [changes.length, shown.length];
    if (seen !== undefined && groupHolds(group, seen, open, values, message.hits, asSent)) return true;
    if (changes.length > before) changes.length = before;
    if (shown.length > shownBefore) shown.length = shownBefore;
    if (!group.several) return false;
  }
}

/** Of the rule that is being judged. */
export const variables: Values = new Map();

/** True if the buffers of the message pass all tests of the rule. */
export function buffersHold(rule: EngineRule, message: Message): boolean {
  variables.clear();
  for (const group of rule.groups) if (!anyHolds(group, message, message.open(group.buffer), variables)) return false;
  return true;
}
