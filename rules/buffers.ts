// SPDX-License-Identifier: Apache-2.0
// What each buffer belongs to: an application protocol, and the direction that sends it.

import { Field, FlowBit } from '../common/abi.gen.js';
import type { AppName, Buffer as BufferName, BufferMatch, Condition, ContentMatch, Match, Rule } from './ast.js';
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
  /** It is a header of a packet; of which IP protocol, if not of all. */
  readonly header?: number | 'ip';
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
  'http.uri.raw': { app: 'http', directions: TO_SERVER },
  'http.host.raw': { app: 'http', directions: TO_SERVER },
  'http.request_line': { app: 'http', directions: TO_SERVER },
  'http.request_header': { app: 'http', directions: TO_SERVER, several: true },
  'http.accept': { app: 'http', directions: TO_SERVER },
  'http.accept_enc': { app: 'http', directions: TO_SERVER },
  'http.accept_lang': { app: 'http', directions: TO_SERVER },
  'http.referer': { app: 'http', directions: TO_SERVER },
  'http.header.raw': { app: 'http', directions: BOTH },
  'http.header_names': { app: 'http', directions: BOTH },
  'http.cookie': { app: 'http', directions: BOTH },
  'http.protocol': { app: 'http', directions: BOTH },
  'http.start': { app: 'http', directions: BOTH },
  'http.content_type': { app: 'http', directions: BOTH },
  'http.content_len': { app: 'http', directions: BOTH },
  'http.connection': { app: 'http', directions: BOTH },
  'http.stat_code': { app: 'http', directions: TO_CLIENT },
  'http.stat_msg': { app: 'http', directions: TO_CLIENT },
  'http.response_line': { app: 'http', directions: TO_CLIENT },
  'http.response_header': { app: 'http', directions: TO_CLIENT, several: true },
  'http.server': { app: 'http', directions: TO_CLIENT },
  'http.location': { app: 'http', directions: TO_CLIENT },
  'ja3.hash': { app: 'tls', directions: TO_SERVER },
  'ja3.string': { app: 'tls', directions: TO_SERVER },
  'ja4.hash': { app: 'tls', directions: TO_SERVER },
  'tls.alpn': { app: 'tls', directions: TO_SERVER, several: true },
  'ja3s.hash': { app: 'tls', directions: TO_CLIENT },
  'ja3s.string': { app: 'tls', directions: TO_CLIENT },
  'dns.opcode': { app: 'dns', directions: BOTH },
  'dns.rcode': { app: 'dns', directions: BOTH },
  'dns.rrtype': { app: 'dns', directions: BOTH, several: true },
  'tls.version': { app: 'tls', directions: BOTH },
  'ipv4.hdr': { directions: BOTH, header: 'ip' },
  'ipv6.hdr': { directions: BOTH, header: 'ip' },
  'tcp.hdr': { directions: BOTH, header: 6 },
  'udp.hdr': { directions: BOTH, header: 17 },
  'icmpv4.hdr': { directions: BOTH, header: 1 },
  'icmpv6.hdr': { directions: BOTH, header: 58 },
  'http.request_event': { app: 'http', directions: TO_SERVER },
  'http.response_event': { app: 'http', directions: TO_CLIENT },
  'tls.hello_event': { app: 'tls', directions: TO_SERVER },
  'tls.certificate_event': { app: 'tls', directions: BOTH, payload: true },
  'dns.event': { app: 'dns', directions: BOTH },
  'stream.event': { directions: BOTH },
  payload: { directions: BOTH, payload: true },
};

/** IP protocols that carry an application protocol. */
export const transports: Readonly<Record<AppName, readonly number[]>> = { http: [6], tls: [6], dns: [6, 17] };

/** What is asked of each rule again and again. */
const looks = new WeakMap<readonly Match[], readonly BufferMatch[]>();

/** What a rule asks of buffers. */
export function bufferMatches(matches: readonly Match[]): readonly BufferMatch[] {
  let found = looks.get(matches);
  if (found === undefined) {
    found = matches.filter((match): match is BufferMatch => 'buffer' in match);
    looks.set(matches, found);
  }
  return found;
}

/** True if where the content is found depends on nothing else, and nothing is said about where. */
export function isPlain({ distance, within, variables }: ContentMatch): boolean {
  return distance === undefined && within === undefined && variables === undefined;
}

/** True if the test begins where the one before it ended. */
export function isRelative(match: BufferMatch): boolean {
  switch (match.kind) {
    case 'content':
      return (
        (match.distance ?? match.within) !== undefined ||
        (match.variables?.distance ?? match.variables?.within) !== undefined
      );
    case 'pcre':
    case 'isdataat':
      return match.relative;
    case 'bytes':
      return match.spec.relative;
    case 'size':
    case 'number':
    case 'absent':
    case 'dataset':
      return false;
  }
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

/** Asked several times of each rule. */
const known = new WeakMap<readonly Match[], number>();

/** Directions in which a rule can match: what its buffers and its conditions on the flow leave. */
export function directionsOf({ matches }: Pick<Rule, 'matches'>): number {
  let directions = known.get(matches);
  if (directions === undefined) {
    directions = flowDirections(matches);
    for (const { buffer } of bufferMatches(matches)) directions &= bufferInfo[buffer].directions;
    known.set(matches, directions);
  }
  return directions;
}
