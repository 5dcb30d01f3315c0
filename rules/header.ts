// SPDX-License-Identifier: Apache-2.0
// The header of a rule: action, protocol, both ends and the direction between them.

import { Action } from '../common/abi.gen.js';
import { resolveAddresses, type ResolvedAddresses } from './addresses.js';
import type { Endpoint, RejectSides } from './ast.js';
import type { Domain, Failure } from './expression.js';
import type { Token } from './lexer.js';
import { resolvePorts, type ResolvedPorts } from './ports.js';
import { protocols, type Protocol } from './protocols.js';
import { didYouMean } from './suggest.js';

interface ActionInfo {
  readonly action: Action;
  readonly reject: RejectSides;
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

function action(kind: Action, source = false, destination = false): ActionInfo {
  return { action: kind, reject: { source, destination } };
}

export const actions: ReadonlyMap<string, ActionInfo> = new Map([
  ['alert', action(Action.ALERT)],
  ['drop', action(Action.DROP)],
  ['pass', action(Action.PASS)],
  ['reject', action(Action.REJECT, true)],
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
    text: `${address.text} ${port.text}`,
  };
}

const DIRECTIONS = ['->', '<>', '=>'];

/** Reads a header; every problem of it is reported, and undefined is returned if there is one. */
export function parseHeader(
  tokens: readonly Token[],
  resolver: Resolver,
  problems: HeaderProblem[],
  end: number,
): Header | undefined {
  const [verb, proto, ...rest] = tokens;
  const verbText = verb?.text.toLowerCase() ?? '';
  const [name = '', scope] = verbText.split(':', 2);
  const info = actions.get(name);
  let unsupported: Header['unsupported'];
  const later = (keyword: string, reason: string, token: Token | undefined): void => {
    unsupported ??= { keyword, reason, at: token?.at ?? 0 };
  };
  if (!info && Object.hasOwn(otherActions, name)) later('action', `${name}: ${otherActions[name]}`, verb);
  else if (!info) {
    const remedy = didYouMean(name, actions.keys(), `write one of ${[...actions.keys()].join(', ')}`);
    problems.push({ at: verb?.at ?? 0, keyword: 'action', cause: `"${verb?.text ?? ''}" is not an action`, remedy });
  }
  if (scope === 'flow') later('action', `${verbText}: flows are not tracked`, verb);
  else if (scope !== undefined && (scope !== 'packet' || !/^(?:drop|pass|reject)/.test(name))) {
    problems.push({
      at: verb?.at ?? 0,
      keyword: 'action',
      cause: `"${verbText}" has an unknown scope`,
      remedy: 'write drop:packet or drop',
    });
  }
  const [protocolName = '', hook] = proto?.text.toLowerCase().split(':', 2) ?? [];
  const protocol = protocols.get(protocolName);
  if (!proto) {
    problems.push({
      at: end,
      keyword: 'protocol',
      cause: 'the protocol is missing',
      remedy: 'write for example alert tcp any any -> any any',
    });
    return undefined;
  }
  if (!protocol) {
    const remedy = didYouMean(protocolName, protocols.keys(), 'write for example ip, tcp, udp, icmp or http');
    problems.push({ at: proto.at, keyword: 'protocol', cause: `"${proto.text}" is not a protocol`, remedy });
  } else if (protocol.unsupported) later('protocol', `${protocolName}: ${protocol.unsupported}`, proto);
  else if (hook !== undefined) later('protocol', `${proto.text}: rule hooks are not supported`, proto);
  const [from, fromPort, arrow, to, toPort] = rest;
  if (!from || !fromPort || !arrow || !to || !toPort) {
    const missing = WORDS[tokens.length] ?? '';
    problems.push({
      at: end,
      keyword: 'header',
      cause: `the ${missing} is missing`,
      remedy: 'write ACTION PROTOCOL ADDRESS PORT -> ADDRESS PORT (OPTIONS)',
    });
    return undefined;
  }
  if (!DIRECTIONS.includes(arrow.text)) {
    const remedy = arrow.text === '<-' ? 'write -> and swap the two ends' : 'write -> or <>';
    problems.push({ at: arrow.at, keyword: 'direction', cause: `"${arrow.text}" is not a direction`, remedy });
  } else if (arrow.text === '=>') later('direction', '=>: transactions are not matched in both directions', arrow);
  const source = endpoint(from, fromPort, 'source', resolver, problems);
  const destination = endpoint(to, toPort, 'destination', resolver, problems);
  if (problems.length > 0 || !protocol) return undefined;
  const bidirectional = arrow.text === '<>';
  const base = info ?? action(Action.ALERT);
  return {
    ...base,
    protocolName,
    protocol,
    source,
    destination,
    bidirectional,
    ...(unsupported ? { unsupported } : {}),
  };
}
