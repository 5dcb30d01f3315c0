// SPDX-License-Identifier: Apache-2.0
// The header of a rule: action, protocol, both ends and the direction between them.

import { Action } from '../common/abi.gen.js';
import { resolveAddresses, type ResolvedAddresses } from './addresses.js';
import type { Endpoint, RejectSides } from './ast.js';
import type { Domain, Failure } from './expression.js';
import { excerpt, type Token } from './lexer.js';
import { resolvePorts, type ResolvedPorts } from './ports.js';
import { protocols, type Protocol } from './protocols.js';
import { didYouMean } from './suggest.js';

interface ActionInfo {
  readonly action: Action;
  readonly reject: RejectSides;
  /** As written behind the action. */
  readonly scope?: 'packet' | 'flow';
}

export interface Header extends ActionInfo {
  readonly protocolName: string;
  readonly protocol: Protocol;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly bidirectional: boolean;
  /** First thing that this engine does not do. */
  readonly unsupported?: { readonly keyword: string; readonly reason: string; readonly at: number };
}

/** Resolves each expression once for all rules. */
export interface Resolver {
  readonly addressDomain: Domain;
  readonly portDomain: Domain;
  readonly addresses: Map<string, ResolvedAddresses | Failure>;
  readonly ports: Map<string, ResolvedPorts | Failure>;
}

export interface HeaderProblem extends Failure {
  readonly keyword: string;
}

function action(kind: Action, source = false, destination = false, ends = false): ActionInfo {
  return { action: kind, reject: { source, destination, ends } };
}

export const actions: ReadonlyMap<string, ActionInfo> = new Map([
  ['alert', action(Action.ALERT)],
  ['drop', action(Action.DROP)],
  ['pass', action(Action.PASS)],
  ['reject', action(Action.REJECT, true, false, true)],
  ['rejectsrc', action(Action.REJECT, true)],
  ['rejectdst', action(Action.REJECT, false, true)],
  ['rejectboth', action(Action.REJECT, true, true)],
]);

const otherActions: Readonly<Record<string, string>> = {
  accept: 'firewall mode is not supported',
  config: 'rules do not change the configuration',
};

const WORDS = [
  'action',
  'protocol',
  'source address',
  'source ports',
  'direction',
  'destination address',
  'destination ports',
];

function cached<T>(cache: Map<string, T>, text: string, make: () => T): T {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const made = make();
  cache.set(text, made);
  return made;
}

function endpoint(address: Token, port: Token, side: string, resolver: Resolver, problems: HeaderProblem[]): Endpoint {
  const addresses = cached(resolver.addresses, address.text, () =>
    resolveAddresses(address.text, resolver.addressDomain),
  );
  const ports = cached(resolver.ports, port.text, () => resolvePorts(port.text, resolver.portDomain));
  if (!('set' in addresses)) problems.push({ ...addresses, at: address.at + addresses.at, keyword: `${side} address` });
  if (!('set' in ports)) problems.push({ ...ports, at: port.at + ports.at, keyword: `${side} port` });
  return {
    addresses: 'set' in addresses ? addresses.set : [],
    ports: 'set' in ports ? ports.set : [],
    anyAddress: 'set' in addresses && addresses.any,
    anyPort: 'set' in ports && ports.any,
    ...('set' in addresses && addresses.negated ? { negated: true as const } : {}),
    text: `${address.text} ${port.text}`,
  };
}

const DIRECTIONS = ['->', '<>', '=>'];
const SHAPE = 'write ACTION PROTOCOL ADDRESS PORT -> ADDRESS PORT (OPTIONS)';

/** What the words of a header have led to so far. */
interface Reading {
  readonly problems: HeaderProblem[];
  unsupported?: NonNullable<Header['unsupported']>;
}

function wrong(reading: Reading, token: Token, keyword: string, cause: string, remedy: string): undefined {
  reading.problems.push({ at: token.at, keyword, cause, remedy });
  return undefined;
}

function later(reading: Reading, token: Token, keyword: string, reason: string): undefined {
  reading.unsupported ??= { keyword, reason, at: token.at };
  return undefined;
}

/** Reads `alert`, `drop:flow` and the like. */
function readAction(token: Token, reading: Reading): ActionInfo | undefined {
  const text = token.text.toLowerCase();
  const [name = '', scope] = text.split(':', 2);
  const info = actions.get(name);
  if (!info) {
    if (Object.hasOwn(otherActions, name)) return later(reading, token, 'action', `${name}: ${otherActions[name]}`);
    const remedy = didYouMean(name, actions.keys(), `write one of ${[...actions.keys()].join(', ')}`);
    return wrong(reading, token, 'action', `"${excerpt(token.text)}" is not an action`, remedy);
  }
  if (scope === undefined) return info;
  if ((scope !== 'packet' && scope !== 'flow') || name === 'alert') {
    return wrong(reading, token, 'action', `"${excerpt(text)}" has no such scope`, `write ${name} or drop:packet`);
  }
  if (name !== 'pass') return { ...info, scope };
  if (scope === 'flow') later(reading, token, 'action', 'pass:flow: a pass by headers is about its packet');
  return info;
}

function readProtocol(token: Token, reading: Reading): Protocol | undefined {
  const [name = '', hook] = token.text.toLowerCase().split(':', 2);
  const protocol = protocols.get(name);
  if (!protocol) {
    const remedy = didYouMean(name, protocols.keys(), 'write for example ip, tcp, udp, icmp or http');
    return wrong(reading, token, 'protocol', `"${excerpt(token.text)}" is not a protocol`, remedy);
  }
  if (protocol.unsupported) later(reading, token, 'protocol', `${name}: ${protocol.unsupported}`);
  else if (hook !== undefined) later(reading, token, 'protocol', `${token.text}: rule hooks are not supported`);
  return protocol;
}

function readDirection(token: Token, reading: Reading): void {
  if (token.text === '=>') later(reading, token, 'direction', '=>: transactions are not matched in both directions');
  if (DIRECTIONS.includes(token.text)) return;
  const remedy = token.text === '<-' ? 'write -> and swap the two ends' : 'write -> or <>';
  wrong(reading, token, 'direction', `"${excerpt(token.text)}" is not a direction`, remedy);
}

/** Reads a header; every problem of it is reported, and undefined is returned if there is one. */
export function parseHeader(
  tokens: readonly Token[],
  resolver: Resolver,
  problems: HeaderProblem[],
  end: number,
): Header | undefined {
  const reading: Reading = { problems };
  const [verb, proto, from, fromPort, arrow, to, toPort] = tokens;
  const info = verb && readAction(verb, reading);
  const protocol = proto && readProtocol(proto, reading);
  if (!verb || !proto || !from || !fromPort || !arrow || !to || !toPort) {
    const missing = {
      at: end,
      keyword: 'header',
      cause: `the ${WORDS[tokens.length] ?? ''} is missing`,
      remedy: SHAPE,
    };
    // A line that does not even begin like a rule has one message, not two.
    if (problems.length === 0) problems.push(missing);
    return undefined;
  }
  readDirection(arrow, reading);
  const source = endpoint(from, fromPort, 'source', resolver, problems);
  const destination = endpoint(to, toPort, 'destination', resolver, problems);
  if (problems.length > 0 || !protocol) return undefined;
  return {
    ...(info ?? action(Action.ALERT)),
    protocolName: proto.text.toLowerCase().split(':', 1)[0] ?? '',
    protocol,
    source,
    destination,
    bidirectional: arrow.text === '<>',
    ...(reading.unsupported ? { unsupported: reading.unsupported } : {}),
  };
}
