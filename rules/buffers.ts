// SPDX-License-Identifier: Apache-2.0
// What each buffer belongs to: an application protocol, and the direction that sends it.

import { Field, FlowBit } from '../common/abi.gen.js';
import type { AppName, Buffer as BufferName, Condition, Match, Rule } from './ast.js';
import { holds } from './compile/conditions.js';

/** Directions as bits. */
export const TO_SERVER = 1;
export const TO_CLIENT = 2;
const BOTH = TO_SERVER | TO_CLIENT;

export interface BufferInfo {
  /** Undefined: any. */
  readonly app?: AppName;
  readonly directions: number;
  /** A message may have several of it. */
  readonly several?: true;
  /** It comes from the payload that is handed over up to the inspection depth. */
  readonly payload?: true;
}

export const bufferInfo: Readonly<Record<BufferName, BufferInfo>> = {
  'http.method': { app: 'http', directions: TO_SERVER },
  'http.uri': { app: 'http', directions: TO_SERVER },
  'http.host': { app: 'http', directions: TO_SERVER },
  'http.user_agent': { app: 'http', directions: TO_SERVER },
  'http.header': { app: 'http', directions: BOTH },
  'http.request_body': { app: 'http', directions: TO_SERVER, payload: true },
  'http.response_body': { app: 'http', directions: TO_CLIENT, payload: true },
  'file.data': { app: 'http', directions: BOTH, several: true, payload: true },
  'tls.sni': { app: 'tls', directions: TO_SERVER },
  'tls.certs': { app: 'tls', directions: BOTH, several: true, payload: true },
  'tls.cert_subject': { app: 'tls', directions: BOTH, payload: true },
  'tls.cert_issuer': { app: 'tls', directions: BOTH, payload: true },
  'tls.cert_serial': { app: 'tls', directions: BOTH, payload: true },
  'tls.cert_fingerprint': { app: 'tls', directions: BOTH, payload: true },
  'dns.query': { app: 'dns', directions: TO_SERVER, several: true },
  payload: { directions: BOTH, payload: true },
};

/** IP protocols that carry an application protocol. */
export const transports: Readonly<Record<AppName, readonly number[]>> = { http: [6], tls: [6], dns: [6, 17] };

/** Contents and sizes of a rule. */
export type BufferMatch = Extract<Match, { buffer: BufferName }>;

export function bufferMatches(matches: readonly Match[]): BufferMatch[] {
  return matches.filter((match): match is BufferMatch => match.kind === 'content' || match.kind === 'size');
}

/** The application protocol of the first buffer that has one. */
export function appOf(matches: readonly Match[]): AppName | undefined {
  return bufferMatches(matches)
    .map(({ buffer }) => bufferInfo[buffer].app)
    .find((app) => app !== undefined);
}

/** Directions in which the conditions on the flow can hold. */
export function flowDirections(matches: readonly Match[]): number {
  const conditions = matches.flatMap((match): readonly Condition[] =>
    match.kind === 'header' ? match.conditions.filter(({ field }) => field === Field.FLOW) : [],
  );
  const possible = (bit: number): boolean =>
    [0, FlowBit.FLOWBIT_ESTABLISHED, FlowBit.FLOWBIT_NOT_ESTABLISHED].some((state) =>
      [0, FlowBit.FLOWBIT_REBUILT].some((rebuilt) =>
        conditions.every((condition) => holds(condition, FlowBit.FLOWBIT_TRACKED | state | rebuilt | bit)),
      ),
    );
  return (possible(FlowBit.FLOWBIT_TO_SERVER) ? TO_SERVER : 0) | (possible(FlowBit.FLOWBIT_TO_CLIENT) ? TO_CLIENT : 0);
}

/** Directions in which a rule can match: what its buffers and its conditions on the flow leave. */
export function directionsOf(rule: Pick<Rule, 'matches'>): number {
  return bufferMatches(rule.matches).reduce(
    (left, { buffer }) => left & bufferInfo[buffer].directions,
    flowDirections(rule.matches),
  );
}
