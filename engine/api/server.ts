// SPDX-License-Identifier: Apache-2.0
// The control socket: HTTP/JSON on a unix socket, mode 0660, group ids. Contents travel through it, never paths.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { IdsError } from '../../common/errors.js';
import type { Detection } from '../../alerts/index.js';
import type { Api } from './api.js';
import { toWire } from './wire.js';

/** A rule load of the largest public rule sets is some 40 MB. */
const BODY_LIMIT = 256 * 1024 * 1024;
/** Lines that may wait for a slow `alerts tail --follow`; beyond them the follower is cut off. */
const MAX_FOLLOWER_BYTES = 4 * 1024 * 1024;
const MAX_PREFIXES = 100_000;

const prefixes = z.array(z.string().max(100)).min(1).max(MAX_PREFIXES);
const schemas = {
  stop: z.object({ detach: z.boolean() }),
  rules: z.object({
    sources: z.array(z.object({ file: z.string(), text: z.string() })).optional(),
    strict: z.boolean(),
  }),
  block: z.object({
    prefixes,
    ttl: z.number().int().positive().optional(),
    reason: z.string().max(1000).optional(),
    force: z.boolean(),
    sshPeer: z.string().max(100).optional(),
  }),
  allow: z.object({ prefixes, reason: z.string().max(1000).optional() }),
  prefixes: z.object({ prefixes }),
  address: z.object({ address: z.string().max(100) }),
  sid: z.object({ sid: z.coerce.number().int().nonnegative() }),
  alerts: z.object({
    count: z.coerce.number().int().min(0).max(100_000).default(20),
    follow: z.enum(['0', '1']).default('0'),
  }),
};

/** Reads a body or query; what does not fit is the caller's mistake. */
function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new IdsError('USAGE', `the request is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

type Optional<T> = { [K in keyof T]: Exclude<T[K], undefined> };
/** Drops keys that are undefined, so that optional properties are absent, not undefined. */
function compact<T extends object>(value: T): Optional<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Optional<T>;
}

export class ApiServer {
  readonly #app: FastifyInstance;
  readonly #path: string;
  readonly #followers = new AbortController();

  private constructor(app: FastifyInstance, path: string) {
    this.#app = app;
    this.#path = path;
  }

  /**
   * Listens on the socket at `path`.
   * @throws IdsError DAEMON_RUNNING if somebody answers there already.
   */
  static async open(path: string, api: Api): Promise<ApiServer> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    if (existsSync(path)) {
      if (await answers(path)) {
        throw new IdsError(
          'DAEMON_RUNNING',
          `a daemon already answers on ${path}: stop it with "ids stop" or choose another socket`,
        );
      }
      unlinkSync(path);
    }
    const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true });
    const server = new ApiServer(app, path);
    server.#routes(api);
    await app.listen({ path });
    server.#permit();
    return server;
  }

  async close(): Promise<void> {
    this.#followers.abort();
    await this.#app.close();
  }

  /** Mode 0660, group `ids` where that group exists, else root's. */
  #permit(): void {
    chmodSync(this.#path, 0o660);
    try {
      const gid = Number(execFileSync('getent', ['group', 'ids'], { encoding: 'utf8' }).split(':')[2]);
      if (Number.isInteger(gid)) chownSync(this.#path, process.getuid?.() ?? 0, gid);
    } catch {
      // No such group: the socket stays root's.
    }
  }

  #routes(api: Api): void {
    const app = this.#app;
    app.setErrorHandler((error, _request, reply) => {
      const { status, body } = toWire(error);
      void reply.status(status).send(body);
    });
    app.get('/v1/status', () => api.status());
    app.post('/v1/stop', (request) => api.stop(read(schemas.stop, request.body)));
    app.post('/v1/rules', (request) => api.loadRules(compact(read(schemas.rules, request.body))));
    app.get('/v1/rules', () => api.listRules());
    app.get('/v1/rules/:sid', (request) => api.showRule(read(schemas.sid, request.params).sid));
    app.post('/v1/blocklist/add', (request) => api.blocklistAdd(compact(read(schemas.block, request.body))));
    app.post('/v1/blocklist/remove', (request) => api.blocklistRemove(read(schemas.prefixes, request.body).prefixes));
    app.post('/v1/blocklist/flush', () => api.blocklistFlush());
    app.get('/v1/blocklist', () => api.blocklistList());
    app.get('/v1/blocklist/check', (request) => api.blocklistCheck(read(schemas.address, request.query).address));
    app.post('/v1/allowlist/add', (request) => api.allowlistAdd(compact(read(schemas.allow, request.body))));
    app.post('/v1/allowlist/remove', (request) => api.allowlistRemove(read(schemas.prefixes, request.body).prefixes));
    app.get('/v1/allowlist', () => api.allowlistList());
    app.get('/v1/alerts', async (request, reply) => {
      const { count, follow } = read(schemas.alerts, request.query);
      await this.#alerts(api, reply, count, follow === '1');
    });
  }

  /** One JSON object a line; with `follow` the answer does not end by itself. */
  async #alerts(api: Api, reply: FastifyReply, count: number, follow: boolean): Promise<void> {
    const recent = follow ? [] : await api.recentAlerts(count);
    reply.hijack();
    const out = reply.raw;
    out.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const write = (detection: Detection): void => void out.write(`${JSON.stringify(detection)}\n`);
    recent.forEach(write);
    if (follow) {
      out.flushHeaders();
      const gone = new AbortController();
      out.on('close', () => gone.abort());
      await api.followAlerts(count, AbortSignal.any([gone.signal, this.#followers.signal]), (detection) => {
        if (out.writableLength > MAX_FOLLOWER_BYTES) out.destroy();
        else write(detection);
      });
    }
    out.end();
  }
}

/** True if somebody accepts connections on the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
