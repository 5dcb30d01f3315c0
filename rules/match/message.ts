// SPDX-License-Identifier: Apache-2.0
// What the evaluator judges: messages with named buffers, the packet that completed them, and what a flow remembers.

import type { App, Direction, Field } from '../../common/abi.gen.js';
import type { Buffer as BufferName } from '../ast.js';
import type { PacketTuple } from './windows.js';

/**
 * Kinds of messages, each judged by the rules that need no more than its buffers. A head is judged as soon as it is
 * there. Rules that look into a body as well are judged on HTTP_REQUEST_BODY or HTTP_RESPONSE_BODY, which have the buffers
 * of the head too and may be judged again and again while the body grows.
 */
export const Kind = {
  HTTP_REQUEST: 0,
  HTTP_REQUEST_BODY: 1,
  HTTP_RESPONSE: 2,
  HTTP_RESPONSE_BODY: 3,
  /** A ClientHello. */
  TLS_HELLO: 4,
  /** A ServerHello. */
  TLS_ANSWER: 5,
  /** The certificates of one side. */
  TLS_CERTS: 6,
  DNS_QUERY: 7,
  DNS_ANSWER: 8,
  /** One direction of a TCP connection from its first byte on, judged with every record of payload that it grows by. */
  STREAM: 9,
  /** The payload of a packet that is not part of a TCP stream. */
  PACKET: 10,
  /** The headers of a packet, and its payload unless it is TCP. */
  HEADERS: 11,
  /** What layer 7 has found wrong with a TCP stream. */
  ANOMALY: 12,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];
export const KINDS = 13;

/** Buffers by number, as messages and tests of the program name them. */
export const BUFFERS = [
  'http.method',
  'http.uri',
  'http.host',
  'http.user_agent',
  'http.header',
  'http.request_body',
  'http.response_body',
  'file.data',
  'tls.sni',
  'tls.certs',
  'tls.cert_subject',
  'tls.cert_issuer',
  'tls.cert_serial',
  'tls.cert_fingerprint',
  'dns.query',
  'payload',
  'http.uri.raw',
  'http.host.raw',
  'http.request_line',
  'http.request_header',
  'http.accept',
  'http.accept_enc',
  'http.accept_lang',
  'http.referer',
  'http.header.raw',
  'http.header_names',
  'http.cookie',
  'http.protocol',
  'http.start',
  'http.content_type',
  'http.content_len',
  'http.connection',
  'http.stat_code',
  'http.stat_msg',
  'http.response_line',
  'http.response_header',
  'http.server',
  'http.location',
  'ja3.hash',
  'ja3.string',
  'ja4.hash',
  'tls.alpn',
  'ja3s.hash',
  'ja3s.string',
  'dns.opcode',
  'dns.rcode',
  'dns.rrtype',
  'tls.version',
  'ipv4.hdr',
  'ipv6.hdr',
  'tcp.hdr',
  'udp.hdr',
  'icmpv4.hdr',
  'icmpv6.hdr',
  'http.request_event',
  'http.response_event',
  'tls.hello_event',
  'tls.certificate_event',
  'dns.event',
  'stream.event',
] as const satisfies readonly BufferName[];

export const BufferId = {
  METHOD: 0,
  URI: 1,
  HOST: 2,
  USER_AGENT: 3,
  HEADER: 4,
  REQUEST_BODY: 5,
  RESPONSE_BODY: 6,
  FILE_DATA: 7,
  SNI: 8,
  /** DER, one instance a certificate of the chain. */
  CERTS: 9,
  /** Of the first certificate, as Suricata writes it: `C=US, O=Example, CN=example.org`. */
  CERT_SUBJECT: 10,
  CERT_ISSUER: 11,
  /** Upper-case hexadecimal, bytes separated by colons. */
  CERT_SERIAL: 12,
  /** SHA-1 in lower-case hexadecimal, bytes separated by colons. */
  CERT_FINGERPRINT: 13,
  /** Name without the root's dot, as sent; one instance a question. */
  DNS_QUERY: 14,
  /** Stream or packet. A message of another kind may have it too: what its direction has sent so far. */
  PAYLOAD: 15,
  URI_RAW: 16,
  HOST_RAW: 17,
  REQUEST_LINE: 18,
  REQUEST_HEADER: 19,
  ACCEPT: 20,
  ACCEPT_ENC: 21,
  ACCEPT_LANG: 22,
  REFERER: 23,
  HEADER_RAW: 24,
  HEADER_NAMES: 25,
  COOKIE: 26,
  PROTOCOL: 27,
  START: 28,
  CONTENT_TYPE: 29,
  CONTENT_LEN: 30,
  CONNECTION: 31,
  STAT_CODE: 32,
  STAT_MSG: 33,
  RESPONSE_LINE: 34,
  RESPONSE_HEADER: 35,
  SERVER: 36,
  LOCATION: 37,
  JA3_HASH: 38,
  JA3_STRING: 39,
  JA4_HASH: 40,
  TLS_ALPN: 41,
  JA3S_HASH: 42,
  JA3S_STRING: 43,
  /** These four are numbers, big-endian; DNS_RRTYPE one instance a question and answer. */
  DNS_OPCODE: 44,
  DNS_RCODE: 45,
  DNS_RRTYPE: 46,
  /** Chosen by a server, offered first by a client. */
  TLS_VERSION: 47,
  /** Headers of a packet, options and extension headers included. */
  IPV4_HDR: 48,
  IPV6_HDR: 49,
  TCP_HDR: 50,
  UDP_HDR: 51,
  ICMPV4_HDR: 52,
  ICMPV6_HDR: 53,
  /** What is wrong with the message: see rules/app-events.ts. */
  REQUEST_EVENT: 54,
  RESPONSE_EVENT: 55,
  HELLO_EVENT: 56,
  CERTIFICATE_EVENT: 57,
  DNS_EVENT: 58,
  /** Bits of L7Flag. */
  STREAM_EVENT: 59,
} as const;
export type BufferId = (typeof BufferId)[keyof typeof BufferId];

/** From the first byte to before the last one. */
export interface Place {
  from: number;
  to: number;
  /** It is no more than the buffer. */
  exact: boolean;
}

/** Something to judge. Buffers are looked at during the call and not kept. */
export interface Message {
  readonly kind: Kind;
  /** The bytes of a buffer, undefined if it is not there. `instance` counts from 0 where there may be several. */
  buffer(id: BufferId, instance: number): Uint8Array | undefined;
  /**
   * True if the buffer goes on behind what is there and the rest may yet be judged, or was withheld: then only what the
   * visible part proves counts. What ends at the inspection depth is not open, as in Suricata.
   */
  open(id: BufferId): boolean;
  /** STREAM: offset in the payload of the first byte that was not there when this direction was last judged. */
  readonly fresh?: number;
  /** STREAM: the payload is that of a segment which was sent again: rules look at it as a packet alone. */
  readonly repeated?: boolean;
  /** HTTP: number of the message in its direction, the same for head and body; a rule matches each once. */
  readonly number?: number | undefined;
  /**
   * Patterns that the kernel found before it masked values; only of a message in which something is masked. A content
   * that is one of them is there, wherever it stands.
   */
  readonly hits?: readonly number[] | undefined;
  /** False if the buffer is not what was sent: a hit does not say then that a negated content is in it. */
  asSent?(id: BufferId): boolean;
  /** The bytes of a head as sent, in which most of its buffers stand. */
  readonly whole?: Uint8Array | undefined;
  /**
   * True if all that the buffer may hold stands in `whole`, but for the case of letters and, of names, what lies between
   * them: literals need not be looked for in the buffer itself then.
   */
  stands?(id: BufferId): boolean;
  /** Sets `place` to where a buffer that stands there does, or to more than that. */
  locate?(id: BufferId, place: Place): void;
  /** HTTP requests: bit of the method (guards.ts). */
  readonly methodBit?: number | undefined;
  /** Bits of KNOWN_NAMES of header lines that are surely there, each written exactly so. */
  readonly nameBits?: number | undefined;
  /** Length of http.uri; -1 if it is not known. */
  readonly uriLength?: number | undefined;
  /** Rules, as EngineRule.index, that the kernel has matched on it already: they are not asked again. */
  readonly decided?: readonly number[] | undefined;
}

/** The packet with which the message was complete. */
export interface JudgedPacket extends PacketTuple {
  /** False if it has no ports: then it meets `any` alone. */
  readonly ports?: boolean;
  /** Header fields and the bits of Field.FLOW; undefined for what it lacks. */
  field?(field: Field): number | undefined;
  /** Application protocol of its flow; rules that name one are not asked for another. */
  readonly app?: App;
  /** Bytes that a direction of its TCP connection has sent by sequence numbers, the SYN counted; undefined if not known. */
  streamBytes?(direction: Direction): number | undefined;
  /** Its direction in its flow; to the server unless set. */
  readonly direction?: Direction;
  /** It names a flow that it may not be of: anybody can have forged it. */
  readonly apart?: boolean;
}

/** One direction of a flow. */
export interface DirectionState {
  /** By number, the rules (gid * 2^32 + sid) that have matched a message: of the last few that any has. */
  messages: Map<number, Set<number>> | undefined;
  stream: StreamState | undefined;
  /** Rules that match a direction once, and have. */
  once: Set<number> | undefined;
}

/** Where the search in a stream stands. */
export interface StreamState {
  /** The program that it belongs to: another one begins anew. */
  program: object;
  /** Rules of the program whose literal was found, in the order in which they act. */
  readonly candidates: number[];
  /** Bytes that were searched for literals. */
  scanned: number;
  /** By rule (gid * 2^32 + sid), the length of the stream when it matched last. */
  readonly matched: Map<number, number>;
  /** The packet that was judged last, by time and sequence number, and the rules that have matched it by itself. */
  readonly packet: { time: number; seq: number; readonly matched: Set<number> };
}

/** What the evaluator remembers about a flow; small until a rule needs it. */
export class FlowState {
  /** A pass rule matched: no rule says more of this flow. */
  passed = false;
  /** Flow bits that are set. */
  bits: Set<string> | undefined;
  /** Numbers of flowint: no more than rules name. */
  ints: Map<string, number> | undefined;
  readonly #directions: [DirectionState | undefined, DirectionState | undefined] = [undefined, undefined];

  /** What a direction has sent was refused: it is searched from its beginning again; what has matched has. */
  beginAgain(which: Direction): void {
    const stream = this.#directions[which]?.stream;
    if (stream === undefined) return;
    stream.scanned = 0;
    stream.candidates.length = 0;
  }

  /** The state of a direction. */
  direction(which: Direction): DirectionState {
    return (this.#directions[which] ??= { messages: undefined, stream: undefined, once: undefined });
  }
}
