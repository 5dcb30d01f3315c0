// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import t from 'tap';
import type * as z from 'zod';
import { outputSchema, outputsSchema } from '../../../alerts/index.js';

const problems = (value: unknown): string[] => {
  const result = outputsSchema.safeParse(value);
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
};

t.test('defaults', async (t) => {
  t.strictSame(outputsSchema.parse([{ type: 'file' }]), [
    {
      type: 'file',
      name: 'file',
      path: '/var/log/ids/eve.json',
      mode: 0o640,
      events: ['alert', 'drop', 'engine'],
      format: 'eve',
      filter: {},
      queue: {
        records: 1_000_000,
        bytes: 268_435_456,
        overflow: 'drop-newest',
        max_age: 604_800_000,
        log_bytes: 67_108_864,
      },
      retry: { initial: 1000, max: 60_000 },
      batch: { records: 2000, bytes: 1_048_576 },
    },
  ]);
  t.match(outputsSchema.parse([{ type: 'syslog', retry: { max: '5m' } }])[0], {
    host: '127.0.0.1',
    transport: 'udp',
    path: '/dev/log',
    facility: 'local5',
    severity: 'auto',
    app_name: 'ids',
    timeout: 10_000,
    retry: { initial: 1000, max: 300_000 },
  });
  t.match(outputsSchema.parse([{ type: 'webhook', url: 'https://siem.example/in', secret: { env: 'KEY' } }])[0], {
    headers: {},
    batch: { records: 100 },
    secret: { env: 'KEY' },
  });
  t.match(outputsSchema.parse([{ type: 'file', mode: '0600' }])[0], { mode: 0o600 });
});

const bad: readonly (readonly [unknown, RegExp])[] = [
  [[{ type: 'kafka3' }], /^0\.type: /],
  [[{ type: 'file', path: 'eve.json' }], /0\.path: a path that begins with \//],
  [[{ type: 'file', pathh: '/x' }], /pathh/],
  [[{ type: 'file', mode: '0777' }], /0\.mode: a file mode/],
  [[{ type: 'file' }, { type: 'file', path: '/tmp/x' }], /1\.name: two outputs are called "file"/],
  [[{ type: 'file', name: 'a b' }], /0\.name: a name is made of/],
  [[{ type: 'syslog', port: 0 }], /0\.port/],
  [[{ type: 'syslog', timeout: 'soon' }], /0\.timeout: "soon" is not a duration/],
  [[{ type: 'syslog', facility: 'local9' }], /0\.facility/],
  [[{ type: 'syslog', max_bytes: 100 }], /0\.max_bytes/],
  [[{ type: 'syslog', app_name: 'a b' }], /0\.app_name/],
  [[{ type: 'syslog', tls: {} }], /0\.tls: it is of transport tls alone, and this one is udp/],
  [
    [{ type: 'syslog', transport: 'tls', tls: { cert: '/x' } }],
    /0\.tls\.cert: a certificate and its key belong together/,
  ],
  [[{ type: 'syslog', transport: 'tls', tls: { cert: '/x', key: '/y' } }], /0\.tls\.key: a secret is kept outside/],
  [[{ type: 'syslog', protocol: 'rfc3164', structured_data: 'a@1' }], /0\.structured_data: RFC 3164 has none/],
  [[{ type: 'syslog', transport: 'unix', structured_data: 'a@1' }], /0\.structured_data: RFC 3164 has none/],
  [[{ type: 'syslog', transport: 'unix', path: `/${'x'.repeat(107)}` }], /0\.path: the path of a socket has up to 107/],
  [[{ type: 'file', rotate: { size: '100MB' } }], /0\.rotate\.size: "100MB" is not a size/],
  [[{ type: 'file', rotate: { size: 1000 } }], /0\.rotate\.size: a file of 64KiB or more/],
  [[{ type: 'file', rotate: { every: '0s' } }], /0\.rotate\.every: "0s" is not a duration/],
  [[{ type: 'nats', subject: 'ids.>' }], /0\.subject: a subject without spaces and wildcards/],
  [[{ type: 'nats', servers: ['nats://u:p@x'] }], /0\.servers\.0: HOST or HOST:PORT is needed/],
  [[{ type: 'nats', username: 'u' }], /0\.password: username and password belong together/],
  [
    [{ type: 'nats', token: { env: 'A' }, nkey: { env: 'B' } }],
    /0\.username: one of username, token, nkey and credentials/,
  ],
  [[{ type: 'nats', token: 'whsec_abc' }], /0\.token: a secret is kept outside/],
  [[{ type: 'redis', password: 'whsec_abc' }], /0\.password: a secret is kept outside/],
  [[{ type: 'redis', stream: '' }], /0\.stream/],
  [[{ type: 'kafka', brokers: ['x'] }], /0\.brokers\.0: HOST:PORT is needed/],
  [[{ type: 'kafka', brokers: [] }], /0\.brokers/],
  [[{ type: 'kafka', topic: 'a b' }], /0\.topic: up to 249 letters/],
  [
    [{ type: 'kafka', sasl: { mechanism: 'plain', username: 'u', password: 'whsec_abc' } }],
    /sasl\.password: a secret is kept/,
  ],
  [[{ type: 'webhook' }], /0\.url/],
  [[{ type: 'webhook', url: 'ftp://x/' }], /0\.url: an http:\/\/ or https:\/\/ URL is needed/],
  [[{ type: 'webhook', url: 'https://u:p@x/' }], /0\.url: a URL must not hold a password/],
  [[{ type: 'webhook', url: 'https://x/', secret: 'whsec_abc' }], /0\.secret: a secret is kept outside/],
  [[{ type: 'webhook', url: 'https://x/', tls: { cert: '/c' } }], /0\.tls\.cert: a certificate and its key belong/],
  [[{ type: 'webhook', url: 'https://x/', proxy: 'http://u:whsec_abc@p:1' }], /0\.proxy: .*http:\/\/ URL of the proxy/],
  [[{ type: 'webhook', url: 'https://x/', template: 'a\n {{ b' }], /0\.template: template 2:2: output .* not closed/],
  [[{ type: 'webhook', url: 'https://x/', template: '{"a": {{ record.src_ip }}}' }], /0\.template: .*renders no JSON/],
  [[{ type: 'webhook', url: 'https://x/', template: { file: '/none/t' } }], /0\.template: \/none\/t:ENOENT/],
  [
    [{ type: 'webhook', url: 'https://x/', secret: { env: 'A' }, secrets: [{ env: 'B' }] }],
    /0\.secrets: secret and secrets are two ways/,
  ],
  [[{ type: 'elasticsearch', url: 'https://x/', username: 'a' }], /0\.username: username and password belong together/],
  [
    [{ type: 'elasticsearch', url: 'https://x/', username: 'a', password: { env: 'A' }, api_key: { env: 'B' } }],
    /0\.api_key: username and api_key say who we are in different ways/,
  ],
  [[{ type: 'elasticsearch', url: 'https://x/', index: 'Upper' }], /0\.index: small letters/],
  [[{ type: 'elasticsearch', url: 'https://x/', index: 'a-%y' }], /0\.index: small letters/],
  [[{ type: 'elasticsearch', url: 'https://x/', format: 'cef' }], /0\.format/],
  [[{ type: 'elasticsearch', url: 'https://x/', events: ['http'] }], /0\.events: http records are EVE alone/],
  [[{ type: 'splunk_hec', url: 'https://x/', token: 'whsec_abc' }], /0\.token: a secret is kept outside/],
  [[{ type: 'splunk_hec', url: 'https://x/' }], /0\.token/],
  [[{ type: 'loki', url: 'https://x/', labels: { 'a-b': 'c' } }], /0\.labels\.a-b: /],
  [[{ type: 'slack', url: 'https://hooks.slack.example/whsec_abc' }], /0\.url: a secret is kept outside/],
  [[{ type: 'teams', url: { env: 'A' }, events: ['http'] }], /0\.events/],
  [[{ type: 'pagerduty', routing_key: { env: 'A' }, listed: 3 }], /listed/],
  [[{ type: 'cloudevents', url: 'https://x/', source: 'a b' }], /0\.source: a URI reference/],
  [[{ type: 'webhook', url: 'https://x/', headers: { 'Webhook-Id': '1' } }], /0\.headers\.Webhook-Id/],
  [[{ type: 'webhook', url: 'https://x/', headers: { a: 'x\r\nEvil: 1' } }], /0\.headers\.a: not a header value/],
];

for (const [value, expected] of bad) {
  t.test(`refused: ${JSON.stringify(value)}`, async (t) => {
    const found = problems(value);
    t.ok(found.length > 0);
    t.match(found.join('\n'), expected);
    t.notMatch(found.join('\n'), /whsec_abc/);
  });
}

t.test('docs/alerts.md names every key', async (t) => {
  const page = readFileSync(new URL('../../../../docs/alerts.md', import.meta.url), 'utf8');
  for (const option of outputSchema.options) {
    const shape = option.shape as Record<string, z.ZodType>;
    for (const key of Object.keys(shape)) t.ok(page.includes(`\`${key}\``) || page.includes(`\`${key}.`), key);
  }
});
