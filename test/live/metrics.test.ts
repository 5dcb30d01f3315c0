// SPDX-License-Identifier: Apache-2.0
// Metrics of a real daemon in a real Prometheus: every query of the dashboard and of the alert rules is asked there.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { root } from '../unit/docs/markdown.js';
import { inNetns, privileged, run, startInNetns, twoHosts, until, type Host } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, curl, hping, serve } from './support/traffic.js';

TestDaemon.egress = false;

const PROMETHEUS = 'http://127.0.0.1:9090';
const METRICS = '127.0.0.1:9477';
const RULES = join(root, 'monitoring/prometheus-ids.rules.yml');
const DASHBOARD = join(root, 'monitoring/grafana-ids.json');

/** What must never be told. */
const secrets = ['s3cret-of-metrics', 's3cret-of-bearer', `s3cret-${'k'.repeat(30)}`] as const;

const rules = `alert http any any -> any any (msg:"shop"; http.uri; content:"/shop"; sid:1;)
drop tcp any any -> any 81 (msg:"no"; flags:S; sid:2;)
`;

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

interface Vector {
  readonly resultType: string;
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
}

async function api<T>(host: Host, path: string, query?: string): Promise<Answer<T>> {
  const data = query === undefined ? [] : ['--data-urlencode', `query=${query}`];
  const { stdout } = await inNetns(host.netns, 'curl', ['-sG', ...data, `${PROMETHEUS}/api/v1/${path}`]);
  return JSON.parse(stdout) as Answer<T>;
}

const ask = (host: Host, query: string): Promise<Answer<Vector>> => api<Vector>(host, 'query', query);

async function count(host: Host, query: string): Promise<number> {
  const { status, error, data } = await ask(host, query);
  if (status !== 'success') throw new Error(`${query}: ${error ?? ''}`);
  return data.result.length;
}

/** The selectors of a query, each of which has to find something. */
const selectors = (query: string): string[] => query.match(/\b[a-z][a-z0-9_]*\{[^}]*\}/g) ?? [];

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

function dashboardQueries(): { title: string; expr: string }[] {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: readonly Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s'),
    })),
  );
}

function alertRules(): { alert: string; expr: string }[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { alert: string; expr: string }[] }[] };
  return groups.flatMap((group) => group.rules);
}

if (privileged(t)) {
  t.test('every query, in a real Prometheus', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await serve(t, victim);
    const daemon = TestDaemon.prepare(t, victim, { rules });
    const list = daemon.file('list.txt', '192.0.2.0/24\n2001:db8::/48\n');
    const token = daemon.file('token', `${secrets[0]}\n`);
    const [bearer, key] = [daemon.file('bearer', secrets[1]), daemon.file('key', secrets[2])];
    daemon.configure({
      rules,
      config: {
        metrics: { listen: METRICS, program_time: true, token: { file: token } },
        feeds: [{ name: 'level1', file: list, schedule: '0 0 * * *' }],
        outputs: [
          { type: 'file', path: daemon.eveFile, events: ['alert', 'drop', 'engine', 'http'] },
          {
            ...{ type: 'webhook', url: 'http://127.0.0.1:9/s3cret-path?key=s3cret-query' },
            ...{ headers: { 'X-Key': 's3cret-header' }, retry: { initial: '1s', max: '1s' } },
            ...{ bearer: { file: bearer }, secret: { file: key } },
          },
        ],
      },
    });
    await daemon.run();
    await daemon.ids('feeds', 'update');

    const folder = daemon.folder;
    const prometheus = daemon.file(
      'prometheus.yml',
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [RULES],
        scrape_configs: [
          { job_name: 'ids', authorization: { credentials_file: token }, static_configs: [{ targets: [METRICS] }] },
        ],
      }),
    );
    await run('promtool', ['check', 'rules', RULES]);
    await run('promtool', ['check', 'config', prometheus]);
    const words = [`--config.file=${prometheus}`, `--storage.tsdb.path=${join(folder, 'tsdb')}`];
    const server = startInNetns(t, victim.netns, 'prometheus', [...words, '--web.listen-address=127.0.0.1:9090']);
    await server.prints(/Server is ready/, 30_000);

    // Something of everything while it looks.
    const traffic = async (): Promise<void> => {
      await curl(attacker, `http://${victim.ipv4}:${ports.web}/shop/1`);
      await hping(attacker, victim.ipv4, '-c', '2', '-i', 'u1000', '-S', '-p', '81');
      await hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', '82', '--tcpoff', '1');
    };
    const started = Date.now();
    const open =
      'ids_output_circuit{output="webhook",state="open"} == 1 or ids_output_circuit{output="webhook",state="half-open"} == 1';
    await until(
      async () => {
        await traffic();
        return Date.now() - started > 8000 && (await count(victim, open)) > 0;
      },
      { deadline: 90_000, interval: 500 },
    );
    const { status, data } = await ask(victim, 'up{job="ids"}');
    t.equal(status, 'success');
    t.match(data.result, [{ value: [Number, '1'] }]);

    const queries = dashboardQueries();
    t.ok(queries.length > 40);
    for (const { title, expr } of queries) t.ok((await count(victim, expr)) > 0, `${title}: ${expr}`);

    const alerts = alertRules();
    t.ok(alerts.length > 15);
    for (const { alert, expr } of alerts) {
      await count(victim, expr);
      const parts = selectors(expr);
      t.ok(parts.length > 0, alert);
      for (const part of parts) t.ok((await count(victim, part)) > 0, `${alert}: ${part}`);
    }
    interface Rules {
      readonly groups: readonly { readonly rules: readonly { name: string; health: string; lastError?: string }[] }[];
    }
    const evaluated = (await api<Rules>(victim, 'rules')).data.groups.flatMap((group) => group.rules);
    t.same(evaluated.map(({ name }) => name).sort(), alerts.map(({ alert }) => alert).sort());
    t.same(
      evaluated.filter(({ health }) => health !== 'ok'),
      [],
      'each is evaluated',
    );

    interface Alerts {
      readonly alerts: readonly { readonly labels: { readonly alertname: string }; readonly state: string }[];
    }
    const raised = async (): Promise<string[]> =>
      (await api<Alerts>(victim, 'alerts')).data.alerts.map(({ labels }) => labels.alertname);
    t.ok((await raised()).includes('IdsOutputCircuitOpen'));
    for (const name of [
      'IdsDown',
      'IdsBlocklistNotEnforced',
      'IdsInterfaceNotJudged',
      'IdsAuditNotWritten',
      'IdsFeedStale',
    ]) {
      t.notOk((await raised()).includes(name), `no ${name}`);
    }

    // The figures are those of ids status.
    const scrape = await inNetns(victim.netns, 'curl', [
      '-s',
      '-H',
      `Authorization: Bearer ${secrets[0]}`,
      `http://${METRICS}/metrics`,
    ]);
    const ids = await daemon.status();
    t.match(scrape.stdout, /^ids_packets_total\{reason="rule-drop",action="dropped"\} [1-9]/m);
    t.match(
      scrape.stdout,
      new RegExp(`^ids_blocklist_entries\\{family="ipv4"\\} ${ids.blocklist.families[0]?.entries}$`, 'm'),
    );
    t.match(scrape.stdout, /^ids_program_runs_total\{program="ids_xdp"\} [1-9]/m);
    t.notMatch(scrape.stdout, /10\.77\.0|fd77::/, 'no addresses');
    const lint = await run('promtool', ['check', 'metrics'], { input: scrape.stdout, status: 'any' });
    t.same([lint.status, lint.stdout + lint.stderr], [0, ''], 'promtool finds nothing');

    const strange = await inNetns(victim.netns, 'curl', ['-s', '-w', '%{http_code}', `http://${METRICS}/metrics`]);
    t.match(strange.stdout, /401$/, 'without the token there is nothing');
    writeFileSync(token, '');
    process.kill(daemon.process.pid, 'SIGHUP');
    await until(() => daemon.log.includes('"msg":"reopen"'));
    writeFileSync(token, secrets[0]);
    await until(async () => (await count(victim, 'up{job="ids"} == 1')) === 1);
    t.notOk((await raised()).includes('IdsDown'), 'the token of before stays in force');
    const shown = (await daemon.cli('config', 'show')).stdout;
    t.match(shown, /url: http:\/\/127\.0\.0\.1:9\/\*\*\*\n/);
    await daemon.ids('stop', '--detach');
    const told = {
      metrics: scrape.stdout,
      status: JSON.stringify(ids),
      log: daemon.log,
      audit: readFileSync(join(folder, 'state/audit.log'), 'utf8'),
      hashes: readFileSync(join(folder, 'state/audit.config'), 'utf8'),
      config: (await daemon.cli('config', 'check', daemon.configFile, '--json')).stdout,
      shown,
      file: (await daemon.cli('config', 'show', daemon.configFile, '--json')).stdout,
      alerts: readFileSync(daemon.eveFile, 'utf8'),
    };
    for (const [where, text] of Object.entries(told)) {
      t.ok(text.length > 0, `${where} says something`);
      t.notMatch(text, /s3cret/, where);
    }
    t.match(told.audit, /"action":"reopen".*"outcome":"failed".*"METRICS_FAILED"/, 'a token that is gone');
    await until(async () => (await raised()).includes('IdsDown'), { deadline: 20_000 });
  });
}
