// SPDX-License-Identifier: Apache-2.0
// The routes of layer 7: what is logged, and figures of HTTP.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SELECTION_LIMITS } from '../layer7/selection.js';
import { topBy, type Layer7Api, type LogRequest, type TopRequest } from './layer7-api.js';
import { compact, read } from './read.js';

const text = (max: number) => z.string().regex(new RegExp(`^[!-~]{1,${max}}$`));
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'not a header name');
const status = z.int().min(100).max(999);

const selection = z
  .strictObject({
    method: text(SELECTION_LIMITS.method).optional(),
    host: text(SELECTION_LIMITS.host).optional(),
    path: text(SELECTION_LIMITS.path).optional(),
    port: z.int().min(1).max(65_535).optional(),
    status: z.tuple([status, status]).optional(),
    slowerMs: z.int().min(1).max(3_600_000).optional(),
    sample: z.int().min(1).max(1_000_000).optional(),
    headers: z.union([z.literal('all'), z.array(headerName).max(SELECTION_LIMITS.headers)]).optional(),
  })
  .transform(compact);

const flowSelection = z
  .strictObject({
    failed: z.boolean().optional(),
    net: z.array(z.string().max(100)).max(100).optional(),
    port: z.int().min(1).max(65_535).optional(),
    interval: z.int().min(0).max(31_536_000).optional(),
  })
  .transform(compact);

const onOff = z.union([z.boolean(), z.literal('default')]).optional();
const schemas = {
  log: z.strictObject({
    http: z.union([z.enum(['off', 'default']), selection]).optional(),
    tls: onOff,
    dns: onOff,
    flow: z.union([z.enum(['off', 'default']), flowSelection]).optional(),
  }),
  top: z.object({
    by: z.enum(topBy),
    header: headerName.optional(),
    limit: z.coerce.number().int().min(1).max(10_000).default(20),
  }),
};

export function layer7Routes(app: FastifyInstance, api: Layer7Api): void {
  app.get('/v1/log', () => api.logStatus());
  app.post('/v1/log', (request) => api.changeLog(compact(read(schemas.log, request.body)) as LogRequest));
  app.get('/v1/top/http', (request) => api.topHttp(compact(read(schemas.top, request.query)) as TopRequest));
  app.post('/v1/top/http/reset', () => api.resetTopHttp());
}
