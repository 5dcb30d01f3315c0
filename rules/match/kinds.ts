// SPDX-License-Identifier: Apache-2.0
// On which messages a rule is judged, and what has to be handed over for it.

import { Field } from '../../common/abi.gen.js';
import type { AppName, Buffer as BufferName, Endpoint, Match, Rule, StateMatch } from '../ast.js';
import { bufferInfo, bufferMatches, directionsOf, TO_CLIENT, TO_SERVER } from '../buffers.js';
import { asksOfEvent } from './event-fields.js';
import { Kind } from './message.js';

const bit = (kind: Kind): number => 1 << kind;

const REQUEST = bit(Kind.HTTP_REQUEST);
const REQUEST_BODY = bit(Kind.HTTP_REQUEST_BODY);
const RESPONSE = bit(Kind.HTTP_RESPONSE);
const RESPONSE_BODY = bit(Kind.HTTP_RESPONSE_BODY);
const HELLO = bit(Kind.TLS_HELLO);
const ANSWER = bit(Kind.TLS_ANSWER);
const CERTS = bit(Kind.TLS_CERTS);
const QUERY = bit(Kind.DNS_QUERY);
const REPLY = bit(Kind.DNS_ANSWER);
const STREAM = bit(Kind.STREAM);
const PACKET = bit(Kind.PACKET);
const HEADERS = bit(Kind.HEADERS);
const ANOMALY = bit(Kind.ANOMALY);

const BODIES = REQUEST_BODY | RESPONSE_BODY;
const HEADS = REQUEST | REQUEST_BODY | RESPONSE | RESPONSE_BODY;

/** Kinds of messages that have the buffer. */
const having: Readonly<Record<BufferName, number>> = {
  'http.method': REQUEST | REQUEST_BODY,
  'http.uri': REQUEST | REQUEST_BODY,
  'http.host': REQUEST | REQUEST_BODY,
  'http.user_agent': REQUEST | REQUEST_BODY,
  'http.header': HEADS,
  'http.request_body': REQUEST_BODY,
  'http.response_body': RESPONSE_BODY,
  'file.data': BODIES,
  'tls.sni': HELLO | CERTS,
  'tls.certs': CERTS,
  'tls.cert_subject': CERTS,
  'tls.cert_issuer': CERTS,
  'tls.cert_serial': CERTS,
  'tls.cert_fingerprint': CERTS,
  'dns.query': QUERY,
  'http.uri.raw': REQUEST | REQUEST_BODY,
  'http.host.raw': REQUEST | REQUEST_BODY,
  'http.request_line': REQUEST | REQUEST_BODY,
  'http.request_header': REQUEST | REQUEST_BODY,
  'http.accept': REQUEST | REQUEST_BODY,
  'http.accept_enc': REQUEST | REQUEST_BODY,
  'http.accept_lang': REQUEST | REQUEST_BODY,
  'http.referer': REQUEST | REQUEST_BODY,
  'http.header.raw': HEADS,
  'http.header_names': HEADS,
  'http.cookie': HEADS,
  'http.protocol': HEADS,
  'http.start': HEADS,
  'http.content_type': HEADS,
  'http.content_len': HEADS,
  'http.connection': HEADS,
  'http.stat_code': RESPONSE | RESPONSE_BODY,
  'http.stat_msg': RESPONSE | RESPONSE_BODY,
  'http.response_line': RESPONSE | RESPONSE_BODY,
  'http.response_header': RESPONSE | RESPONSE_BODY,
  'http.server': RESPONSE | RESPONSE_BODY,
  'http.location': RESPONSE | RESPONSE_BODY,
  'ja3.hash': HELLO,
  'ja3.string': HELLO,
  'ja4.hash': HELLO,
  'tls.alpn': HELLO,
  'ja3s.hash': ANSWER,
  'ja3s.string': ANSWER,
  'dns.opcode': QUERY | REPLY,
  'dns.rcode': QUERY | REPLY,
  'dns.rrtype': QUERY | REPLY,
  'tls.version': HELLO | ANSWER | CERTS,
  'ipv4.hdr': HEADERS,
  'ipv6.hdr': HEADERS,
  'tcp.hdr': HEADERS,
  'udp.hdr': HEADERS,
  'icmpv4.hdr': HEADERS,
  'icmpv6.hdr': HEADERS,
  'http.request_event': REQUEST | REQUEST_BODY,
  'http.response_event': RESPONSE | RESPONSE_BODY,
  'tls.hello_event': HELLO,
  'tls.certificate_event': CERTS,
  'dns.event': QUERY | REPLY,
  'stream.event': ANOMALY,
  payload: ~ANOMALY,
};

/** Kinds that go to the server, to the client; the others go both ways. */
const ONE_WAY = {
  server: REQUEST | REQUEST_BODY | HELLO | QUERY,
  client: RESPONSE | RESPONSE_BODY | ANSWER | REPLY,
};

/** What a rule is judged on that has no buffer of its own. */
const ofApp: Readonly<Record<AppName, number>> = { http: REQUEST, tls: HELLO, dns: QUERY | REPLY };
const ofAppToClient: Readonly<Record<AppName, number>> = { http: RESPONSE, tls: ANSWER, dns: REPLY };

const stateKinds: ReadonlySet<Match['kind']> = new Set([
  ...(['flowbits', 'addressbit', 'flowint', 'app', 'stream_size', 'addressdata', 'bypass'] as const),
]);

/** True if the match asks for, or changes, what only the engine keeps. */
export function isState(match: Match): match is StateMatch {
  return stateKinds.has(match.kind);
}

/** True if the rule looks into nothing and asks for what the engine keeps: judged on whatever carries payload. */
function isOnPayload(rule: Rule): boolean {
  return rule.app === undefined && bufferMatches(rule.matches).length === 0 && rule.matches.some(isState);
}

/** True if no header field but the IP version matters, no port and no threshold, and no address is negated. */
export function isIpOnly(rule: Rule): boolean {
  const plain = (side: Endpoint): boolean => side.negated !== true;
  const { ways, threshold } = rule;
  return (
    asksAddresses(rule) &&
    threshold === undefined &&
    ways.every(({ source, destination }) => plain(source) && plain(destination))
  );
}

/** True if no header field but the IP version matters, and no port. */
export function asksAddresses(rule: Rule): boolean {
  return asksEnds(rule) && rule.ways.every(({ source, destination }) => source.anyPort && destination.anyPort);
}

/** True if nothing but what all packets of a flow have in common matters: addresses, ports, protocol. */
export function isOnFlow(rule: Rule): boolean {
  return asksEnds(rule) && rule.threshold === undefined;
}

function asksEnds({ anyFrame, app, matches }: Rule): boolean {
  return (
    !anyFrame &&
    app === undefined &&
    matches.every(
      (match) =>
        match.kind === 'flowbits' ||
        match.kind === 'addressbit' ||
        (match.kind === 'address' && match.keyword === 'iprep') ||
        (match.kind === 'header' && match.conditions.every(({ field }) => field === Field.IP_VERSION)),
    )
  );
}

/** As in Suricata, rules of addresses alone, and those that ask what a flow was recognised as and look into nothing. */
export function matchesOnce(rule: Rule): boolean {
  if (bufferMatches(rule.matches).length > 0) return false;
  const state = rule.matches.filter(isState);
  if (state.length === 0) return false;
  return state.every(({ kind }) => kind === 'app') || (rule.app === undefined && isIpOnly(rule));
}

/** True if the rule looks into something that only the engine sees, or names an application protocol. */
export function needsMessage(rule: Rule): boolean {
  return rule.app !== undefined || bufferMatches(rule.matches).length > 0;
}

const known = new WeakMap<Rule, number>();

/** Kinds of messages, as bits by number, on which the rule is judged. */
export function kindsOf(rule: Rule): number {
  let kinds = known.get(rule);
  if (kinds === undefined) known.set(rule, (kinds = findKinds(rule)));
  return kinds;
}

function findKinds(rule: Rule): number {
  const buffers = new Set(bufferMatches(rule.matches).map(({ buffer }) => buffer));
  const directions = directionsOf(rule);
  const wrongWay =
    ((directions & TO_SERVER) === 0 ? ONE_WAY.server : 0) | ((directions & TO_CLIENT) === 0 ? ONE_WAY.client : 0);
  if (buffers.size === 0) {
    if (rule.app === undefined) return isOnPayload(rule) ? payloadKinds(rule) : 0;
    return directions === TO_CLIENT ? ofAppToClient[rule.app] : ofApp[rule.app] & ~wrongWay;
  }
  if (buffers.size === 1 && buffers.has('payload')) return payloadKinds(rule);
  let kinds = ~(STREAM | PACKET);
  for (const buffer of buffers) kinds &= having[buffer];
  // Heads are judged as soon as they are there, and payload may go on behind them.
  const body = [...buffers].some((buffer) => (having[buffer] & ~BODIES) === 0);
  if (!body && !buffers.has('payload')) kinds &= ~BODIES;
  if ((kinds & HELLO) !== 0) kinds &= ~CERTS;
  return kinds & ~wrongWay;
}

const TCP = 6;
const UDP = 17;

/** True if the rule may match packets of the IP protocol. */
function carries({ ipProtocols }: Rule, protocol: number): boolean {
  return ipProtocols === undefined || ipProtocols.includes(protocol);
}

function payloadKinds(rule: Rule): number {
  const tcp = carries(rule, TCP);
  const { stream } = rule;
  // What its headers are asked for, a packet is handed over with all of them.
  if (!tcp && !asksOfEvent(rule)) return HEADERS;
  // Of TCP too there are packets that belong to no stream.
  return (tcp ? STREAM : 0) | (stream === 'only' ? 0 : PACKET);
}

/** Conditions on these fields say nothing about a single packet; with all others the payload of the packet is what counts. */
const OF_FLOW: ReadonlySet<Field> = new Set<Field>([Field.FLOW, Field.IP_VERSION, Field.IP_PROTO]);

export interface StreamUse {
  /** Judged on the stream from its beginning. */
  readonly stream: boolean;
  /** Judged on the payload of single segments. */
  readonly packet: boolean;
}

/** How a rule with raw contents looks at TCP, as Suricata decides it. */
export function streamUse(rule: Rule): StreamUse {
  if (isOnPayload(rule)) return { stream: false, packet: true };
  if (rule.stream === 'only') return { stream: true, packet: false };
  const ofPacket = rule.matches.some(
    (match) => match.kind === 'header' && match.conditions.some(({ field }) => !OF_FLOW.has(field)),
  );
  if (rule.stream === 'never' || ofPacket) return { stream: false, packet: true };
  const anchored = rule.matches.some(
    (match) =>
      match.kind === 'content' &&
      match.buffer === 'payload' &&
      (match.startswith ||
        (match.offset ?? match.depth ?? match.variables?.offset ?? match.variables?.depth) !== undefined),
  );
  return { stream: true, packet: anchored };
}

/**
 * IP protocols whose packets have to be handed over whole so that the rule can be judged; undefined: none. Of TCP and UDP
 * the payload comes by the inspection depth.
 */
export function wholePackets(rule: Rule): readonly number[] | undefined {
  const kinds = kindsOf(rule);
  const headers = bufferMatches(rule.matches).map(({ buffer }) => bufferInfo[buffer].header);
  const all = rule.ipProtocols ?? Array.from({ length: 256 }, (_, number) => number);
  const wanted = all.filter((number) =>
    (kinds & HEADERS) !== 0
      ? headers.every((header) => header === undefined || header === 'ip' || header === number)
      : number !== TCP && number !== UDP,
  );
  return (kinds & (HEADERS | PACKET)) !== 0 && wanted.length > 0 ? wanted : undefined;
}

/** What has to be handed over so that a rule can be judged. */
export const needNames = [
  'http-requests',
  'http-responses',
  'tls',
  'dns',
  'payload-to-server',
  'payload-to-client',
  'packets',
] as const;
export type NeedName = (typeof needNames)[number];

/** By order of needNames. */
export const Need = {
  ...{ HTTP_REQUESTS: 1, HTTP_RESPONSES: 2, TLS: 4, DNS: 8 },
  ...{ TO_SERVER: 16, TO_CLIENT: 32, PACKETS: 64 },
} as const;

/** Bits of Need. */
export function needsOf(rule: Rule): number {
  const kinds = kindsOf(rule);
  const directions = directionsOf(rule);
  const messages =
    ((kinds & (REQUEST | REQUEST_BODY)) !== 0 ? Need.HTTP_REQUESTS : 0) |
    ((kinds & (RESPONSE | RESPONSE_BODY)) !== 0 ? Need.HTTP_RESPONSES : 0) |
    ((kinds & (HELLO | ANSWER | CERTS)) !== 0 ? Need.TLS : 0) |
    ((kinds & (QUERY | REPLY)) !== 0 ? Need.DNS : 0);
  const heads = messages | (wholePackets(rule) === undefined ? 0 : Need.PACKETS);
  const looks = bufferMatches(rule.matches).some(({ buffer }) => bufferInfo[buffer].payload);
  if ((!looks && !isOnPayload(rule)) || kinds === HEADERS || !(carries(rule, TCP) || carries(rule, UDP))) return heads;
  const server = (directions & TO_SERVER) !== 0 && (kinds & ~ONE_WAY.client) !== 0;
  const client = (directions & TO_CLIENT) !== 0 && (kinds & ~ONE_WAY.server) !== 0;
  return heads | (server ? Need.TO_SERVER : 0) | (client ? Need.TO_CLIENT : 0);
}

/** Bits of Need by name. */
export function needList(needs: number): NeedName[] {
  return needNames.filter((_, number) => (needs & (1 << number)) !== 0);
}
