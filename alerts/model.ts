// SPDX-License-Identifier: Apache-2.0
// What is raised: one plain, structured-cloneable record that every format is a view of.

import type { FlowIds } from './community-id.js';

/** What was decided on the packet. */
export type DetectionVerdict = 'pass' | 'drop' | 'reject';

/** TCP header fields; `flags`: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
export interface DetectionTcp {
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  readonly urgent: number;
  readonly flags: number;
  /** The reserved bits of the data offset byte, 0 if not told. */
  readonly reserved?: number;
}

/** The packet that was judged. Lengths in bytes; `len` is the IPv4 total length, or the IPv6 payload length + 40. */
export interface DetectionPacket {
  readonly frameLen: number;
  readonly len: number;
  readonly ttl: number;
  readonly tos: number;
  readonly ipId: number;
  readonly payloadLen: number;
  readonly tcp?: DetectionTcp;
  readonly icmp?: { readonly id: number; readonly seq: number };
}

/** The rule that matched. `severity` is its priority, 1 the most severe. */
export interface DetectionRule {
  readonly gid: number;
  readonly sid: number;
  readonly rev: number;
  readonly msg: string;
  /** The text behind the classtype, empty if there is none. */
  readonly category: string;
  readonly classtype?: string;
  readonly severity: number;
  readonly action: 'allowed' | 'blocked';
  readonly metadata: Readonly<Record<string, readonly string[]>>;
  readonly references: readonly string[];
  /** Which end the rule names as the target of the attack. */
  readonly target?: 'src_ip' | 'dest_ip';
  readonly text?: string;
}

/** An HTTP request as text (bytes that are not UTF-8 as `printable()` writes them); `headers` is the redacted section. */
export interface DetectionHttp {
  readonly hostname?: string;
  readonly port?: number;
  readonly url?: string;
  readonly method?: string;
  readonly protocol?: string;
  readonly userAgent?: string;
  readonly referer?: string;
  readonly contentType?: string;
  readonly status?: number;
  /** Where a redirect leads. */
  readonly redirect?: string;
  /** Bytes of the response's body, as it says. */
  readonly length?: number;
  readonly headers?: string;
}

/** The flow of a packet, as far as it had got. */
export interface DetectionFlow {
  readonly toServer: { readonly packets: number; readonly bytes: number };
  readonly toClient: { readonly packets: number; readonly bytes: number };
  /** Microseconds since the epoch. */
  readonly start: number;
}

/** Events that a rate bound held back, told by one record: times in microseconds since the epoch. */
export interface DetectionSuppressed {
  readonly matched: number;
  readonly since: number;
  readonly until: number;
}

/** Repeats that one record stands for: times in microseconds since the epoch. */
export interface DetectionRepeats {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** Where an address is and whose network it is in, as a MaxMind DB has it. */
export interface DetectionPlace {
  /** Two letters: of the continent; ISO 3166-1. */
  readonly continent?: string;
  readonly country?: string;
  readonly countryName?: string;
  /** ISO 3166-2 with its country, `DE-BE`. */
  readonly region?: string;
  readonly regionName?: string;
  readonly city?: string;
  /** Degrees. */
  readonly latitude?: number;
  readonly longitude?: number;
  /** Number and owner of the autonomous system. */
  readonly asn?: number;
  readonly asOrganization?: string;
}

/** What else is known of an end of a connection. */
export interface DetectionEnd extends DetectionPlace {
  /** What reverse DNS has: whoever owns the address says so. */
  readonly name?: string;
}

/** The process of this host whose socket a packet is of. */
export interface DetectionProcess {
  /** Which end it is. */
  readonly end: 'src' | 'dst';
  readonly pid: number;
  /** The command, as the kernel has it: 15 bytes. */
  readonly name: string;
  readonly executable?: string;
  /** Path in the unified hierarchy. */
  readonly cgroup?: string;
  /** Who owns the socket. */
  readonly uid: number;
}

/** What this host knows of addresses beyond the packet. */
export interface DetectionEnrichment {
  readonly src?: DetectionEnd;
  readonly dst?: DetectionEnd;
  readonly process?: DetectionProcess;
}

/** What the engine says about itself, in the words of its log. */
export interface DetectionEngine {
  readonly level: 'Info' | 'Warning' | 'Error';
  readonly module: string;
  readonly message: string;
}

/** One raised thing. Addresses are canonical text, times are wall clock. */
export interface Detection {
  /** `engine`: no packet is behind it; `engineRecord()` makes one. */
  readonly kind: 'alert' | 'drop' | 'engine';
  /** Microseconds since the epoch. */
  readonly timeUs: number;
  /** Nanoseconds behind them, 0 to 999, where the kernel tells them: they tell apart what is the same otherwise. */
  readonly timeNs?: number;
  readonly iface?: string;
  /** Number of the packet in its capture, from 1. */
  readonly pcapCnt?: number;
  /** VLAN ids, outer first. */
  readonly vlan?: readonly number[];
  /** Empty if the packet has no readable IP header. */
  readonly src: string;
  readonly dst: string;
  readonly sport?: number;
  readonly dport?: number;
  /** As `protocolName()` writes it: TCP, UDP, ICMP, IPv6-ICMP …; empty if there is none. */
  readonly proto: string;
  readonly ipVersion: 4 | 6;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly packet: DetectionPacket;
  /** Both ids of its flow, where whoever read the packet has made them. */
  readonly flowIds?: FlowIds;
  /** What was decided; with `would` it was not carried out (monitor mode). */
  readonly verdict: DetectionVerdict;
  readonly would: boolean;
  /** Whom a reject answers; `src` if not told. */
  readonly rejectTarget?: 'src' | 'dst' | 'both';
  /** The terminal reason in kebab-case: rule-drop, blocklist … */
  readonly reason: string;
  readonly generation: number;
  readonly rule?: DetectionRule;
  readonly http?: DetectionHttp;
  /** EVE's objects. */
  readonly tls?: Readonly<Record<string, unknown>>;
  readonly dns?: Readonly<Record<string, unknown>>;
  /** What the flow was recognised as: http, tls, dns …; `failed` for nothing that is known. */
  readonly appProto?: string;
  readonly direction?: 'to_server' | 'to_client';
  readonly flow?: DetectionFlow;
  /** Who put the source on the blocklist: manual, feed:NAME, rule:SID. */
  readonly origin?: string;
  /** The count that a threshold or detection_filter had reached. */
  readonly count?: number;
  /** What data sets have of the values that a rule found in them, by the name that it gives. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly suppressed?: DetectionSuppressed;
  readonly repeats?: DetectionRepeats;
  readonly enrichment?: DetectionEnrichment;
  /** The IP packet in base64, or its beginning. */
  readonly packetBytes?: string;
  readonly engine?: DetectionEngine;
}
