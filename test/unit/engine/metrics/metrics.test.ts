// SPDX-License-Identifier: Apache-2.0
// Metrics: their values, their bounds, the page that lists them, and who may read them.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../../../engine/config/index.js';
import { Collector, families } from '../../../../engine/metrics/collector.js';
import { MetricsServer } from '../../../../engine/metrics/metrics-server.js';
import type { MetricsView } from '../../../../engine/metrics/view.js';
import { until } from '../../../helpers/until.js';
import { readDoc, tables } from '../../docs/markdown.js';
import { status } from '../api/fake-api.js';
import { feed } from '../api/memory-bulk.js';
import { temporary } from '../api/serve.js';

const view: MetricsView = {
  status,
  feeds: [feed],
  programs: [{ program: 'ids_xdp', runs: 1000, seconds: 0.000_05 }],
  timed: true,
  ring: { events: 12, bulk: 5 },
  interfaces: 1,
  now: 1_767_323_047_000,
};

/** Lines of samples by their name and labels. */
async function samples(collector = new Collector(() => view)): Promise<Map<string, string>> {
  const lines = (await collector.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
}

t.test('the figures of ids status, again and again the same', async (t) => {
  const collector = new Collector(() => view);
  for (const round of [1, 2]) {
    const found = await samples(collector);
    const wanted: Record<string, string> = {
      'ids_packets_total{reason="rule-drop",action="dropped"}': '10',
      'ids_bytes_total{reason="rule-drop"}': '640',
      'ids_events_suppressed_total{stage="kernel-events"}': '2',
      'ids_blocklist_enforced_entries{family="ipv4"}': '1',
      'ids_output_oldest_seconds{output="webhook"}': '3',
      'ids_output_circuit{output="webhook",state="open"}': '1',
      'ids_output_circuit{output="webhook",state="closed"}': '0',
      'ids_output_log_lines_total{output="webhook",outcome="dropped"}': '2',
      'ids_program_run_seconds_total{program="ids_xdp"}': '0.00005',
      ids_audit_lines_total: '12',
      ids_monitor_mode: '0',
    };
    for (const [name, value] of Object.entries(wanted)) t.equal(found.get(name), value, `${name}, scrape ${round}`);
    t.ok(found.has('nodejs_eventloop_lag_p99_seconds') && found.has('process_resident_memory_bytes'));
  }
  const silent = families.filter(({ samples: of }) => of(view).length === 0).map(({ name }) => name);
  t.same(silent, [], 'every metric has a value where there is everything');
});

t.test('monitor mode drops nothing, and what is gone is gone', async (t) => {
  let reasons = [{ reason: 'rule-drop', packets: 10, bytes: 640, would: 4 }];
  const collector = new Collector(() => ({ ...view, status: { ...status, reasons } }));
  const before = await samples(collector);
  t.equal(before.get('ids_packets_total{reason="rule-drop",action="dropped"}'), '6');
  t.equal(before.get('ids_packets_total{reason="rule-drop",action="would-drop"}'), '4');
  reasons = [{ reason: 'clean', packets: 7, bytes: 640, would: 0 }];
  const after = await samples(collector);
  t.equal(after.get('ids_packets_total{reason="clean",action="passed"}'), '7');
  t.notOk([...after.keys()].some((name) => name.includes('rule-drop')));
});

t.test('the page lists every metric with its type and labels', async (t) => {
  const rows = tables(readDoc('docs/metrics.md'))
    .filter(([titles]) => titles?.[0] === 'metric')
    .flatMap((table) => table.slice(1));
  const plain = (cell = ''): string => cell.replaceAll('`', '');
  const documented = new Map(rows.map(([name, type, labels]) => [plain(name), { type, labels: plain(labels) }]));
  const { metrics } = new Collector(() => view);
  t.same([...documented.keys()].sort(), metrics.map(({ name }) => name).sort());
  for (const { name, type } of metrics) t.equal(documented.get(name)?.type, type, name);
  for (const { name, labels = [] } of families) t.equal(documented.get(name)?.labels, labels.join(', '), name);
});

t.test('no address, port or rule is a label', async (t) => {
  for (const name of (await samples()).keys()) t.notMatch(name, /\d+\.\d+\.\d+\.\d+|[0-9a-f]*::/, name);
});

function get(port: number, headers: Record<string, string> = {}, path = '/metrics', method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { headers, method });
}

t.test('the endpoint: token, paths, and a scrape for many', async (t) => {
  const folder = temporary(t);
  const token = join(folder, 'token');
  writeFileSync(token, 'right-token\n');
  let scrapes = 0;
  const collector = new Collector(async () => {
    scrapes++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return view;
  });
  const { metrics } = loadConfig(`metrics: { listen: "127.0.0.1:0", token: { file: ${token} } }`, 'ids.yaml');
  const server = await MetricsServer.open(metrics, { host: '127.0.0.1', port: 0 }, collector);
  t.teardown(() => server.close());
  const { port } = server;
  for (const wrong of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer right-tokenx' }]) {
    const answer = await get(port, wrong);
    t.equal(answer.status, 401);
    t.equal(answer.headers.get('www-authenticate'), 'Bearer');
    t.notMatch(await answer.text(), /ids_/);
  }
  const right = { authorization: 'Bearer right-token' };
  t.equal(scrapes, 0, 'nothing is collected for strangers');
  const answers = await Promise.all([1, 2, 3, 4].map(() => get(port, right)));
  t.same(
    answers.map(({ status: code }) => code),
    [200, 200, 200, 200],
  );
  t.match(answers[0]?.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.equal(scrapes, 1, 'one for all that ask at the same time');
  t.equal((await get(port, right, '/')).status, 404);
  t.equal((await get(port, right, '/metrics', 'POST')).status, 405);
  t.equal((await get(port, right, '/metrics', 'HEAD')).status, 200);
  writeFileSync(token, 'another');
  await server.reload();
  t.equal((await get(port, right)).status, 401, 'the token of before');
  t.equal((await get(port, { authorization: 'Bearer another' })).status, 200);
  writeFileSync(token, '');
  await t.rejects(server.reload(), { code: 'METRICS_FAILED' });
  t.equal((await get(port, { authorization: 'Bearer another' })).status, 200, 'stays');
  const taken = MetricsServer.open(metrics, { host: '127.0.0.1', port }, collector);
  await t.rejects(taken, { code: 'METRICS_FAILED' });
});

t.test('connections are bounded', async (t) => {
  const { metrics } = loadConfig('metrics: { listen: "127.0.0.1:0" }', 'ids.yaml');
  const server = await MetricsServer.open(metrics, { host: '127.0.0.1', port: 0 }, new Collector(() => view));
  t.teardown(() => server.close());
  const sockets = Array.from({ length: 40 }, () => connect(server.port, '127.0.0.1').on('error', () => undefined));
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  const closed = await new Promise<number>((resolve) => {
    let n = 0;
    for (const socket of sockets) socket.on('close', () => ++n === 24 && resolve(n)).resume();
  });
  t.equal(closed, 24, 'those beyond 16');
  sockets.forEach((socket) => socket.destroy());
  // The server has yet to see that they are gone.
  await until(() =>
    get(server.port).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});

t.test('TLS', async (t) => {
  const folder = temporary(t);
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  t.equal(spawnSync('openssl', [...words, ...names, '-keyout', key, '-out', cert]).status, 0);
  const { metrics } = loadConfig(`metrics: { listen: "127.0.0.1:0", tls: { cert: ${cert}, key: ${key} } }`, 'ids.yaml');
  const server = await MetricsServer.open(metrics, { host: '127.0.0.1', port: 0 }, new Collector(() => view));
  t.teardown(() => server.close());
  const code = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path: '/metrics', ca: readFileSync(cert), agent: false };
    request(options, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });
  t.equal(code, 200);
  await t.rejects(get(server.port), 'no plain text');
  writeFileSync(key, 'no key');
  await t.rejects(server.reload(), { code: 'METRICS_FAILED' });
  await t.rejects(MetricsServer.open(metrics, { host: '127.0.0.1', port: 0 }, new Collector(() => view)), {
    code: 'METRICS_FAILED',
  });
});

t.test('the configuration', async (t) => {
  const refused = (text: string, message: RegExp) =>
    t.throws(() => loadConfig(`metrics: { listen: ${text} }`, 'ids.yaml'), { code: 'CONFIG_INVALID', message });
  refused('"0.0.0.0:9477"', /needs metrics\.token/);
  refused('"[::]:9477"', /needs metrics\.token/);
  refused('"127.0.0.1"', /no address and port/);
  refused('"127.0.0.1:99999"', /no address and port/);
  refused('"localhost:9477"', /no address and port/);
  t.equal(loadConfig('metrics: { listen: off }', 'ids.yaml').metrics.listen, 'off');
  t.match(loadConfig('metrics: { listen: "[::1]:9477" }', 'ids.yaml').metrics.listen, { host: '::1', port: 9477 });
  t.ok(loadConfig('metrics: { listen: "0.0.0.0:9477", token: { env: T } }', 'ids.yaml'));
});
