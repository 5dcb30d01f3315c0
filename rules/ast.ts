// SPDX-License-Identifier: Apache-2.0
// The typed form of a rule: what the parser makes and the compilers read. Addresses and ports are already resolved sets.

import type { Action, Field, Threshold, Track, Unique } from '../common/abi.gen.js';

/** Where something stands: line and column count from 1, columns in UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One file of rules, as the caller read it. */
export interface RuleSource {
  readonly file: string;
  readonly text: string;
}

/** `error`: the rule is wrong; `unsupported`: right, but needs what this engine does not do; `warning`: it is used. */
export type Severity = 'error' | 'unsupported' | 'warning';

export interface Problem extends Position {
  readonly severity: Severity;
  readonly sid?: number;
  readonly keyword?: string;
  /** What is wrong, without the position. */
  readonly cause: string;
  /** What to write instead. */
  readonly remedy?: string;
}

/** Sorted, disjoint, inclusive intervals over the 128-bit address space (IPv4 as ::ffff:a.b.c.d). */
export type AddressSet = readonly { readonly from: bigint; readonly to: bigint }[];

/** Sorted, disjoint, inclusive intervals of ports; `[0, 65535]` alone is `any`. */
export type PortSet = readonly { readonly from: number; readonly to: number }[];

export interface Endpoint {
  readonly addresses: AddressSet;
  readonly ports: PortSet;
  /** True if `any` stood there (then packets without addresses or ports match too). */
  readonly anyAddress: boolean;
  readonly anyPort: boolean;
  /** Some of its addresses are written as what they are not. */
  readonly negated?: true;
  /** As written, for `rules show`. */
  readonly text: string;
}

/** One test of a header field; see struct ids_cond. */
export interface Condition {
  readonly field: Field;
  readonly negate: boolean;
  readonly mask: number;
  readonly lo: number;
  readonly hi: number;
}

/** A keyword on packet headers: all conditions must hold (an empty list always holds). */
export interface HeaderMatch {
  readonly kind: 'header';
  readonly keyword: string;
  readonly position: Position;
  readonly conditions: readonly Condition[];
}

/** Buffers that content keywords can look at; `payload` is what contents without a sticky buffer look into. */
export type Buffer =
  | 'http.method'
  | 'http.uri'
  | 'http.host'
  | 'http.user_agent'
  | 'http.header'
  | 'http.request_body'
  | 'http.response_body'
  | 'file.data'
  | 'tls.sni'
  | 'tls.certs'
  | 'tls.cert_subject'
  | 'tls.cert_issuer'
  | 'tls.cert_serial'
  | 'tls.cert_fingerprint'
  | 'dns.query'
  | 'payload';

/** What contents and sizes look into. */
interface Looks {
  readonly buffer: Buffer;
  /** Number of the keyword that chose the buffer: of a buffer that a message has several of, one instance meets all of a group. */
  readonly group: number;
  /** The buffer has a dot put before it. */
  readonly dotprefix: boolean;
}

export interface ContentMatch extends Looks {
  readonly kind: 'content';
  readonly position: Position;
  readonly pattern: Uint8Array;
  readonly negated: boolean;
  readonly nocase: boolean;
  readonly startswith: boolean;
  readonly endswith: boolean;
  /** First byte at which the match may begin. */
  readonly offset?: number;
  /** Bytes from `offset` within which the whole match must lie. */
  readonly depth?: number;
  readonly fastPattern: boolean;
  /** The header or parameter whose value it looks into, which is masked before the engine sees it. */
  readonly masked?: string;
}

/** `bsize`: the length of the whole buffer, inclusive bounds. */
export interface SizeMatch extends Looks {
  readonly kind: 'size';
  readonly position: Position;
  readonly lo: number;
  readonly hi: number;
  readonly negate: boolean;
}

export type FlowbitsCommand = 'set' | 'unset' | 'toggle' | 'isset' | 'isnotset';

/** `flowbits`: a question (any of the names will do), or a change once everything else matched. */
export interface FlowbitsMatch {
  readonly kind: 'flowbits';
  readonly position: Position;
  readonly command: FlowbitsCommand;
  readonly names: readonly string[];
}

export type Match = HeaderMatch | ContentMatch | SizeMatch | FlowbitsMatch;

/** Application protocols whose messages rules look into. */
export type AppName = 'http' | 'tls' | 'dns';

export interface ThresholdSpec {
  readonly type: Threshold;
  readonly track: Track;
  readonly unique: Unique;
  readonly count: number;
  readonly seconds: number;
  readonly multiplier: number;
  readonly position: Position;
}

export interface Reference {
  readonly system: string;
  readonly value: string;
}

/** What a rule says about itself. */
export interface RuleMeta {
  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly msg: string;
  readonly classtype?: string;
  /** Description of the classtype, EVE's `category`. */
  readonly category: string;
  /** 1 (most severe) to 255, from `priority`, else the classtype's, else 3. */
  readonly priority: number;
  readonly references: readonly Reference[];
  /** `metadata` pairs in order. */
  readonly metadata: readonly (readonly [string, string])[];
  readonly target?: 'src_ip' | 'dest_ip';
  readonly noalert: boolean;
}

/** Whom a reject answers. */
export interface RejectSides {
  readonly source: boolean;
  readonly destination: boolean;
  /** Of an established TCP connection the receiver as well. */
  readonly ends: boolean;
}

export interface Rule {
  readonly position: Position;
  /** The rule as written, on one line. */
  readonly text: string;
  readonly action: Action;
  readonly reject: RejectSides;
  /** Lower case, as written: ip, ipv4, ipv6, tcp, udp, icmp, http, pkthdr …; the IP version is among the matches. */
  readonly protocol: string;
  /** IP protocol numbers that match; undefined = any IP protocol. */
  readonly ipProtocols?: readonly number[];
  /** True for `pkthdr`: frames whose headers could not be read match too. */
  readonly anyFrame: boolean;
  /** Application protocol that the header names or the buffers belong to. */
  readonly app?: AppName;
  /** How raw contents look at TCP: `only` the stream, or `never`, that is packet by packet; both as the reference does unless set. */
  readonly stream?: 'only' | 'never';
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly bidirectional: boolean;
  readonly meta: RuleMeta;
  readonly matches: readonly Match[];
  readonly threshold?: ThresholdSpec;
}

/** A rule that is right but cannot be used, kept for listings. */
export interface UnsupportedRule {
  readonly position: Position;
  readonly text: string;
  readonly meta: RuleMeta;
  readonly keyword: string;
  readonly reason: string;
}
