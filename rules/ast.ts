// SPDX-License-Identifier: Apache-2.0
// The typed form of a rule: what the parser makes and the compilers read. Addresses and ports are already resolved sets.

import type { Expression } from './pcre/pcre.js';
import type { Transforms } from './transforms/transform.js';
import type { Action, Field, Threshold, Track, Unique } from '../common/abi.gen.js';

/** Where something stands: line and column count from 1, columns in UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A file that rules name: its text, or why it cannot be had. */
export interface DataFile {
  readonly text?: string | undefined;
  readonly problem?: string | undefined;
}

/** One file of rules, as the caller read it. */
export interface RuleSource {
  readonly file: string;
  readonly text: string;
  /** Files that its rules load, by the name that they use. */
  readonly data?: Readonly<Record<string, DataFile>> | undefined;
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

/** A pair of ends that packets of a rule have: a rule has one, a bidirectional one two. */
export interface Way {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** One test of a header field; see struct ids_cond. */
export interface Condition {
  readonly field: Field;
  readonly negate: boolean;
  readonly mask: number;
  readonly lo: number;
  readonly hi: number;
  /** If this one does not hold, this one has to. */
  readonly or?: Condition;
}

/** A keyword on packet headers: all conditions must hold (an empty list always holds). */
export interface HeaderMatch {
  readonly kind: 'header';
  readonly keyword: string;
  readonly position: Position;
  readonly conditions: readonly Condition[];
}

/** A keyword that asks where an address is listed (`geoip` and its like): resolved to the addresses themselves. */
export interface AddressMatch {
  readonly kind: 'address';
  readonly keyword: 'geoip' | 'iprep' | 'dataset' | 'datarep';
  readonly position: Position;
  /** Which address of a packet is in the set: `both`, or `any` of the two. */
  readonly side: 'src' | 'dst' | 'both' | 'any';
  readonly set: AddressSet;
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
  | 'http.uri.raw'
  | 'http.host.raw'
  | 'http.request_line'
  | 'http.request_header'
  | 'http.accept'
  | 'http.accept_enc'
  | 'http.accept_lang'
  | 'http.referer'
  | 'http.header.raw'
  | 'http.header_names'
  | 'http.cookie'
  | 'http.protocol'
  | 'http.start'
  | 'http.content_type'
  | 'http.content_len'
  | 'http.connection'
  | 'http.stat_code'
  | 'http.stat_msg'
  | 'http.response_line'
  | 'http.response_header'
  | 'http.server'
  | 'http.location'
  | 'ja3.hash'
  | 'ja3.string'
  | 'ja4.hash'
  | 'tls.alpn'
  | 'ja3s.hash'
  | 'ja3s.string'
  | 'dns.opcode'
  | 'dns.rcode'
  | 'dns.rrtype'
  | 'tls.version'
  | 'ipv4.hdr'
  | 'ipv6.hdr'
  | 'tcp.hdr'
  | 'udp.hdr'
  | 'icmpv4.hdr'
  | 'icmpv6.hdr'
  | 'http.request_event'
  | 'http.response_event'
  | 'tls.hello_event'
  | 'tls.certificate_event'
  | 'dns.event'
  | 'stream.event'
  | 'payload';

/** What contents and sizes look into. */
interface Looks {
  readonly buffer: Buffer;
  /** Number of the keyword that chose the buffer: of a buffer that a message has several of, one instance meets all of a group. */
  readonly group: number;
  /** The buffer has a dot put before it. */
  readonly dotprefix: boolean;
  /** What else is done to it before, the dot included then. */
  readonly transforms?: Transforms | undefined;
}

/** A number, or the name of what byte_extract or byte_math found. */
export type Amount = number | string;

export type ContentVariables = Readonly<Partial<Record<'offset' | 'depth' | 'distance' | 'within', string>>>;

export type ByteOperator = '=' | '<' | '>' | '<=' | '>=' | '&' | '^';
export type ByteOperation = '+' | '-' | '*' | '/' | '<<' | '>>';

/** What is done with a number that was read. */
export type ByteUse =
  | {
      readonly does: 'test';
      readonly operator: ByteOperator;
      readonly negated: boolean;
      readonly value: bigint | string;
    }
  | {
      readonly does: 'jump';
      readonly from: 'here' | 'beginning' | 'end';
      readonly multiplier: number;
      readonly align: boolean;
      readonly postOffset: number;
    }
  | { readonly does: 'extract'; readonly result: string; readonly multiplier: number; readonly align: 0 | 2 | 4 }
  | { readonly does: 'math'; readonly result: string; readonly oper: ByteOperation; readonly value: bigint | string };

/** Where a number stands and how it is written. */
export interface ByteSpec {
  /** Bytes; of a text, 0 = as far as it goes. */
  readonly count: Amount;
  readonly offset: Amount;
  readonly relative: boolean;
  readonly little: boolean;
  /** It is text, to this base; 0 = as its prefix says. */
  readonly base?: 0 | 8 | 10 | 16;
  readonly mask?: bigint;
  readonly use: ByteUse;
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
  /** Bytes between the end of what was found before and the first byte at which the match may begin. */
  readonly distance?: number;
  /** Bytes from there within which the whole match must lie. */
  readonly within?: number;
  /** Which of the four have the value of a variable instead, by name. */
  readonly variables?: ContentVariables;
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

/** `pcre`: a regular expression. */
export interface PcreMatch extends Looks {
  readonly kind: 'pcre';
  readonly position: Position;
  readonly expression: Expression;
  readonly negated: boolean;
  /** It is looked for behind what was found before. */
  readonly relative: boolean;
}

/** `isdataat`: there is a byte at this place. */
export interface DataAtMatch extends Looks {
  readonly kind: 'isdataat';
  readonly position: Position;
  readonly at: Amount;
  readonly relative: boolean;
  readonly negated: boolean;
}

/** `byte_test` and its like: reads a number from the buffer. */
export interface BytesMatch extends Looks {
  readonly kind: 'bytes';
  readonly position: Position;
  readonly spec: ByteSpec;
}

/** A range of numbers after a mask, inclusive, or all but that. */
export interface NumberRange {
  readonly mask?: number;
  readonly lo: number;
  readonly hi: number;
  readonly negate: boolean;
}

/** A number that the message has (`dns.opcode` and its like), in its buffer as big-endian bytes: one of the ranges holds it. */
export interface NumberMatch extends Looks {
  readonly kind: 'number';
  readonly position: Position;
  readonly ranges: readonly NumberRange[];
}

/** `absent`: the buffer is not there, or, with `orElse`, passes the other tests. */
export interface AbsentMatch extends Looks {
  readonly kind: 'absent';
  readonly position: Position;
  readonly orElse: boolean;
}

/** What is asked of a set of values: a command of `dataset`, or the comparison of a score of `datarep`. */
export type DatasetUse =
  'set' | 'unset' | 'isset' | 'isnotset' | { readonly operator: '<' | '>' | '='; readonly value: number };

/** `dataset` and `datarep`: the whole buffer is looked up in a set. */
export interface DatasetMatch extends Looks {
  readonly kind: 'dataset';
  readonly keyword: 'dataset' | 'datarep';
  readonly position: Position;
  readonly name: string;
  readonly use: DatasetUse;
  /** Alerts show what the set has of the value under this name. */
  readonly context?: string;
}

/** The same of an address of the packet, where the set changes while rules are in force. */
export interface AddressDataMatch {
  readonly kind: 'addressdata';
  readonly keyword: 'dataset' | 'datarep';
  readonly position: Position;
  readonly side: 'src' | 'dst';
  readonly name: string;
  readonly use: DatasetUse;
  /** Alerts show what the set has of the value under this name. */
  readonly context?: string;
}

export type FlowbitsCommand = 'set' | 'unset' | 'toggle' | 'isset' | 'isnotset';

/** `flowbits`: a question (any of the names will do), or a change once everything else matched. */
export interface FlowbitsMatch {
  readonly kind: 'flowbits';
  readonly position: Position;
  readonly command: FlowbitsCommand;
  readonly names: readonly string[];
}

/** Whose bit: of an address, of both, or of the pair of them. */
export type BitTrack = 'src' | 'dst' | 'both' | 'pair';

/** `xbits` and `hostbits`: bits of addresses, which outlive flows. */
export interface AddressBitMatch {
  readonly kind: 'addressbit';
  readonly keyword: 'xbits' | 'hostbits';
  readonly position: Position;
  readonly command: FlowbitsCommand;
  readonly name: string;
  readonly track: BitTrack;
  /** Seconds that a bit stays set. */
  readonly expire: number;
}

export type FlowintOperator = '=' | '+' | '-' | '<' | '<=' | '>' | '>=' | '==' | '!=' | 'isset' | 'isnotset';

/** `flowint`: a question, or with `=`, `+` and `-` a change once everything else matched. */
export interface FlowintMatch {
  readonly kind: 'flowint';
  readonly position: Position;
  readonly name: string;
  readonly operator: FlowintOperator;
  /** A number, or the name of another. */
  readonly value: number | string;
}

/** `app-layer-protocol`: bits by enum ids_app. */
export interface AppMatch {
  readonly kind: 'app';
  readonly position: Position;
  readonly apps: number;
  readonly negated: boolean;
}

export interface StreamSizeMatch {
  readonly kind: 'stream_size';
  readonly position: Position;
  readonly side: 'server' | 'client' | 'both' | 'either';
  readonly operator: '<' | '<=' | '>' | '>=' | '=' | '!=';
  readonly bytes: number;
}

/** `bypass`: once the rule matched, nothing more is asked of its flow. */
export interface BypassMatch {
  readonly kind: 'bypass';
  readonly position: Position;
}

/** What is asked of the flow or of its addresses, and is remembered by the engine alone. */
export type StateMatch =
  FlowbitsMatch | AddressBitMatch | FlowintMatch | AppMatch | StreamSizeMatch | AddressDataMatch | BypassMatch;

/** What looks into a buffer. */
export type BufferMatch =
  ContentMatch | SizeMatch | PcreMatch | DataAtMatch | BytesMatch | NumberMatch | AbsentMatch | DatasetMatch;

export type Match = HeaderMatch | AddressMatch | BufferMatch | StateMatch;

/** Application protocols whose messages rules look into. */
export type AppName = 'http' | 'tls' | 'dns';

/** `rate_filter`: what a rule does that matches too often, and for how many seconds. */
export interface RateSpec {
  readonly action: Action;
  readonly timeout: number;
}

/** `suppress`: packets of these addresses raise no alert; what the rule does it does all the same. */
export interface Suppression {
  readonly track: 'src' | 'dst' | 'either';
  readonly addresses: AddressSet;
  /** As written, with its track. */
  readonly text: string;
}

export interface ThresholdSpec {
  readonly type: Threshold;
  readonly track: Track;
  readonly unique: Unique;
  readonly count: number;
  readonly seconds: number;
  readonly multiplier: number;
  /** Of Threshold.RATE. */
  readonly rate?: RateSpec;
  readonly position: Position;
}

export interface Reference {
  readonly system: string;
  readonly value: string;
  /** Where that is, if a reference file says so. */
  readonly url?: string;
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
  /** `tag` as written: nothing is recorded for it. */
  readonly tag?: string;
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
  /** What its header and keywords say of addresses and ports; empty if no packet can meet it. */
  readonly ways: readonly Way[];
  /** What a drop or reject is about, if the rule says so: `drop:flow`. */
  readonly scope?: 'packet' | 'flow';
  readonly meta: RuleMeta;
  readonly matches: readonly Match[];
  readonly threshold?: ThresholdSpec;
  /** From a threshold file. */
  readonly suppress?: readonly Suppression[];
}

/** A rule that is right but cannot be used, kept for listings. */
export interface UnsupportedRule {
  readonly position: Position;
  readonly text: string;
  readonly meta: RuleMeta;
  readonly keyword: string;
  readonly reason: string;
}
