// SPDX-License-Identifier: Apache-2.0
// The CLI's side of the control socket.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Detection } from '../../alerts/index.js';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import type {
  AllowEntry,
  Api,
  BlockCheck,
  BlockEntry,
  BlockRequest,
  PrefixOutcome,
  RuleRecord,
  RulesList,
  RulesLoadRequest,
  RulesLoadResult,
  Status,
  StopResult,
} from './api.js';
import { fromWire } from './wire.js';

/** Talks to the daemon behind a socket. @throws IdsError DAEMON_UNREACHABLE, PRIVILEGE, or what the daemon answered. */
export class ApiClient implements Api {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  status(): Promise<Status> {
    return this.#get('/v1/status');
  }

  stop(options: { readonly detach: boolean }): Promise<StopResult> {
    return this.#post('/v1/stop', options);
  }

  loadRules(request: RulesLoadRequest): Promise<RulesLoadResult> {
    return this.#post('/v1/rules', request);
  }

  listRules(): Promise<RulesList> {
    return this.#get('/v1/rules');
  }

  showRule(sid: number): Promise<readonly RuleRecord[]> {
    return this.#get(`/v1/rules/${sid}`);
  }

  blocklistAdd(request: BlockRequest): Promise<readonly PrefixOutcome[]> {
    return this.#post('/v1/blocklist/add', request);
  }

  blocklistRemove(prefixes: readonly string[]): Promise<readonly PrefixOutcome[]> {
    return this.#post('/v1/blocklist/remove', { prefixes });
  }

  blocklistList(): Promise<readonly BlockEntry[]> {
    return this.#get('/v1/blocklist');
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

  #send(method: string, path: string, body?: string, signal?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const options = { socketPath: this.#socket, method, path, headers, ...(signal ? { signal } : {}) };
      const request = httpRequest(options, resolve);
      request.once('error', (error) => reject(unreachable(this.#socket, error)));
      request.end(body);
    });
  }

  async #json(response: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw unreachable(this.#socket, error);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch (error) {
      throw new IdsError('DAEMON_FAILED', `what answers on ${this.#socket} is no ids daemon`, { cause: error });
    }
    const failure = fromWire(body);
    if (failure) throw failure;
    return body;
  }

  async #lines(
    path: string,
    signal: AbortSignal | undefined,
    onDetection: (detection: Detection) => void,
  ): Promise<void> {
    try {
      const response = await this.#send('GET', path, undefined, signal);
      if (response.statusCode !== 200) await this.#json(response);
      for await (const line of createInterface({ input: response })) onDetection(JSON.parse(line) as Detection);
    } catch (error) {
      if (!signal?.aborted) throw error instanceof IdsError ? error : unreachable(this.#socket, error);
    }
  }
}

function unreachable(socket: string, error: unknown): IdsError {
  const code = systemCode(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new IdsError('PRIVILEGE', `no access to ${socket}: run as root or as a member of the group ids`, {
      cause: error,
    });
  }
  const known = code === 'ENOENT' || code === 'ECONNREFUSED';
  const cause = known ? 'no daemon runs there' : messageOf(error);
  return new IdsError('DAEMON_UNREACHABLE', `no daemon answers on ${socket} (${cause}): start it with "ids run"`, {
    cause: error,
  });
}
