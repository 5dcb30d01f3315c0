// SPDX-License-Identifier: Apache-2.0
// A daemon without a kernel: every answer has every field that its type knows, and what was asked is kept.
import {
  Recent,
  type DeadLetter,
  type Replayed,
  type Detection,
  type OutputStatus,
  type TestResult,
} from '../../../../alerts/index.js';
import { IdsError } from '../../../../common/errors.js';
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
} from '../../../../engine/api/api.js';
import type {
  BlocklistStats,
  BulkApi,
  ConfirmResult,
  FeedStatus,
  FeedUpdateRequest,
  ImportRequest,
  ImportResult,
} from '../../../../engine/api/bulk-api.js';
import type { FlowRow, Talkers, TcpStats, TopFlowsRequest } from '../../../../engine/api/flows-api.js';
import type { LogRequest, LogStatus, TopRequest, TopRow } from '../../../../engine/api/layer7-api.js';
import type {
  Capacity,
  DiffResult,
  ExportChunk,
  ExportFilter,
  PrefixBatch,
} from '../../../../engine/lists/prefix-batch.js';
import type { RuleStats, RuleStatsRequest } from '../../../../engine/api/rule-stats-api.js';
import type { DeadRequest, ReplayRequest } from '../../../../engine/api/outputs-api.js';
import type { RulesUpdateRequest, RulesUpdateResult } from '../../../../engine/api/updates-api.js';
import type { DatasetAnswer, DatasetCommand, DatasetInfo, Problem, RuleExplanation } from '../../../../rules/index.js';
import { MemoryBulkLists } from '../lists/memory-bulk-lists.js';
import { memoryBulk } from './memory-bulk.js';

/** A type whose optional fields must be there too, all the way down. */
type Whole<T> = T extends readonly [unknown, ...unknown[]]
  ? T
  : T extends readonly (infer M)[]
    ? readonly Whole<M>[]
    : T extends object
      ? { [K in keyof T]-?: Whole<T[K]> }
      : T;

export const summary = {
  rules: 4,
  usable: 2,
  inline: 1,
  address: 0,
  engine: 1,
  unsupported: 1,
  errors: 1,
  disabled: 0,
};

export const problem: Whole<Problem> = {
  file: 'local.rules',
  line: 3,
  column: 17,
  severity: 'error',
  sid: 1000001,
  keyword: 'flags',
  cause: 'no such flag "Q"',
  remedy: 'write some of FSRPAUEC',
};

export const rule: Whole<RuleRecord> = {
  sid: 9000001,
  gid: 1,
  rev: 2,
  msg: 'SYN and FIN',
  action: 'drop',
  classtype: 'attempted-recon',
  category: 'Attempted Information Leak',
  priority: 2,
  metadata: [['confidence', 'high']],
  references: [{ system: 'url', value: 'example.org', url: 'https://example.org/1' }],
  target: 'dest_ip',
  tag: 'session,5,packets',
  noalert: false,
  reject: { source: true, destination: false, ends: true },
  placement: 'inline',
  needs: ['http-requests'],
  reason: 'a note',
  slow: 'pcre alone',
  threshold: 'limit by_src: 1 in 60 s',
  suppress: ['by_src 192.0.2.1'],
  positions: [0],
  text: 'drop tcp any any -> any any (msg:"SYN and FIN"; flags:SF; sid:9000001; rev:2;)',
  file: 'anomalies.rules',
  line: 7,
  enabled: true,
  counts: { matched: 1200, events: 3, suppressed: 1197, lost: 0, silenced: 0 },
};

export const explanation: Whole<RuleExplanation> = {
  ...{ gid: 1, sid: 9000001, msg: 'SYN and FIN', action: 'drop', placement: 'inline', why: 'a note' },
  tables: ['1 of 4096 header rules of the kernel, at 0'],
  fastPattern: { buffer: 'http.uri', content: '/x|00|' },
  slow: 'pcre alone',
  threshold: 'limit by_src: 1 in 60 s',
  suppress: ['by_src 192.0.2.1'],
};

export const updated: Whole<RulesUpdateResult> = {
  outcome: 'updated',
  generation: 4,
  summary,
  sources: [{ name: 'et-open', state: 'fetched', bytes: 4096 }],
  kept: [
    {
      ...{ generation: 4, created: '2026-01-02T03:04:05.000Z' },
      ...{ rules: 30, disabled: 1, enabled: 2, dropping: 3, modified: 4 },
    },
  ],
};

export const block: Whole<BlockEntry> = {
  prefix: '192.0.2.7',
  origin: 'manual',
  reason: 'brute force',
  created: '2026-01-02T03:04:05.000Z',
  expires: '2026-01-02T04:04:05.000Z',
  action: 'alert',
  packets: 12345,
  lastSeen: '2026-01-02T03:05:00.000Z',
};

export const check: Whole<BlockCheck> = {
  address: '192.0.2.7',
  blocked: true,
  entries: [block],
  kept: { prefix: '192.0.2.0/24', kind: 'allowlist', reason: 'our office' },
};

export const allowed: Whole<AllowEntry> = {
  prefix: '198.51.100.0/24',
  kind: 'allowlist',
  origin: 'manual',
  reason: 'our office',
  created: '2026-01-02T03:04:05.000Z',
};

export const list: Whole<RulesList> = {
  generation: 7,
  loadedAt: '2026-01-02T03:04:05.000Z',
  origin: 'cli',
  summary,
  rules: [rule],
};

export const status: Whole<Status> = {
  version: '0.1.0',
  pid: 2 ** 30,
  started: '2026-01-02T03:04:05.000Z',
  uptime: 61,
  mode: 'prevent',
  interfaces: [{ name: 'eth0', ifindex: 2, mode: 'native', egress: 'tcx', reject: 'xdp', vlanStripped: true }],
  rules: {
    generation: 7,
    origin: 'cli',
    summary,
    uninspected: { bytes: 9000, streams: 1, inspections: 0 },
    bits: { held: 2, evicted: 1 },
    datasets: { held: 3, refused: 0 },
  },
  packets: { total: 1000, bytes: 64000, dropped: 10, would: 0 },
  reasons: [{ reason: 'rule-drop', packets: 10, bytes: 640, would: 0 }],
  decode: [{ reason: 'decode-tcp-doff', packets: 1 }],
  accounts: [{ stage: 'kernel events', produced: 12, delivered: 10, suppressed: 2, lost: 0, pending: 0 }],
  stats: { events: 12 },
  flows: { used: 12, capacity: 131_072, full: 1, evicted: 2 },
  blocklist: {
    entries: 3,
    capacity: 2_500_000,
    enforced: 2,
    families: [
      { family: 'ipv4', entries: 2, enforced: 1, capacity: 2_000_000 },
      { family: 'ipv6', entries: 1, enforced: 1, capacity: 500_000 },
    ],
    reconciler: { samples: 40, passes: 2, repairs: 1, lastPass: '2026-01-02T03:05:00.000Z' },
  },
  allowlist: { entries: 1, exemptions: 3 },
  response: { blocked: 1 },
  enrichment: { dns_queries: 2 },
  outputs: [
    {
      name: 'webhook',
      type: 'webhook',
      target: 'https://siem.example/ids',
      state: 'retrying',
      circuit: 'open',
      raised: 4,
      delivered: 1,
      suppressed: 1,
      expired: 0,
      dropped: 0,
      pending: 2,
      pendingBytes: 2000,
      oldest: 1767323044000,
      dead: 0,
      durable: true,
      lines: { raised: 9, delivered: 4, pending: 3, dropped: 2, failed: 0, pendingBytes: 900 },
      retries: 4,
      lastDelivery: 1767323045000,
      lastError: { message: 'connection refused', time: 1767323046000 },
    },
  ],
  audit: { records: 12, signed: 10, waiting: 0, lost: 0, failures: 0 },
  kernel: { abi: '0123456789ab', pins: '/nonexistent/pins', adopted: false },
  notes: ['eth0 takes VLAN tags off in hardware'],
};

/** The n-th alert. */
export function detection(n: number): Detection {
  return {
    kind: 'alert',
    timeUs: 1_767_323_045_000_000 + n,
    src: '192.0.2.7',
    dst: '198.51.100.1',
    sport: 40000 + (n % 1000),
    dport: 80,
    proto: 'TCP',
    ipVersion: 4,
    packet: { frameLen: 60, len: 40, ttl: 64, tos: 0, ipId: 1, payloadLen: 0 },
    verdict: 'drop',
    would: false,
    reason: 'rule-drop',
    generation: 7,
    count: n,
    rule: {
      gid: 1,
      sid: 9000001,
      rev: 2,
      msg: 'SYN and FIN',
      category: 'Attempted Information Leak',
      severity: 2,
      action: 'blocked',
      metadata: {},
      references: [],
    },
  };
}

export const logStatus: LogStatus = {
  http: {
    on: true,
    origin: 'cli',
    method: 'GET',
    host: 'www.example.org',
    path: '/api/v2',
    port: 80,
    status: [500, 599],
    slowerMs: 300,
    sample: 10,
    headers: ['X-Request-ID'],
  },
  tls: { on: true, origin: 'config' },
  dns: { on: false, origin: 'config' },
  flow: { on: true, origin: 'cli', failed: true, net: ['10.1.0.0/16'], port: 5432, interval: 3600 },
  outputs: [{ kind: 'http', outputs: ['file'] }],
};

export const flowRow: FlowRow = {
  ...{ proto: 'TCP', client: '192.0.2.7', clientPort: 40_000, server: '2001:db8::1', serverPort: 80, app: 'http' },
  ...{ state: 'established', packets: 7, bytes: 700 },
  toServer: { packets: 4, bytes: 300 },
  toClient: { packets: 3, bytes: 400 },
  ...{ start: '2026-01-02T03:04:05.000Z', last: '2026-01-02T03:04:06.000Z', rttUs: 12_000 },
};

const talker = { name: '192.0.2.7', flows: 2, packets: 9, bytes: 900 };
export const talkers: Talkers = {
  ...{ sources: [talker], destinations: [{ ...talker, name: '2001:db8::1' }], ports: [{ ...talker, name: 'TCP/80' }] },
};

const times = { count: 3, p50Us: 96, p90Us: 1536, p99Us: 2_000_000 };
export const tcpStats: TcpStats = {
  states: { new: 1, answered: 0, established: 5, closing: 0, closed: 2 },
  ...{ handshakes: 9, refused: 1, unanswered: 2, halfOpen: 3, resets: 4, retransmissions: 5 },
  ...{ server: times, network: times, rtt: times },
};

export const topRow: TopRow = {
  value: '/api/v2/users/*',
  requests: 3,
  responses: 3,
  status: { '2xx': 2, '5xx': 1 },
  latencyMeanUs: 150,
  latencyP50Us: 127,
  latencyP95Us: 511,
  latencyP99Us: 511,
};

export const ruleStats: Whole<RuleStats> = {
  generation: 7,
  since: '2026-01-02T03:04:05.000Z',
  total: { checks: 40, matches: 3, alerts: 2, timeUs: 12.5 },
  top: [
    {
      ...{ sid: 9000001, gid: 1, rev: 2, msg: 'SYN and FIN', action: 'alert', placement: 'engine', checks: 40 },
      ...{ matches: 3, alerts: 2, timeUs: 12.5, share: 1, averageUs: 0.3125, longestUs: 1.5 },
    },
  ],
};

export const dataset: Whole<DatasetInfo> = {
  ...{ name: 'bad', type: 'string' as const, values: 2, bytes: 150, memcap: 1000, refused: 1 },
  ...{ load: 'bad.lst', state: 'bad.state', static: false },
};

export const datasetAnswer: Whole<DatasetAnswer> = { done: true, values: 2, score: 7, list: ['YQ==', 'Yg=='] };

export const letter: DeadLetter = {
  id: 5,
  time: 1767323046000,
  error: 'https://siem.example/ids answered 400',
  detection: detection(1),
};

/** Entries of a part of the list. */
const PAGE = 1000;

export class FakeApi implements Api {
  readonly recent = new Recent();
  /** Every call with its arguments, oldest first. */
  readonly calls: (readonly [string, unknown])[] = [];
  /** Thrown by the next calls of a method. */
  readonly failures = new Map<keyof Api, Error>();
  outcomes: readonly PrefixOutcome[] = [{ prefix: '192.0.2.7', outcome: 'added' }];
  loaded: RulesLoadResult = { generation: 8, summary, problems: [problem] };
  blocklist: readonly BlockEntry[] = [block];
  checked: BlockCheck = check;
  tested: TestResult = { outcome: 'delivered', ms: 12, cause: 'it came late' };
  /** What is listed in bulk. */
  readonly lists: MemoryBulkLists;
  readonly #bulk: BulkApi;
  /** Called by `stop`, after the answer. */
  onStop: () => void = () => undefined;
  following = 0;

  constructor(lists = new MemoryBulkLists()) {
    this.lists = lists;
    this.#bulk = memoryBulk(lists);
  }

  #called<T>(method: keyof Api, argument: unknown, answer: () => T | Promise<T>): Promise<T> {
    this.calls.push([method, argument]);
    if (this.failures.has(method)) return Promise.reject(this.failures.get(method) ?? new Error());
    return Promise.resolve(answer());
  }

  status(): Promise<Status> {
    return this.#called('status', undefined, () => status);
  }

  config(): Promise<Readonly<Record<string, unknown>>> {
    return this.#called('config', undefined, () => ({ interfaces: [{ name: 'eth0' }], mode: 'monitor' }));
  }

  stop(options: { readonly detach: boolean }): Promise<{ detached: readonly string[] }> {
    setImmediate(() => this.onStop());
    return this.#called('stop', options, () => ({ detached: options.detach ? ['eth0'] : [] }));
  }

  rulesLoading(): Promise<RulesLoading> {
    return this.#called('rulesLoading', undefined, () => ({ stage: 'parsing' as const, share: 0.5 }));
  }

  loadRules(request: RulesLoadRequest): Promise<RulesLoadResult> {
    return this.#called('loadRules', request, () => this.loaded);
  }

  listRules(): Promise<RulesList> {
    return this.#called('listRules', undefined, () => list);
  }

  showRule(sid: number): Promise<readonly RuleRecord[]> {
    return this.#called('showRule', sid, () => {
      if (sid !== rule.sid) throw new IdsError('NOT_FOUND', `no rule with sid ${sid} is loaded`);
      return [rule];
    });
  }

  explainRule(sid: number): Promise<readonly RuleExplanation[]> {
    return this.#called('explainRule', sid, () => [explanation]);
  }

  updateRules(request: RulesUpdateRequest): Promise<RulesUpdateResult> {
    return this.#called('updateRules', request, () => updated);
  }

  enableRules(request: RulesEnableRequest): Promise<RulesEnableResult> {
    return this.#called('enableRules', request, () => ({ generation: 8, changed: ['1:9000001'] }));
  }

  blocklistAdd(request: BlockRequest): Promise<readonly PrefixOutcome[]> {
    return this.#called('blocklistAdd', request, () => this.outcomes);
  }

  blocklistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]> {
    return this.#called('blocklistRemove', prefixes, () => this.outcomes);
  }

  blocklistList(request?: ListRequest): Promise<readonly BlockEntry[]> {
    return this.#called('blocklistList', request, () => this.blocklist);
  }

  async *blocklistPages(request?: ListRequest): AsyncGenerator<readonly BlockEntry[]> {
    const entries = await this.#called('blocklistPages', request, () => this.blocklist);
    for (let i = 0; i < entries.length; i += PAGE) yield entries.slice(i, i + PAGE);
  }

  blocklistImport(batch: PrefixBatch, request: ImportRequest): Promise<ImportResult> {
    return this.#called('blocklistImport', { batch, request }, () => this.#bulk.blocklistImport(batch, request));
  }

  blocklistDiff(batch: PrefixBatch, request: ImportRequest & { readonly replace: boolean }): Promise<DiffResult> {
    return this.#called('blocklistDiff', { batch, request }, () => this.#bulk.blocklistDiff(batch, request));
  }

  async *blocklistExport(filter: ExportFilter): AsyncGenerator<ExportChunk> {
    yield* await this.#called('blocklistExport', filter, () => this.#bulk.blocklistExport(filter));
  }

  blocklistStats(): Promise<BlocklistStats> {
    return this.#called('blocklistStats', undefined, () => this.#bulk.blocklistStats());
  }

  /** Not told: the server asks for it beside what it was asked. */
  blocklistCapacity(): Promise<Capacity> {
    return this.#bulk.blocklistCapacity();
  }

  confirm(): Promise<ConfirmResult> {
    return this.#called('confirm', undefined, () => this.#bulk.confirm());
  }

  outputs(name?: string): Promise<readonly OutputStatus[]> {
    return this.#called('outputs', name, () => status.outputs);
  }

  testOutput(name: string): Promise<TestResult> {
    return this.#called('testOutput', name, () => this.tested);
  }

  replayOutput(request: ReplayRequest): Promise<Replayed> {
    return this.#called('replayOutput', request, () => ({ queued: 1200, unreadable: 2 }));
  }

  deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]> {
    return this.#called('deadLetters', { name, limit }, () => [letter]);
  }

  datasets(): Promise<readonly DatasetInfo[]> {
    return this.#called('datasets', undefined, () => [dataset]);
  }

  dataset(command: DatasetCommand): Promise<DatasetAnswer> {
    return this.#called('dataset', command, () => datasetAnswer);
  }

  settleDead(request: DeadRequest): Promise<{ readonly count: number }> {
    return this.#called('settleDead', request, () => ({ count: 2 }));
  }

  listFeeds(): Promise<readonly FeedStatus[]> {
    return this.#called('listFeeds', undefined, () => this.#bulk.listFeeds());
  }

  showFeed(name: string): Promise<FeedStatus> {
    return this.#called('showFeed', name, () => this.#bulk.showFeed(name));
  }

  updateFeeds(request: FeedUpdateRequest): Promise<readonly FeedStatus[]> {
    return this.#called('updateFeeds', request, () => this.#bulk.updateFeeds(request));
  }

  logStatus(): Promise<LogStatus> {
    return this.#called('logStatus', undefined, () => logStatus);
  }

  changeLog(request: LogRequest): Promise<LogStatus> {
    return this.#called('changeLog', request, () => logStatus);
  }

  topFlows(request: TopFlowsRequest): Promise<readonly FlowRow[]> {
    return this.#called('topFlows', request, () => [flowRow]);
  }

  topTalkers(request: TopFlowsRequest): Promise<Talkers> {
    return this.#called('topTalkers', request, () => talkers);
  }

  tcpStats(): Promise<TcpStats> {
    return this.#called('tcpStats', undefined, () => tcpStats);
  }

  ruleStats(request: RuleStatsRequest): Promise<RuleStats> {
    return this.#called('ruleStats', request, () => ruleStats);
  }

  resetRuleStats(): Promise<{ readonly reset: true }> {
    return this.#called('resetRuleStats', undefined, () => ({ reset: true as const }));
  }

  topHttp(request: TopRequest): Promise<readonly TopRow[]> {
    return this.#called('topHttp', request, () => [topRow]);
  }

  resetTopHttp(): Promise<{ readonly reset: true }> {
    return this.#called('resetTopHttp', undefined, () => ({ reset: true as const }));
  }

  blocklistCheck(address: string): Promise<BlockCheck> {
    return this.#called('blocklistCheck', address, () => this.checked);
  }

  blocklistFlush(): Promise<{ readonly removed: number }> {
    return this.#called('blocklistFlush', undefined, () => ({ removed: 2 }));
  }

  allowlistAdd(request: { prefixes: readonly string[]; reason?: string }): Promise<readonly PrefixOutcome[]> {
    return this.#called('allowlistAdd', request, () => this.outcomes);
  }

  allowlistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]> {
    return this.#called('allowlistRemove', prefixes, () => this.outcomes);
  }

  allowlistList(): Promise<readonly AllowEntry[]> {
    return this.#called('allowlistList', undefined, () => [allowed]);
  }

  recentAlerts(count: number): Promise<readonly Detection[]> {
    return this.#called('recentAlerts', count, () => this.recent.last(count));
  }

  async followAlerts(count: number, signal: AbortSignal, onDetection: (one: Detection) => void): Promise<void> {
    await this.#called('followAlerts', count, () => undefined);
    const follower = this.recent.follow({ backlog: count, limit: 1_000_000 });
    signal.addEventListener('abort', () => follower.close(), { once: true });
    if (signal.aborted) follower.close();
    this.following++;
    try {
      for await (const one of follower) onDetection(one);
    } finally {
      this.following--;
    }
  }
}
