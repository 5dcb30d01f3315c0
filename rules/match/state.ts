// SPDX-License-Identifier: Apache-2.0
// What rules ask of flows and addresses beside flow bits, and what they change once they matched.

import { App, Direction } from '../../common/abi.gen.js';
import type {
  AddressBitMatch,
  BitTrack,
  FlowbitsMatch,
  FlowintMatch,
  Rule,
  StateMatch,
  StreamSizeMatch,
} from '../ast.js';
import { keyHolds, type DatasetTest } from '../datasets/tests.js';
import { addressKey } from '../datasets/values.js';
import type { AddressBits } from './address-bits.js';
import type { FlowState, JudgedPacket } from './message.js';
import { pair } from './windows.js';

export interface BitTest {
  /** Names the bit and whether addresses or pairs have it; xbits and hostbits of addresses are the same. */
  readonly table: string;
  readonly command: AddressBitMatch['command'];
  readonly track: BitTrack;
  readonly expire: number;
}

type IntTest = Pick<FlowintMatch, 'name' | 'operator' | 'value'>;

/** Plain data, in the order of the rule. */
export interface StateTests {
  readonly bits: readonly BitTest[];
  readonly ints: readonly IntTest[];
  readonly apps: readonly { readonly apps: number; readonly negated: boolean }[];
  readonly sizes: readonly Pick<StreamSizeMatch, 'side' | 'operator' | 'bytes'>[];
  readonly data: readonly (DatasetTest & { readonly side: 'src' | 'dst' })[];
}

/** Whether it asks, or changes what others ask for. */
export function useOf(match: FlowbitsMatch | AddressBitMatch | FlowintMatch): 'reads' | 'writes' {
  if (match.kind === 'flowint') return ['=', '+', '-'].includes(match.operator) ? 'writes' : 'reads';
  return match.command === 'isset' || match.command === 'isnotset' ? 'reads' : 'writes';
}

export function keywordOf(match: StateMatch): string {
  if (match.kind === 'addressbit' || match.kind === 'addressdata') return match.keyword;
  return match.kind === 'app' ? 'app-layer-protocol' : match.kind;
}

/** The table that a bit is in. */
export function tableOf({ track, name }: Pick<AddressBitMatch, 'track' | 'name'>): string {
  return `${track === 'pair' ? 'pair' : 'address'} ${name}`;
}

/** What a rule asks and changes; undefined if nothing. */
export function stateOf({ matches }: Rule): StateTests | undefined {
  const tests = {
    bits: matches.flatMap((match): BitTest[] => {
      if (match.kind !== 'addressbit') return [];
      const { command, track, expire } = match;
      return [{ table: tableOf(match), command, track, expire }];
    }),
    ints: matches.flatMap((match): IntTest[] => {
      if (match.kind !== 'flowint') return [];
      const { name, operator, value } = match;
      return [{ name, operator, value }];
    }),
    apps: matches.flatMap((match) => (match.kind === 'app' ? [{ apps: match.apps, negated: match.negated }] : [])),
    sizes: matches.flatMap((match): StateTests['sizes'] => {
      if (match.kind !== 'stream_size') return [];
      const { side, operator, bytes } = match;
      return [{ side, operator, bytes }];
    }),
    data: matches.flatMap((match): StateTests['data'] => {
      if (match.kind !== 'addressdata') return [];
      const { name, use, side, context } = match;
      return [{ name, use, side, context }];
    }),
  };
  return Object.values(tests).some(({ length }) => length > 0) ? tests : undefined;
}

function keysOf(track: BitTrack, { src, dst }: JudgedPacket): readonly bigint[] {
  switch (track) {
    case 'src':
      return [src];
    case 'dst':
      return [dst];
    case 'both':
      return [src, dst];
    case 'pair':
      return [pair(src, dst)];
  }
}

/** Of both addresses, one that has the bit will do. */
function bitHolds(
  { table, command, track }: BitTest,
  packet: JudgedPacket,
  bits: AddressBits,
  timeNs: number,
): boolean {
  if (command !== 'isset' && command !== 'isnotset') return true;
  return keysOf(track, packet).some((key) => bits.has(table, key, timeNs)) === (command === 'isset');
}

function compare(operator: string, a: number, b: number): boolean {
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '!=':
      return a !== b;
    default:
      return a === b;
  }
}

/** As in Suricata: a number that is not set meets no comparison, and is 0 where another is compared with it. */
function intHolds({ name, operator, value }: IntTest, flow: FlowState | undefined): boolean {
  if (operator === '=' || operator === '+' || operator === '-') return true;
  if (flow === undefined) return false;
  const own = flow.ints?.get(name);
  if (operator === 'isset' || operator === 'isnotset') return (own !== undefined) === (operator === 'isset');
  return own !== undefined && compare(operator, own, amountOf(value, flow));
}

const amountOf = (value: number | string, flow: FlowState): number =>
  typeof value === 'number' ? value : (flow.ints?.get(value) ?? 0);

/** What is not recognised yet, or never looked at, is neither something nor not something. */
function appHolds({ apps, negated }: StateTests['apps'][number], { app = App.UNKNOWN }: JudgedPacket): boolean {
  if (app === App.UNKNOWN || app === App.IGNORED) return false;
  return ((apps & (1 << app)) !== 0) !== negated;
}

function sizeHolds({ side, operator, bytes }: StateTests['sizes'][number], packet: JudgedPacket): boolean {
  const holds = (direction: Direction): boolean => {
    const sent = packet.streamBytes?.(direction);
    return sent !== undefined && compare(operator, sent, bytes);
  };
  const [client, server] = [Direction.TO_SERVER, Direction.TO_CLIENT];
  switch (side) {
    case 'client':
      return holds(client);
    case 'server':
      return holds(server);
    case 'both':
      return holds(client) && holds(server);
    case 'either':
      return holds(client) || holds(server);
  }
}

/** True if everything that the rule asks holds. */
export function stateHolds(
  tests: StateTests,
  packet: JudgedPacket,
  flow: FlowState | undefined,
  bits: AddressBits,
  timeNs: number,
): boolean {
  return (
    tests.apps.every((test) => appHolds(test, packet)) &&
    tests.ints.every((test) => intHolds(test, flow)) &&
    tests.bits.every((test) => bitHolds(test, packet, bits, timeNs)) &&
    tests.sizes.every((test) => sizeHolds(test, packet)) &&
    tests.data.every((test) => keyHolds(test, addressKey(packet[test.side])))
  );
}

function changeInt({ name, operator, value }: IntTest, flow: FlowState): void {
  if (operator !== '=' && operator !== '+' && operator !== '-') return;
  const ints = (flow.ints ??= new Map<string, number>());
  const amount = amountOf(value, flow);
  const own = ints.get(name);
  // As in Suricata: what is added to nothing is set, and nothing is taken from nothing.
  if (operator === '=' || (operator === '+' && own === undefined)) ints.set(name, amount);
  else if (own !== undefined) ints.set(name, (operator === '+' ? own + amount : own - amount) >>> 0);
}

/** Does what the rule does once it matched. */
export function changeState(
  tests: StateTests,
  packet: JudgedPacket,
  flow: FlowState | undefined,
  bits: AddressBits,
  timeNs: number,
): void {
  if (flow !== undefined) for (const test of tests.ints) changeInt(test, flow);
  for (const { table, command, track, expire } of tests.bits) {
    if (command === 'isset' || command === 'isnotset') continue;
    for (const key of keysOf(track, packet)) {
      if (command === 'set' || (command === 'toggle' && !bits.has(table, key, timeNs))) {
        bits.set(table, key, expire, timeNs);
      } else bits.delete(table, key);
    }
  }
}
