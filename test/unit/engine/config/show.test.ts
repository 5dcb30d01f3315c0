// SPDX-License-Identifier: Apache-2.0
// What is shown of a configuration is a configuration, the same one, without its secrets.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { loadConfig, SHIPPED_RULES, shownConfig } from '../../../../engine/config/index.js';

const again = (config: ReturnType<typeof loadConfig>): unknown => loadConfig(stringify(shownConfig(config)), 'again');

/** Without keys that have no value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const secret = { file: '/etc/ids/key' };
const url = 'https://siem.example/';
const config = {
  interfaces: ['eth0', { name: 'eth1', mode: 'generic', egress: false }],
  home_net: ['10.0.0.0/8', '!10.1.0.0/16'],
  vars: { address: { DNS: ['192.0.2.1', '192.0.2.2'] }, port: { WEB: [80, 8080] } },
  feeds: [{ name: 'one', url, schedule: '0 * * * *', ttl: '90m' }],
  response: { rules: [{ match: { sid: [1, 2] }, block: '1h30m', escalate: { factor: 3, max: '7d' } }] },
  flows: { log: { interval: '0s', port: 80 } },
  metrics: { listen: '127.0.0.1:9777' },
  audit: { checkpoint_interval: '1d' },
  outputs: [
    { type: 'file', mode: '0600', rotate: { size: '10MiB', every: '1h' } },
    { type: 'stdout', filter: { sids: [7, '9000000-9000999'], except: { sids: [9000001] }, severity: 2 } },
    { type: 'syslog', transport: 'tls', host: 'a.example', tls: { cert: '/c.pem', key: secret } },
    { type: 'webhook', url, secrets: [secret, { env: 'OLD' }], collapse: { window: '5m' }, limit: { per: '1h' } },
    { type: 'splunk_hec', url, token: secret, acknowledge: true },
    { type: 'elasticsearch', url, username: 'a', password: secret },
    { type: 'loki', url },
    { type: 'otlp', url, proxy: 'http://proxy.example:3128' },
    { type: 'cloudevents', url },
    { type: 'slack', url: secret },
    { type: 'teams', url: secret },
    { type: 'pagerduty', routing_key: secret, url },
    { type: 'nats' },
    { type: 'redis' },
    { type: 'kafka' },
  ],
};

t.test('it is read as what it was', async (t) => {
  for (const text of ['', stringify(config), 'metrics: { listen: "[::1]:9477" }']) {
    const read = loadConfig(text, 'ids.yaml');
    t.strictSame(plain(again(read)), plain(read));
  }
  const example = loadConfig(
    readFileSync(join(dirname(SHIPPED_RULES), 'docs', 'ids.example.yaml'), 'utf8').replaceAll(
      /(https?:\/\/[^/\s]+\/)\S+/g,
      '$1',
    ),
    'ids.example.yaml',
  );
  t.strictSame(plain(again(example)), plain(example));
});

t.test('times and the like are written as in a file', async (t) => {
  const { outputs, outbox, response } = shownConfig(loadConfig(stringify(config), 'ids.yaml')) as Record<
    string,
    unknown
  >;
  t.match(outputs, [
    { mode: '0600', rotate: { every: '1h' }, retry: { initial: '1s', max: '1m' }, queue: { max_age: '7d' } },
    { filter: { sids: [7, '9000000-9000999'], except: { sids: [9000001] } } },
  ]);
  t.match(outbox, { keep: '1h' });
  t.match(response, { rules: [{ block: '1h30m' }] });
});

t.test('what may be a secret is not shown', async (t) => {
  const word = 's3cret';
  const headers = { 'X-Token': word, 'X-Other': { env: 'OTHER' } };
  const read = loadConfig(
    stringify({
      outputs: [
        { type: 'webhook', url: `https://h.example:8443/${word}?a=${word}`, headers },
        { type: 'cloudevents', name: 'two', url: `https://h.example/?${word}`, headers },
      ],
      feeds: [{ name: 'one', url: `https://f.example/${word}/list`, schedule: '0 * * * *', headers }],
      rules_update: { sources: [{ name: 'pro', url: `https://r.example/${word}/rules.tar.gz`, headers }] },
    }),
    'ids.yaml',
  );
  const shown = stringify(shownConfig(read));
  t.notMatch(shown, /s3cret/);
  t.match(shown, 'https://h.example:8443/***');
  t.match(shown, 'https://f.example/***');
  t.match(shown, 'X-Token: "***"');
  t.match(shown, 'env: OTHER');
});
