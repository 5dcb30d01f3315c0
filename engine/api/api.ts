// SPDX-License-Identifier: Apache-2.0
// What the daemon answers on its control socket and what the CLI asks: the one description of both sides.

import type { Detection, OutputStatus } from '../../alerts/index.js';
import type { Compilation, Problem, RuleExplanation, RuleInfo, RuleSource } from '../../rules/index.js';
import type { AuditFigures } from '../audit/audit-log.js';
import type { BulkApi } from './bulk-api.js';
import type { FlowsApi, FlowsInUse } from './flows-api.js';
import type { Layer7Api } from './layer7-api.js';
import type { RuleStats, RuleStatsRequest } from './rule-stats-api.js';
import type { DatasetsApi } from './datasets-api.js';
import type { OutputsApi } from './outputs-api.js';
import type { RulesUpdateRequest, RulesUpdateResult } from './updates-api.js';

/** Counts of rules by placement, as `rules check` and `rules load` print them. */
export type RulesSummary = Compilation['summary'];

export interface RulesLoadRequest {
  /** Files as the caller read them; undefined = the files that the configuration names. */
  readonly sources?: readonly RuleSource[];
  /** A threshold file in the place of the configured one. */
  readonly thresholds?: RuleSource;
  /** Load nothing if any rule has an error or is unsupported. */
  readonly strict: boolean;
}

/** A load under way: parsing with the share that is done, 0 to 1, then the rest. */
export interface RulesLoading {
  readonly stage?: 'parsing' | 'installing';
  readonly share?: number;
}

export interface RulesLoadResult {
  readonly generation: number;
  readonly summary: RulesSummary;
  readonly problems: readonly Problem[];
}

export interface RulesEnableRequest {
  /** `SID`, of every group, or `GID:SID`. */
  readonly rules: readonly string[];
  readonly enabled: boolean;
}

export interface RulesEnableResult {
  /** Number of the set that is in force. */
  readonly generation: number;
  /** Rules that were not so before, as `GID:SID`. */
  readonly changed: readonly string[];
}

/** Counters of one rule since its set was loaded. */
export interface RuleCounts {
  readonly matched: number;
  readonly events: number;
  readonly suppressed: number;
  readonly lost: number;
  readonly silenced: number;
}

export type RuleRecord = RuleInfo & { readonly counts: RuleCounts };

export interface RulesList {
  readonly generation: number;
  readonly loadedAt: string;
  /** `config` or `cli`: where the set in force came from. */
  readonly origin: 'config' | 'cli';
  readonly summary: RulesSummary;
  readonly rules: readonly RuleRecord[];
}

export interface BlockRequest {
  readonly prefixes: readonly string[];
  /** Seconds; undefined = for ever. */
  readonly ttl?: number;
  readonly reason?: string;
  readonly force: boolean;
  /** Peer of the caller's SSH session: never locked out without `force`. */
  readonly sshPeer?: string;
}

/** What became of one prefix of a request. */
export interface PrefixOutcome {
  readonly prefix: string;
  /** `unchanged`: it was there (add) or was not (remove). */
  readonly outcome: 'added' | 'updated' | 'removed' | 'unchanged' | 'refused';
  /** Why it was refused. */
  readonly cause?: string;
}

/** One entry of the blocklist: a prefix as one origin lists it. Times are ISO 8601. */
export interface BlockEntry {
  readonly prefix: string;
  readonly origin: string;
  readonly reason: string;
  readonly created: string;
  /** undefined = for ever. */
  readonly expires?: string;
  /** `alert`: let through and reported; absent = dropped. */
  readonly action?: 'alert';
  /** Packets that met the prefix since it was listed. */
  readonly packets: number;
  readonly lastSeen?: string;
}

export interface ListRequest {
  readonly sort?: 'address' | 'hits';
  /** The first so many. */
  readonly limit?: number;
  readonly origin?: string;
}

/** How full the tables of one family are. */
export interface FamilyCounts {
  readonly family: 'ipv4' | 'ipv6';
  /** Prefixes listed, and in the kernel. */
  readonly entries: number;
  readonly enforced: number;
  readonly capacity: number;
}

/** The comparison of what is listed with what the kernel has. */
export interface ReconcilerFigures {
  readonly samples: number;
  readonly passes: number;
  /** Entries and words put right since the start. */
  readonly repairs: number;
  /** Time of the last comparison of everything, ISO 8601. */
  readonly lastPass?: string;
}

export interface BlockCheck {
  readonly address: string;
  readonly blocked: boolean;
  /** Entries that cover the address, the longest prefix first. */
  readonly entries: readonly BlockEntry[];
  /** The allowlist entry or exemption that keeps it from being blocked. */
  readonly kept?: { readonly prefix: string; readonly kind: 'allowlist' | 'exemption'; readonly reason: string };
}

export interface AllowEntry {
  readonly prefix: string;
  readonly kind: 'allowlist' | 'exemption';
  /** `config`, `manual`, or what the exemption is (`default gateway`, `resolver` …). */
  readonly origin: string;
  readonly reason: string;
  readonly created?: string;
}

export interface InterfaceStatus {
  readonly name: string;
  readonly ifindex: number;
  readonly mode: 'native' | 'generic';
  /** By what the program is attached that judges what leaves. */
  readonly egress: 'tcx' | 'clsact' | 'off';
  /** How reject is answered. */
  readonly reject: 'xdp' | 'raw-socket';
  /** True if the NIC takes VLAN tags off before the program sees the frame; undefined if it cannot be known. */
  readonly vlanStripped?: boolean;
}

/** produced = delivered + suppressed + lost + pending, by stage. */
export interface StageAccount {
  readonly stage: string;
  readonly produced: number;
  readonly delivered: number;
  readonly suppressed: number;
  readonly lost: number;
  /** Waits for a receiver: outputs alone. */
  readonly pending: number;
}

export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly started: string;
  readonly uptime: number;
  readonly mode: 'prevent' | 'monitor';
  readonly interfaces: readonly InterfaceStatus[];
  readonly rules: {
    readonly generation: number;
    readonly origin: 'config' | 'cli';
    readonly summary: RulesSummary;
    /** Payload that rules look into and that was not judged, since the set was loaded. */
    readonly uninspected: { readonly bytes: number; readonly streams: number; readonly inspections: number };
    /** Bits of addresses (xbits, hostbits) that are set, and those given up for want of room. */
    readonly bits: { readonly held: number; readonly evicted: number };
    /** Values in data sets, and those that packets were to add and there was no room for. */
    readonly datasets: { readonly held: number; readonly refused: number };
  };
  readonly packets: {
    readonly total: number;
    readonly bytes: number;
    readonly dropped: number;
    readonly would: number;
  };
  readonly reasons: readonly {
    readonly reason: string;
    readonly packets: number;
    readonly bytes: number;
    readonly would: number;
  }[];
  readonly decode: readonly { readonly reason: string; readonly packets: number }[];
  readonly accounts: readonly StageAccount[];
  readonly stats: Readonly<Record<string, number>>;
  readonly flows: FlowsInUse;
  readonly blocklist: {
    readonly entries: number;
    readonly capacity: number;
    readonly enforced: number;
    readonly families: readonly FamilyCounts[];
    readonly reconciler: ReconcilerFigures;
  };
  readonly allowlist: { readonly entries: number; readonly exemptions: number };
  readonly response: Readonly<Record<string, number>>;
  /** Counts of what alerts were enriched with, by name; empty if nothing is asked for. */
  readonly enrichment: Readonly<Record<string, number>>;
  readonly outputs: readonly OutputStatus[];
  /** Lines of the audit log, up to which one it is signed, what waits because it cannot be written, what found no room. */
  readonly audit: AuditFigures;
  readonly kernel: { readonly abi: string; readonly pins: string; readonly adopted: boolean };
  /** Things an operator should know, a sentence each. */
  readonly notes: readonly string[];
}

export interface StopResult {
  /** What was taken out of the kernel, a line each; empty without `detach`. */
  readonly detached: readonly string[];
}

/** The daemon's side. Every method may throw IdsError; the server turns it into a JSON error and the client back. */
export interface Api extends BulkApi, FlowsApi, Layer7Api, OutputsApi, DatasetsApi {
  status(): Promise<Status>;
  /** The configuration in force as `shownConfig` has it: without secrets. */
  config(): Promise<Readonly<Record<string, unknown>>>;
  stop(options: { readonly detach: boolean }): Promise<StopResult>;
  loadRules(request: RulesLoadRequest): Promise<RulesLoadResult>;
  /** How far a load is that somebody waits for; empty if there is none. */
  rulesLoading(): Promise<RulesLoading>;
  listRules(): Promise<RulesList>;
  /** @throws IdsError NOT_FOUND */
  showRule(sid: number): Promise<readonly RuleRecord[]>;
  explainRule(sid: number): Promise<readonly RuleExplanation[]>;
  ruleStats(request: RuleStatsRequest): Promise<RuleStats>;
  /** What `ruleStats` tells is counted anew; what rules list and show tell is not. */
  resetRuleStats(): Promise<{ readonly reset: true }>;
  updateRules(request: RulesUpdateRequest): Promise<RulesUpdateResult>;
  enableRules(request: RulesEnableRequest): Promise<RulesEnableResult>;
  blocklistAdd(request: BlockRequest): Promise<readonly PrefixOutcome[]>;
  blocklistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]>;
  /** In address order, or with `sort` the most packets first. */
  blocklistList(request?: ListRequest): Promise<readonly BlockEntry[]>;
  /** The same, in parts: a list of a million is never there as a whole. */
  blocklistPages(request?: ListRequest): AsyncIterable<readonly BlockEntry[]>;
  blocklistCheck(address: string): Promise<BlockCheck>;
  blocklistFlush(): Promise<{ readonly removed: number }>;
  allowlistAdd(request: {
    readonly prefixes: readonly string[];
    readonly reason?: string;
  }): Promise<readonly PrefixOutcome[]>;
  allowlistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]>;
  allowlistList(): Promise<readonly AllowEntry[]>;
  /** The last `count` detections, oldest first. */
  recentAlerts(count: number): Promise<readonly Detection[]>;
  /** Calls back for the last `count` detections and then for each further one, without a gap, until the signal aborts. */
  followAlerts(count: number, signal: AbortSignal, onDetection: (detection: Detection) => void): Promise<void>;
}
