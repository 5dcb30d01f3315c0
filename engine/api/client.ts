// SPDX-License-Identifier: Apache-2.0
// The CLI's side of the control socket.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { DeadLetter, Detection, OutputStatus, Replayed, TestResult } from '../../alerts/index.js';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import type { DatasetAnswer, DatasetCommand, DatasetInfo, RuleExplanation } from '../../rules/index.js';
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
} from './api.js';
import type {
  BlocklistStats,
  ConfirmResult,
  FeedStatus,
  FeedUpdateRequest,
  ImportRequest,
  ImportResult,
} from './bulk-api.js';
import { BINARY, decodeChunk, decodeDiff } from './bulk-wire.js';
import { encodeBatch } from '../lists/batch-codec.js';
import { decodeFrames } from '../lists/frames.js';
import type { Capacity, DiffResult, ExportChunk, ExportFilter, PrefixBatch } from '../lists/prefix-batch.js';
import type { FlowRow, Talkers, TcpStats, TopFlowsRequest } from './flows-api.js';
import type { LogRequest, LogStatus, TopRequest, TopRow } from './layer7-api.js';
import type { RuleStats, RuleStatsRequest } from './rule-stats-api.js';
import type { DeadRequest, ReplayRequest } from './outputs-api.js';
import type { RulesUpdateRequest, RulesUpdateResult } from './updates-api.js';
import { fromWire } from './wire.js';

/** The largest public rule sets take some ten seconds to compile on a slow machine. */
const TIMEOUT_MS = 120_000;

/** Talks to the daemon behind a socket. @throws IdsError DAEMON_UNREACHABLE, PRIVILEGE, or what the daemon answered. */
const outputPath = (name: string): string => `/v1/outputs/${encodeURIComponent(name)}`;

export class ApiClient implements Api {
  readonly #socket: string;
  readonly #timeoutMs: number;

  constructor(socket: string, options: { readonly timeoutMs?: number } = {}) {
    this.#socket = socket;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  status(): Promise<Status> {
    return this.#get('/v1/status');
  }

  config(): Promise<Readonly<Record<string, unknown>>> {
    return this.#get('/v1/config');
  }

  stop(options: { readonly detach: boolean }): Promise<StopResult> {
    return this.#post('/v1/stop', options);
  }

  loadRules(request: RulesLoadRequest): Promise<RulesLoadResult> {
    return this.#post('/v1/rules', request);
  }

  rulesLoading(): Promise<RulesLoading> {
    return this.#get('/v1/rules/loading');
  }

  listRules(): Promise<RulesList> {
    return this.#get('/v1/rules');
  }

  showRule(sid: number): Promise<readonly RuleRecord[]> {
    return this.#get(`/v1/rules/${sid}`);
  }

  explainRule(sid: number): Promise<readonly RuleExplanation[]> {
    return this.#get(`/v1/rules/${sid}/explain`);
  }

  ruleStats(request: RuleStatsRequest): Promise<RuleStats> {
    return this.#get(`/v1/rules/stats${query({ ...request })}`);
  }

  resetRuleStats(): Promise<{ readonly reset: true }> {
    return this.#post('/v1/rules/stats/reset', {});
  }

  updateRules(request: RulesUpdateRequest): Promise<RulesUpdateResult> {
    return this.#post('/v1/rules/update', request);
  }

  enableRules(request: RulesEnableRequest): Promise<RulesEnableResult> {
    return this.#post('/v1/rules/enable', request);
  }

  blocklistAdd(request: BlockRequest): Promise<readonly PrefixOutcome[]> {
    return this.#post('/v1/blocklist/add', request);
  }

  blocklistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]> {
    return this.#post('/v1/blocklist/remove', { prefixes });
  }

  blocklistList(request: ListRequest = {}): Promise<readonly BlockEntry[]> {
    return this.#get(`/v1/blocklist${query({ ...request })}`);
  }

  async *blocklistPages(request: ListRequest = {}): AsyncGenerator<readonly BlockEntry[]> {
    yield await this.blocklistList(request);
  }

  async blocklistImport(batch: PrefixBatch, request: ImportRequest): Promise<ImportResult> {
    const response = await this.#send('POST', '/v1/blocklist/import', encodeBatch(batch, request));
    return (await this.#json(response)) as ImportResult;
  }

  async blocklistDiff(batch: PrefixBatch, request: ImportRequest & { readonly replace: boolean }): Promise<DiffResult> {
    return decodeDiff(await this.#bytes(await this.#send('POST', '/v1/blocklist/diff', encodeBatch(batch, request))));
  }

  async *blocklistExport(filter: ExportFilter): AsyncGenerator<ExportChunk> {
    const bytes = await this.#bytes(await this.#send('GET', `/v1/blocklist/export${query({ ...filter })}`));
    for (const frame of decodeFrames(bytes)) yield decodeChunk(frame);
  }

  blocklistStats(): Promise<BlocklistStats> {
    return this.#get('/v1/blocklist/stats');
  }

  blocklistCapacity(): Promise<Capacity> {
    return this.blocklistStats();
  }

  confirm(): Promise<ConfirmResult> {
    return this.#post('/v1/confirm', {});
  }

  outputs(name?: string): Promise<readonly OutputStatus[]> {
    return this.#get(name === undefined ? '/v1/outputs' : outputPath(name));
  }

  testOutput(name: string): Promise<TestResult> {
    return this.#post(`${outputPath(name)}/test`, {});
  }

  replayOutput({ name, since }: ReplayRequest): Promise<Replayed> {
    return this.#post(`${outputPath(name)}/replay`, { since });
  }

  datasets(): Promise<readonly DatasetInfo[]> {
    return this.#get('/v1/datasets');
  }

  dataset({ name, ...command }: DatasetCommand): Promise<DatasetAnswer> {
    return this.#post(`/v1/datasets/${encodeURIComponent(name)}`, command);
  }

  deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]> {
    return this.#get(`${outputPath(name)}/dead${query({ limit })}`);
  }

  settleDead({ name, ...request }: DeadRequest): Promise<{ readonly count: number }> {
    return this.#post(`${outputPath(name)}/dead`, request);
  }

  listFeeds(): Promise<readonly FeedStatus[]> {
    return this.#get('/v1/feeds');
  }

  showFeed(name: string): Promise<FeedStatus> {
    return this.#get(`/v1/feeds/${encodeURIComponent(name)}`);
  }

  updateFeeds(request: FeedUpdateRequest): Promise<readonly FeedStatus[]> {
    return this.#post('/v1/feeds/update', request);
  }

  logStatus(): Promise<LogStatus> {
    return this.#get('/v1/log');
  }

  changeLog(request: LogRequest): Promise<LogStatus> {
    return this.#post('/v1/log', request);
  }

  topHttp(request: TopRequest): Promise<readonly TopRow[]> {
    return this.#get(`/v1/top/http${query({ ...request })}`);
  }

  resetTopHttp(): Promise<{ readonly reset: true }> {
    return this.#post('/v1/top/http/reset', {});
  }

  topFlows(request: TopFlowsRequest): Promise<readonly FlowRow[]> {
    return this.#get(`/v1/top/flows${query({ ...request })}`);
  }

  topTalkers(request: TopFlowsRequest): Promise<Talkers> {
    return this.#get(`/v1/top/talkers${query({ ...request })}`);
  }

  tcpStats(): Promise<TcpStats> {
    return this.#get('/v1/stats/tcp');
  }

  blocklistCheck(address: string): Promise<BlockCheck> {
    return this.#get(`/v1/blocklist/check?address=${encodeURIComponent(address)}`);
  }

  blocklistFlush(): Promise<{ readonly removed: number }> {
    return this.#post('/v1/blocklist/flush', {});
  }

  allowlistAdd(request: {
    readonly prefixes: readonly string[];
    readonly reason?: string;
  }): Promise<readonly PrefixOutcome[]> {
    return this.#post('/v1/allowlist/add', request);
  }

  allowlistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]> {
    return this.#post('/v1/allowlist/remove', { prefixes });
  }

  allowlistList(): Promise<readonly AllowEntry[]> {
    return this.#get('/v1/allowlist');
  }

  async recentAlerts(count: number): Promise<readonly Detection[]> {
    const detections: Detection[] = [];
    await this.#lines(`/v1/alerts?count=${count}`, undefined, (detection) => detections.push(detection));
    return detections;
  }

  followAlerts(count: number, signal: AbortSignal, onDetection: (detection: Detection) => void): Promise<void> {
    return this.#lines(`/v1/alerts?count=${count}&follow=1`, signal, onDetection);
  }

  async #get<T>(path: string): Promise<T> {
    return (await this.#json(await this.#send('GET', path))) as T;
  }

  async #post<T>(path: string, body: unknown): Promise<T> {
    return (await this.#json(await this.#send('POST', path, JSON.stringify(body)))) as T;
  }

  /** Every request has a connection of its own: a daemon that ends takes none away that another request relies on. */
  #send(method: string, path: string, body?: string | Buffer, signal?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const type = typeof body === 'string' ? 'application/json' : BINARY;
      const headers = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
      const options = { socketPath: this.#socket, method, path, headers, agent: false as const };
      const request = httpRequest({ ...options, ...(signal ? { signal } : {}) }, resolve);
      // A follower may wait for ever; everything else is answered in time or not at all.
      if (!signal) {
        request.setTimeout(this.#timeoutMs, () => {
          const text = `the daemon on ${this.#socket} has not answered for ${this.#timeoutMs / 1000} s: look at its log`;
          request.destroy(new IdsError('DAEMON_FAILED', text));
        });
      }
      request.once('error', (error) => reject(this.#failure(error)));
      if (body === undefined) request.end();
      // `end(body)` would put an empty write behind the body. The daemon may have read all and answered by then: the
      // write fails with EPIPE, and Node throws the answer away.
      else request.write(body, (error) => void (error ?? request.end()));
    });
  }

  async #read(response: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw this.#failure(error);
    }
    return Buffer.concat(chunks);
  }

  async #text(response: IncomingMessage): Promise<string> {
    return (await this.#read(response)).toString('utf8');
  }

  /** A binary answer; anything else is an error of the daemon's. */
  async #bytes(response: IncomingMessage): Promise<Buffer> {
    const type = response.headers['content-type'] ?? '';
    if (response.statusCode === 200 && type.startsWith(BINARY)) return this.#read(response);
    await this.#json(response);
    throw this.#stranger();
  }

  async #json(response: IncomingMessage): Promise<unknown> {
    const body = this.#parse(await this.#text(response));
    const failure = fromWire(body);
    if (failure) throw failure;
    if (response.statusCode !== 200) throw this.#stranger();
    return body;
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#stranger(error);
    }
  }

  #stranger(cause?: unknown): IdsError {
    return new IdsError('DAEMON_FAILED', `what answers on ${this.#socket} is no ids daemon`, { cause });
  }

  /** One JSON object a line, each as soon as it is there. */
  async #lines(path: string, signal: AbortSignal | undefined, onDetection: (one: Detection) => void): Promise<void> {
    try {
      const response = await this.#send('GET', path, undefined, signal);
      if (response.statusCode !== 200) throw (await this.#json(response), this.#stranger());
      for await (const line of linesOf(response)) onDetection(this.#parse(line) as Detection);
    } catch (error) {
      if (!signal?.aborted) throw error instanceof IdsError ? error : this.#failure(error);
    }
  }

  #failure(error: unknown): IdsError {
    if (error instanceof IdsError) return error;
    const socket = this.#socket;
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EPERM') {
      const text = `no access to ${socket}: run as root or as a member of the group ids`;
      return new IdsError('PRIVILEGE', text, { cause: error });
    }
    if (code === 'ECONNRESET' || code === 'EPIPE') {
      const text = `the daemon on ${socket} broke the connection off: it ended, or this reader was too slow`;
      return new IdsError('DAEMON_UNREACHABLE', text, { cause: error });
    }
    const why =
      code === 'ENOENT' ? 'there is no such socket' : code === 'ECONNREFUSED' ? 'it has ended' : messageOf(error);
    const text = `no daemon answers on ${socket} (${why}): start it with "ids run", or name its socket with --socket`;
    return new IdsError('DAEMON_UNREACHABLE', text, { cause: error });
  }
}

/** `?a=1&b=2` of what is not undefined. */
function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const known = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, String(value)]);
  return known.length === 0 ? '' : `?${new URLSearchParams(known).toString()}`;
}

/** The lines of a body; what stands behind the last line end is a line that was cut off, and no line. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
