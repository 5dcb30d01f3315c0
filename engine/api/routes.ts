// SPDX-License-Identifier: Apache-2.0
// What may be asked on the control socket: every route, and what its body or query must look like.

import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { IdsError } from '../../common/errors.js';
import type { AlertStreams } from './alert-streams.js';
import type { Api } from './api.js';
import { bulkRoutes } from './bulk-routes.js';
import { datasetsRoutes } from './datasets-routes.js';
import { flowsRoutes } from './flows-routes.js';
import { layer7Routes } from './layer7-routes.js';
import { ruleStatsBy } from './rule-stats-api.js';
import { MAX_ALERTS, MAX_PREFIXES, MAX_TTL } from './limits.js';
import { outputsRoutes } from './outputs-routes.js';
import { compact, read } from './read.js';
import { toWire } from './wire.js';

const prefixes = z.array(z.string().max(100)).min(1).max(MAX_PREFIXES);
const source = z.object({ file: z.string(), text: z.string() });
const ruleSource = source.extend({
  data: z.record(z.string(), z.object({ text: z.string().optional(), problem: z.string().optional() })).optional(),
});
const reason = z.string().max(1000).optional();
const schemas = {
  stop: z.object({ detach: z.boolean() }),
  rules: z.object({
    sources: z.array(ruleSource).optional(),
    thresholds: source.optional(),
    strict: z.boolean(),
  }),
  update: z.object({ force: z.boolean(), rollback: z.boolean() }),
  enable: z.object({
    rules: z
      .array(z.string().regex(/^(\d{1,10}:)?\d{1,10}$/))
      .min(1)
      .max(100_000),
    enabled: z.boolean(),
  }),
  block: z.object({
    prefixes,
    ttl: z.number().int().positive().max(MAX_TTL).optional(),
    reason,
    force: z.boolean(),
    sshPeer: z.string().max(100).optional(),
  }),
  allow: z.object({ prefixes, reason }),
  prefixes: z.object({ prefixes }),
  address: z.object({ address: z.string().max(100) }),
  list: z.object({
    sort: z.enum(['address', 'hits']).optional(),
    limit: z.coerce.number().int().min(1).max(10_000_000).optional(),
    origin: z.string().max(100).optional(),
  }),
  sid: z.object({ sid: z.coerce.number().int().nonnegative() }),
  ruleStats: z.object({
    by: z.enum(ruleStatsBy).default('time'),
    limit: z.coerce.number().int().min(1).max(1_000_000).default(20),
  }),
  alerts: z.object({
    count: z.coerce.number().int().min(0).max(MAX_ALERTS).default(20),
    follow: z.enum(['0', '1']).default('0'),
  }),
};

/** A JSON array of the elements of all pages, in parts. */
async function* arrayText(pages: AsyncIterable<readonly unknown[]>): AsyncGenerator<string, undefined> {
  let before = '[';
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield before + page.map((element) => JSON.stringify(element)).join(',');
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

async function* preceded(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

/** Adds every route and what is answered where there is none. */
export function addRoutes(app: FastifyInstance, api: Api, streams: AlertStreams): void {
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = toWire(error);
    void reply.status(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const text = `the daemon knows no ${request.method} ${request.url.slice(0, 200)}: are it and this program of one version?`;
    const { status, body } = toWire(new IdsError('NOT_FOUND', text));
    void reply.status(status).send(body);
  });
  app.get('/v1/status', () => api.status());
  app.get('/v1/config', () => api.config());
  app.post('/v1/stop', (request) => api.stop(read(schemas.stop, request.body)));
  app.post('/v1/rules', (request) => api.loadRules(compact(read(schemas.rules, request.body))));
  app.get('/v1/rules', () => api.listRules());
  app.get('/v1/rules/loading', () => api.rulesLoading());
  app.get('/v1/rules/stats', (request) => api.ruleStats(read(schemas.ruleStats, request.query)));
  app.post('/v1/rules/stats/reset', () => api.resetRuleStats());
  app.post('/v1/rules/update', (request) => api.updateRules(read(schemas.update, request.body)));
  app.post('/v1/rules/enable', (request) => api.enableRules(read(schemas.enable, request.body)));
  app.get('/v1/rules/:sid/explain', (request) => api.explainRule(read(schemas.sid, request.params).sid));
  app.get('/v1/rules/:sid', (request) => api.showRule(read(schemas.sid, request.params).sid));
  app.post('/v1/blocklist/add', (request) => api.blocklistAdd(compact(read(schemas.block, request.body))));
  app.post('/v1/blocklist/remove', (request) => api.blocklistRemove(read(schemas.prefixes, request.body).prefixes));
  app.post('/v1/blocklist/flush', () => api.blocklistFlush());
  app.get('/v1/blocklist', async (request, reply) => {
    const pages = api.blocklistPages(compact(read(schemas.list, request.query)));
    const text = arrayText(pages);
    // What fails before the first part is an error like any other.
    const { value } = await text.next();
    return reply.type('application/json; charset=utf-8').send(Readable.from(preceded(value ?? '', text)));
  });
  app.get('/v1/blocklist/check', (request) => api.blocklistCheck(read(schemas.address, request.query).address));
  app.post('/v1/allowlist/add', (request) => api.allowlistAdd(compact(read(schemas.allow, request.body))));
  app.post('/v1/allowlist/remove', (request) => api.allowlistRemove(read(schemas.prefixes, request.body).prefixes));
  app.get('/v1/allowlist', () => api.allowlistList());
  bulkRoutes(app, api);
  layer7Routes(app, api);
  flowsRoutes(app, api);
  outputsRoutes(app, api);
  datasetsRoutes(app, api);
  app.get('/v1/alerts', async (request, reply) => {
    const { count, follow } = read(schemas.alerts, request.query);
    if (follow === '0') {
      const recent = await api.recentAlerts(count);
      const text = recent.map((detection) => `${JSON.stringify(detection)}\n`).join('');
      return reply.type('application/x-ndjson').send(text);
    }
    reply.hijack();
    await streams.follow(api, reply.raw, count);
    return reply;
  });
}
