// SPDX-License-Identifier: Apache-2.0
// What the control socket asks for, done with the daemon's parts.

import {
  testOutput,
  type DeadLetter,
  type Detection,
  type OutputStatus,
  type Replayed,
  type TestResult,
} from '../../alerts/index.js';
import { parseAddress } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { DatasetAnswer, DatasetCommand, DatasetInfo, DatasetRefusal, RuleExplanation } from '../../rules/index.js';
import type {
  AllowEntry,
  Api,
  BlockCheck,
  BlockEntry,
  BlockRequest,
  ListRequest,
  PrefixOutcome,
  RuleRecord,
  RulesEnableRequest,
  RulesEnableResult,
  RulesList,
  RulesLoadRequest,
  RulesLoadResult,
  RulesLoading,
  Status,
  StopResult,
} from '../api/api.js';
import type {
  BlocklistStats,
  ConfirmResult,
  FeedStatus,
  FeedUpdateRequest,
  ImportRequest,
  ImportResult,
} from '../api/bulk-api.js';
import type { FlowRow, Talkers, TcpStats, TopFlowsRequest } from '../api/flows-api.js';
import type { LogRequest, LogStatus, TopRequest, TopRow } from '../api/layer7-api.js';
import type { RuleStats, RuleStatsRequest } from '../api/rule-stats-api.js';
import type { DeadRequest, ReplayRequest } from '../api/outputs-api.js';
import type { RulesUpdateRequest, RulesUpdateResult } from '../api/updates-api.js';
import { shownConfig } from '../config/index.js';
import type { Capacity, DiffResult, ExportChunk, ExportFilter, PrefixBatch } from '../lists/prefix-batch.js';
import type { Daemon, DaemonParts } from './daemon.js';
import { operatorPrefixes } from './operator-prefixes.js';
import { statusOf } from './status.js';

/** Detections that may wait for a follower of `alerts tail`. */
const FOLLOW_LIMIT = 10_000;

export class DaemonApi implements Api {
  readonly #parts: DaemonParts;
  readonly #daemon: Daemon;

  constructor(parts: DaemonParts, daemon: Daemon) {
    this.#parts = parts;
    this.#daemon = daemon;
  }

  status(): Promise<Status> {
    return Promise.resolve().then(() => statusOf(this.#parts));
  }

  config(): Promise<Readonly<Record<string, unknown>>> {
    return Promise.resolve().then(() => shownConfig(this.#parts.config));
  }

  /** The answer goes out before the daemon ends; with `detach` it names what will be taken out. */
  stop({ detach }: { readonly detach: boolean }): Promise<StopResult> {
    const attached = detach ? this.#parts.kernel.attachments().map(({ name }) => name) : [];
    setImmediate(() => this.#daemon.stop(detach));
    return Promise.resolve({ detached: attached });
  }

  rulesLoading(): Promise<RulesLoading> {
    return Promise.resolve(this.#parts.rules.loading);
  }

  async loadRules(request: RulesLoadRequest): Promise<RulesLoadResult> {
    const result = await this.#parts.rules.load(request);
    this.#parts.log.info({ generation: result.generation, rules: result.summary }, 'rules loaded');
    return result;
  }

  listRules(): Promise<RulesList> {
    return Promise.resolve().then(() => this.#parts.rules.list());
  }

  showRule(sid: number): Promise<readonly RuleRecord[]> {
    return Promise.resolve().then(() => this.#parts.rules.show(sid));
  }

  explainRule(sid: number): Promise<readonly RuleExplanation[]> {
    return Promise.resolve().then(() => this.#parts.rules.explain(sid));
  }

  ruleStats(request: RuleStatsRequest): Promise<RuleStats> {
    return Promise.resolve().then(() => this.#parts.rules.stats(request));
  }

  resetRuleStats(): Promise<{ readonly reset: true }> {
    return Promise.resolve().then(() => {
      this.#parts.rules.resetStats();
      return { reset: true };
    });
  }

  updateRules(request: RulesUpdateRequest): Promise<RulesUpdateResult> {
    return this.#parts.updates.update(request);
  }

  async enableRules({ rules, enabled }: RulesEnableRequest): Promise<RulesEnableResult> {
    const result = await this.#parts.rules.enable(rules, enabled);
    this.#parts.log.info({ ...result, enabled }, 'rules enabled or disabled');
    return result;
  }

  async blocklistAdd(request: BlockRequest): Promise<readonly PrefixOutcome[]> {
    const prefixes = operatorPrefixes(request.prefixes, 'blocklist');
    const { blocklist, guard, log } = this.#parts;
    guard.noteSession(request.sshPeer);
    const { ttl, reason, force } = request;
    const outcomes = await blocklist.addSoon({ prefixes, ttl, reason, force });
    log.info({ outcomes, ttl, reason, force }, 'blocklist add');
    return outcomes;
  }

  async blocklistRemove(texts: readonly string[]): Promise<readonly PrefixOutcome[]> {
    const prefixes = operatorPrefixes(texts, 'blocklist');
    const outcomes = await this.#parts.blocklist.removeSoon(prefixes);
    this.#parts.log.info({ outcomes }, 'blocklist remove');
    return outcomes;
  }

  async blocklistList(request: ListRequest = {}): Promise<readonly BlockEntry[]> {
    const entries: BlockEntry[] = [];
    for await (const page of this.blocklistPages(request)) entries.push(...page);
    return entries;
  }

  blocklistPages(request: ListRequest = {}): AsyncIterable<readonly BlockEntry[]> {
    return this.#parts.blocklist.pages(request);
  }

  async blocklistImport(batch: PrefixBatch, request: ImportRequest): Promise<ImportResult> {
    const { blocklist, guard, log, confirmations } = this.#parts;
    guard.noteSession(request.sshPeer);
    const { confirm, origin } = request;
    const trial = confirm === undefined ? undefined : await confirmations.importBatch(batch, request, confirm);
    const result = trial ?? (await blocklist.bulk.importBatch(batch, request));
    const { added, removed, kept, refusedCount, refused, capacity } = result;
    log.info({ origin, added, kept, refused: refusedCount, confirm }, 'blocklist import');
    const pending = trial && confirmations.pending;
    const confirmBy = pending ? { confirmBy: new Date(pending.deadline).toISOString() } : {};
    return { added, removed, kept, refusedCount, refused, capacity, ...confirmBy };
  }

  blocklistDiff(batch: PrefixBatch, request: ImportRequest & { readonly replace: boolean }): Promise<DiffResult> {
    this.#parts.guard.noteSession(request.sshPeer);
    return this.#parts.blocklist.bulk.diff(batch, request);
  }

  blocklistExport(filter: ExportFilter): AsyncIterable<ExportChunk> {
    return this.#parts.blocklist.bulk.exportEntries(filter);
  }

  blocklistStats(): Promise<BlocklistStats> {
    return Promise.resolve().then(() => this.#parts.blocklist.stats());
  }

  blocklistCapacity(): Promise<Capacity> {
    return Promise.resolve().then(() => this.#parts.blocklist.bulk.capacity());
  }

  confirm(): Promise<ConfirmResult> {
    return Promise.resolve().then(() => {
      const { origin, entries } = this.#parts.confirmations.confirm();
      this.#parts.log.info({ origin, entries }, 'confirmed');
      return { origin, entries };
    });
  }

  listFeeds(): Promise<readonly FeedStatus[]> {
    return Promise.resolve().then(() => this.#parts.feeds.list());
  }

  showFeed(name: string): Promise<FeedStatus> {
    return Promise.resolve().then(() => this.#parts.feeds.show(name));
  }

  updateFeeds(request: FeedUpdateRequest): Promise<readonly FeedStatus[]> {
    return this.#parts.feeds.update(request);
  }

  outputs(name?: string): Promise<readonly OutputStatus[]> {
    const { dispatcher } = this.#parts;
    return Promise.resolve().then(() =>
      name === undefined ? dispatcher.status() : [dispatcher.output(name).status()],
    );
  }

  testOutput(name: string): Promise<TestResult> {
    return testOutput(this.#parts.dispatcher, name);
  }

  async replayOutput({ name, since }: ReplayRequest): Promise<Replayed> {
    const replayed = await this.#parts.dispatcher.replay(name, Date.now() - since * 1000);
    this.#parts.log.info({ output: name, since, ...replayed }, 'outputs replay');
    return replayed;
  }

  async datasets(): Promise<readonly DatasetInfo[]> {
    return (await this.#parts.ring.dataset('list')) as readonly DatasetInfo[];
  }

  async dataset(command: DatasetCommand): Promise<DatasetAnswer> {
    const answer = (await this.#parts.ring.dataset(command)) as DatasetAnswer | DatasetRefusal;
    if ('problem' in answer) throw new IdsError(answer.code, answer.problem);
    const { action, name } = command;
    if (answer.done && action !== 'lookup' && action !== 'dump') this.#parts.log.info({ name, action }, 'data set');
    return answer;
  }

  deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]> {
    return Promise.resolve().then(() => this.#parts.dispatcher.output(name).outbox.deadLetters(limit));
  }

  settleDead({ name, action, ids }: DeadRequest): Promise<{ readonly count: number }> {
    return Promise.resolve().then(() => {
      const count = this.#parts.dispatcher.settleDead(name, action, ids);
      this.#parts.log.info({ output: name, action, count }, 'outputs dead');
      return { count };
    });
  }

  logStatus(): Promise<LogStatus> {
    return Promise.resolve().then(() => this.#parts.layer7.status());
  }

  changeLog(request: LogRequest): Promise<LogStatus> {
    return Promise.resolve().then(() => {
      const status = this.#parts.layer7.change(request);
      this.#parts.log.info(request, 'log');
      return status;
    });
  }

  topHttp(request: TopRequest): Promise<readonly TopRow[]> {
    return Promise.resolve().then(() => this.#parts.layer7.top(request));
  }

  resetTopHttp(): Promise<{ readonly reset: true }> {
    return Promise.resolve().then(() => {
      this.#parts.layer7.resetTop();
      return { reset: true };
    });
  }

  topFlows(request: TopFlowsRequest): Promise<readonly FlowRow[]> {
    return this.#parts.flows.topFlows(request);
  }

  topTalkers(request: TopFlowsRequest): Promise<Talkers> {
    return this.#parts.flows.talkers(request);
  }

  tcpStats(): Promise<TcpStats> {
    return this.#parts.flows.tcp();
  }

  blocklistCheck(address: string): Promise<BlockCheck> {
    return Promise.resolve().then(() => this.#parts.blocklist.check(parseAddress(address)));
  }

  blocklistFlush(): Promise<{ readonly removed: number }> {
    return this.#parts.blocklist.clear().then((removed) => {
      this.#parts.log.info({ removed }, 'blocklist flush');
      return { removed };
    });
  }

  async allowlistAdd(request: {
    readonly prefixes: readonly string[];
    readonly reason?: string;
  }): Promise<readonly PrefixOutcome[]> {
    const prefixes = operatorPrefixes(request.prefixes, 'allowlist');
    const outcomes = this.#parts.allowlist.add(prefixes, request.reason);
    this.#parts.log.info({ outcomes, reason: request.reason }, 'allowlist add');
    return Promise.resolve(outcomes);
  }

  async allowlistRemove(texts: readonly string[]): Promise<readonly PrefixOutcome[]> {
    const prefixes = operatorPrefixes(texts, 'allowlist');
    const outcomes = this.#parts.allowlist.remove(prefixes);
    this.#parts.log.info({ outcomes }, 'allowlist remove');
    return Promise.resolve(outcomes);
  }

  allowlistList(): Promise<readonly AllowEntry[]> {
    return Promise.resolve().then(() => this.#parts.allowlist.list());
  }

  recentAlerts(count: number): Promise<readonly Detection[]> {
    return Promise.resolve(this.#parts.recent.last(count));
  }

  async followAlerts(count: number, signal: AbortSignal, onDetection: (detection: Detection) => void): Promise<void> {
    const follower = this.#parts.recent.follow({ backlog: count, limit: FOLLOW_LIMIT });
    signal.addEventListener('abort', () => follower.close(), { once: true });
    if (signal.aborted) follower.close();
    for await (const detection of follower) onDetection(detection);
  }
}
