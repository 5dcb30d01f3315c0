// SPDX-License-Identifier: Apache-2.0
// Every route over a real socket: what the client sends arrives, what the daemon answers comes back, errors keep their code.
import t from 'tap';
import { errorCodes, type ErrorCode } from '../../../../common/error-codes.js';
import { IdsError } from '../../../../common/errors.js';
import type { Api } from '../../../../engine/api/api.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { EMPTY_BATCH } from '../../../../engine/lists/batch-ops.js';
import { feed, stats } from './memory-bulk.js';
import {
  allowed,
  block,
  check,
  detection,
  list,
  explanation,
  dataset,
  datasetAnswer,
  letter,
  rule,
  ruleStats,
  updated,
  status,
  logStatus,
  talkers,
  tcpStats,
  topRow,
  flowRow,
} from './fake-api.js';
import { raw, serve } from './serve.js';

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const part of parts) found.push(part);
  return found;
}

/** 192.0.2.7 and 2001:db8::/32. */
function twoEntries() {
  const builder = new BatchBuilder(2);
  builder.add4(0xc0000207, 32);
  builder.add6(0x20010db8, 0, 0, 0, 32);
  return builder.build();
}

t.test('each method reaches the daemon with its arguments and brings its answer back', async (t) => {
  const { client, api } = await serve(t);
  const source = { file: 'a.rules', text: 'alert ip any any -> any any (sid:1;)\n' };
  const request = { prefixes: ['192.0.2.7'], ttl: 60, reason: 'why', force: true, sshPeer: '203.0.113.5' };
  const ordered = { sort: 'hits', limit: 5, origin: 'manual' } as const;
  const batch = twoEntries();
  const bulk = {
    origin: 'feed:x',
    ttl: 60,
    action: 'alert',
    reason: 'why',
    force: true,
    forced: false,
    confirm: 5,
  } as const;
  const compared = { origin: 'feed:x', replace: true };
  const filter = { origin: 'feed:x', action: 'alert' } as const;
  const update = { names: [feed.name], force: true };
  api.recent.push([detection(1), detection(2)]);
  const changed = {
    http: { path: '/api', status: [500, 599], headers: ['X-A'] },
    tls: false,
    dns: 'default',
    flow: { failed: true, net: ['10.0.0.0/8'] },
  } as const;
  const dear = { by: 'average' as const, limit: 5 };
  const off = { rules: ['1:9000001', '7'], enabled: false };
  const busy = { by: 'packets', limit: 5 } as const;
  const most = { by: 'header', header: 'X-A', limit: 5 } as const;
  const answers: Record<Exclude<keyof Api, 'followAlerts' | 'blocklistCapacity'>, [unknown, unknown]> = {
    status: [await client.status(), status],
    config: [await client.config(), { interfaces: [{ name: 'eth0' }], mode: 'monitor' }],
    stop: [await client.stop({ detach: true }), { detached: ['eth0'] }],
    loadRules: [await client.loadRules({ sources: [source], strict: true }), api.loaded],
    rulesLoading: [await client.rulesLoading(), { stage: 'parsing', share: 0.5 }],
    listRules: [await client.listRules(), list],
    showRule: [await client.showRule(rule.sid), [rule]],
    explainRule: [await client.explainRule(rule.sid), [explanation]],
    ruleStats: [await client.ruleStats(dear), ruleStats],
    resetRuleStats: [await client.resetRuleStats(), { reset: true }],
    updateRules: [await client.updateRules({ force: true, rollback: false }), updated],
    enableRules: [await client.enableRules(off), { generation: 8, changed: ['1:9000001'] }],
    blocklistAdd: [await client.blocklistAdd(request), api.outcomes],
    blocklistRemove: [await client.blocklistRemove(['192.0.2.0/24', '::1']), api.outcomes],
    blocklistList: [await client.blocklistList(), [block]],
    blocklistPages: [await all(client.blocklistPages(ordered)), [[block]]],
    blocklistDiff: [
      await client.blocklistDiff(batch, compared),
      { added: batch, removed: EMPTY_BATCH, kept: 0, refusedCount: 0, refused: [] },
    ],
    blocklistImport: [
      await client.blocklistImport(batch, bulk),
      {
        added: 2,
        removed: 0,
        kept: 0,
        refusedCount: 0,
        refused: [],
        capacity: { entries4: 1, entries6: 1, capacity4: api.lists.limit, capacity6: api.lists.limit },
        confirmBy: '2026-01-01T00:00:30.000Z',
      },
    ],
    blocklistExport: [
      await all(client.blocklistExport(filter)),
      [{ origin: 'feed:x', action: 'alert', forced: false, batch: api.lists.batch('feed:x') }],
    ],
    blocklistStats: [await client.blocklistStats(), stats],
    confirm: [await client.confirm(), { origin: 'manual', entries: 2 }],
    listFeeds: [await client.listFeeds(), [feed]],
    showFeed: [await client.showFeed(feed.name), feed],
    updateFeeds: [await client.updateFeeds(update), [feed]],
    outputs: [await client.outputs('webhook'), status.outputs],
    testOutput: [await client.testOutput('webhook'), api.tested],
    replayOutput: [await client.replayOutput({ name: 'webhook', since: 60 }), { queued: 1200, unreadable: 2 }],
    deadLetters: [await client.deadLetters('webhook', 7), [letter]],
    datasets: [await client.datasets(), [dataset]],
    dataset: [await client.dataset({ name: 'bad', action: 'dump', limit: 5 }), datasetAnswer],
    settleDead: [await client.settleDead({ name: 'webhook', action: 'drop', ids: [5, 6] }), { count: 2 }],
    logStatus: [await client.logStatus(), logStatus],
    changeLog: [await client.changeLog(changed), logStatus],
    topFlows: [await client.topFlows(busy), [flowRow]],
    topTalkers: [await client.topTalkers(busy), talkers],
    tcpStats: [await client.tcpStats(), tcpStats],
    topHttp: [await client.topHttp(most), [topRow]],
    resetTopHttp: [await client.resetTopHttp(), { reset: true }],
    blocklistCheck: [await client.blocklistCheck('2001:db8::1'), check],
    blocklistFlush: [await client.blocklistFlush(), { removed: 2 }],
    allowlistAdd: [await client.allowlistAdd({ prefixes: ['192.0.2.7'], reason: 'x' }), api.outcomes],
    allowlistRemove: [await client.allowlistRemove(['192.0.2.7']), api.outcomes],
    allowlistList: [await client.allowlistList(), [allowed]],
    recentAlerts: [await client.recentAlerts(1), [detection(2)]],
  };
  for (const [method, [found, wanted]] of Object.entries(answers)) t.strictSame(found, wanted, method);
  t.strictSame(
    api.calls,
    [
      ['status', undefined],
      ['config', undefined],
      ['stop', { detach: true }],
      ['loadRules', { sources: [source], strict: true }],
      ['rulesLoading', undefined],
      ['listRules', undefined],
      ['showRule', rule.sid],
      ['explainRule', rule.sid],
      ['ruleStats', dear],
      ['resetRuleStats', undefined],
      ['updateRules', { force: true, rollback: false }],
      ['enableRules', off],
      ['blocklistAdd', request],
      ['blocklistRemove', ['192.0.2.0/24', '::1']],
      ['blocklistPages', {}],
      ['blocklistPages', ordered],
      ['blocklistDiff', { batch, request: compared }],
      ['blocklistImport', { batch, request: bulk }],
      ['blocklistExport', filter],
      ['blocklistStats', undefined],
      ['confirm', undefined],
      ['listFeeds', undefined],
      ['showFeed', feed.name],
      ['updateFeeds', update],
      ['outputs', 'webhook'],
      ['testOutput', 'webhook'],
      ['replayOutput', { name: 'webhook', since: 60 }],
      ['deadLetters', { name: 'webhook', limit: 7 }],
      ['datasets', undefined],
      ['dataset', { name: 'bad', action: 'dump', limit: 5 }],
      ['settleDead', { name: 'webhook', action: 'drop', ids: [5, 6] }],
      ['logStatus', undefined],
      ['changeLog', changed],
      ['topFlows', busy],
      ['topTalkers', busy],
      ['tcpStats', undefined],
      ['topHttp', most],
      ['resetTopHttp', undefined],
      ['blocklistCheck', '2001:db8::1'],
      ['blocklistFlush', undefined],
      ['allowlistAdd', { prefixes: ['192.0.2.7'], reason: 'x' }],
      ['allowlistRemove', ['192.0.2.7']],
      ['allowlistList', undefined],
      ['recentAlerts', 1],
    ],
    'what was asked',
  );
  await client.loadRules({ strict: false });
  t.strictSame(api.calls.at(-1), ['loadRules', { strict: false }], 'what is not given is absent, not undefined');
});

t.test('every error keeps its code, message and details on the way', async (t) => {
  const { client, api, socket } = await serve(t);
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    api.failures.set('status', new IdsError(code, `it is ${code}`, { details: { code, list: [1] } }));
    const found = await client.status().catch((error: unknown) => error);
    t.ok(found instanceof IdsError && found.code === code, code);
    t.match(found, { message: `it is ${code}`, details: { code, list: [1] } });
  }
  api.failures.set('status', new TypeError('x is not a function'));
  await t.rejects(client.status(), { code: 'INTERNAL', message: 'x is not a function' }, 'a defect is named as one');
  t.equal((await raw(socket, 'GET', '/v1/status')).status, 500);
  await t.rejects(client.showRule(5), { code: 'NOT_FOUND' });
  t.equal((await raw(socket, 'GET', '/v1/rules/5')).status, 404);
  await t.rejects(client.showFeed('none'), { code: 'NOT_FOUND' });
  await t.rejects(client.confirm(), { code: 'NOT_FOUND' });
  api.failures.set('blocklistPages', new IdsError('USAGE', 'before the first part'));
  await t.rejects(client.blocklistList(), { code: 'USAGE', message: 'before the first part' });
});

t.test('a request that fits no route or schema is the caller’s mistake, in JSON, and reaches nobody', async (t) => {
  const { api, socket } = await serve(t);
  const many = JSON.stringify({ prefixes: Array.from({ length: 100_001 }, () => '192.0.2.1'), force: false });
  const bad: [string, string, string, number][] = [
    ['POST', '/v1/stop', '{"detach":', 400],
    ['POST', '/v1/stop', '', 400],
    ['POST', '/v1/stop', 'null', 400],
    ['POST', '/v1/stop', '[]', 400],
    ['POST', '/v1/stop', '{"detach":"yes"}', 400],
    ['POST', '/v1/stop', '{"__proto__":{"detach":true}}', 400],
    ['POST', '/v1/rules', '{"strict":true,"sources":[{"file":"x"}]}', 400],
    ['POST', '/v1/rules', '{"strict":true,"sources":["/etc/shadow"]}', 400],
    ['POST', '/v1/blocklist/add', '{"prefixes":[],"force":false}', 400],
    ['POST', '/v1/blocklist/add', '{"prefixes":[7],"force":false}', 400],
    ['POST', '/v1/blocklist/add', '{"prefixes":["192.0.2.1"]}', 400],
    ['POST', '/v1/blocklist/add', '{"prefixes":["192.0.2.1"],"force":false,"ttl":-1}', 400],
    ['POST', '/v1/blocklist/add', '{"prefixes":["192.0.2.1"],"force":false,"ttl":1.5}', 400],
    ['POST', '/v1/blocklist/add', '{"prefixes":["192.0.2.1"],"force":false,"ttl":1e12}', 400],
    ['POST', '/v1/blocklist/add', many, 400],
    ['GET', '/v1/blocklist/check', '', 400],
    ['GET', '/v1/blocklist?sort=size', '', 400],
    ['GET', '/v1/blocklist?limit=0', '', 400],
    ['GET', '/v1/blocklist/export?action=reject', '', 400],
    ['POST', '/v1/feeds/update', '{"force":"yes"}', 400],
    ['POST', '/v1/feeds/update', '{"force":true,"what":1}', 400],
    ['POST', '/v1/datasets/x', '{"action":"burn"}', 400],
    ['POST', '/v1/datasets/x', '{"action":"dump","limit":0}', 400],
    ['GET', '/v1/rules/one', '', 400],
    ['GET', '/v1/rules/stats?by=ticks', '', 400],
    ['GET', '/v1/rules/stats?limit=0', '', 400],
    ['GET', '/v1/rules/-1', '', 400],
    ['GET', '/v1/alerts?count=-1', '', 400],
    ['GET', '/v1/alerts?count=1000000', '', 400],
    ['GET', '/v1/alerts?follow=yes', '', 400],
    ['GET', '/v1/nothing', '', 404],
    ['DELETE', '/v1/rules', '', 404],
    ['GET', '/', '', 404],
  ];
  for (const [method, path, body, wanted] of bad) {
    const name = `${method} ${path} ${body.slice(0, 60)}`;
    const answer = await raw(socket, method, path, body, body === '' ? {} : { 'content-type': 'application/json' });
    t.equal(answer.status, wanted, name);
    t.match(answer.type, /^application\/json/, name);
    const { error } = JSON.parse(answer.body) as { error: { code: string; message: string } };
    t.equal(error.code, wanted === 404 ? 'NOT_FOUND' : 'USAGE', name);
    t.notMatch(error.message, /\n/, `${name}: one whole line: ${error.message}`);
  }
  const form = await raw(socket, 'POST', '/v1/stop', 'detach=1', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  t.equal(form.status, 415, 'only JSON');
  t.match(form.body, /"code":"USAGE"/);
  const large = await raw(socket, 'POST', '/v1/rules', '', {
    'content-type': 'application/json',
    'content-length': 300 * 1024 * 1024,
    connection: 'close',
  });
  t.equal(large.status, 413, 'refused by its announced length, before it is read');
  t.match(large.body, /"code":"USAGE"/);
  t.strictSame(api.calls, [], 'the daemon heard of none of them');
});

t.test('requests at the same time do not mix', async (t) => {
  const { client } = await serve(t);
  const sids = Array.from({ length: 100 }, (_, i) => i + 1);
  const found = await Promise.all(sids.map((sid) => client.showRule(sid).catch((error: unknown) => error)));
  t.ok(
    found.every((error, i) => error instanceof IdsError && error.message === `no rule with sid ${i + 1} is loaded`),
    'each answer is that of its request',
  );
});
