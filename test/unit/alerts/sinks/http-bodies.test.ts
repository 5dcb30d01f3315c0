// SPDX-License-Identifier: Apache-2.0
// What each receiver over HTTP gets, field for field.
import { hostname } from 'node:os';
import t from 'tap';
import {
  Entry,
  LineEntry,
  eveLine,
  lineIn,
  outputsSchema,
  toEve,
  type OutputConfig,
} from '../../../../alerts/index.js';
import { detectionId } from '../../../../alerts/detection-id.js';
import { toEcs } from '../../../../alerts/formats/ecs.js';
import { sentence } from '../../../../alerts/formats/sentence.js';
import { cloudEvent } from '../../../../alerts/sinks/cloudevents.js';
import { bulkItem, indexOf } from '../../../../alerts/sinks/elasticsearch.js';
import { lokiBody } from '../../../../alerts/sinks/loki.js';
import { otlpBody } from '../../../../alerts/sinks/otlp.js';
import { pagerdutyEvent } from '../../../../alerts/sinks/pagerduty.js';
import { recordId, timeUsOf } from '../../../../alerts/sinks/record-facts.js';
import { slackBody } from '../../../../alerts/sinks/slack.js';
import { hecEvent } from '../../../../alerts/sinks/splunk-hec.js';
import { teamsBody } from '../../../../alerts/sinks/teams.js';
import { version } from '../../../../common/version.js';
import { blocked6, numbered, request, synFin } from '../samples.js';

const LOG = '{"timestamp":"2026-01-02T03:04:05.000017+0000","event_type":"http","http":{"url":"\\"timestamp\\":"}}';
const log = new LineEntry('http', LOG, LOG.length);
const US = 1767323045678901;
const json = (text: string): unknown => JSON.parse(text);
const config = <T extends OutputConfig['type']>(value: object): Extract<OutputConfig, { type: T }> =>
  outputsSchema.parse([value])[0] as Extract<OutputConfig, { type: T }>;

t.test('time and id of a record', async (t) => {
  t.equal(timeUsOf(new Entry(synFin)), US);
  t.equal(timeUsOf(log), 1767323045000017);
  t.ok(Math.abs(timeUsOf(new LineEntry('http', '{}', 2)) / 1000 - Date.now()) < 5000);
  t.equal(recordId(new Entry(synFin)), detectionId(synFin));
  t.match(recordId(log), /^[0-9a-f]{32}$/);
  t.equal(recordId(log), recordId(new LineEntry('http', LOG, LOG.length)));
});

t.test('Splunk HEC', async (t) => {
  const token = { env: 'T' };
  const plain = config<'splunk_hec'>({ type: 'splunk_hec', url: 'https://s/', token });
  t.same(json(hecEvent(new Entry(synFin), plain)), {
    time: 1767323045.678901,
    host: hostname(),
    source: 'ids',
    sourcetype: 'suricata',
    fields: { detection_id: detectionId(synFin) },
    event: toEve(synFin),
  });
  t.match(hecEvent(new Entry(synFin), plain), /^\{"time":1767323045\.678901,/);
  const own = config<'splunk_hec'>({
    ...{ type: 'splunk_hec', url: 'https://s/', token, index: 'sec', source: 'gw', sourcetype: 'cef', host: 'h1' },
    format: 'cef',
  });
  t.same(json(hecEvent(new Entry(synFin, 'cef'), own)), {
    time: 1767323045.678901,
    host: 'h1',
    source: 'gw',
    sourcetype: 'cef',
    index: 'sec',
    fields: { detection_id: detectionId(synFin) },
    event: lineIn.cef(synFin),
  });
  t.match(json(hecEvent(log, plain)), { time: 1767323045.000017, event: { event_type: 'http' } });
});

t.test('Elasticsearch bulk', async (t) => {
  const ecs = bulkItem(new Entry(synFin, 'ecs'), { index: 'logs-ids-default', format: 'ecs' });
  t.same(
    ecs.split('\n').map((line) => (line === '' ? '' : json(line))),
    [{ create: { _index: 'logs-ids-default', _id: detectionId(synFin) } }, toEcs(synFin), ''],
  );
  const [action, document] = bulkItem(new Entry(synFin), { index: 'ids-%Y.%m.%d', format: 'eve' }).split('\n');
  t.match(json(action ?? ''), { create: { _index: 'ids-2026.01.02' } });
  t.same(json(document ?? ''), { '@timestamp': '2026-01-02T03:04:05.678901Z', ...toEve(synFin) });
  t.equal(indexOf('a-%Y-%m-%d-%H', US), 'a-2026-01-02-03');
});

t.test('Loki', async (t) => {
  const later = new Entry({ ...synFin, timeUs: US + 1 });
  t.same(json(lokiBody([later, new Entry(synFin), log], { job: 'ids', site: 'lab' })), {
    streams: [
      {
        stream: { job: 'ids', site: 'lab', event_type: 'alert' },
        values: [
          ['1767323045678901000', eveLine(synFin)],
          ['1767323045678902000', later.line],
        ],
      },
      { stream: { job: 'ids', site: 'lab', event_type: 'http' }, values: [['1767323045000017000', LOG]] },
    ],
  });
});

const text = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
const int = (key: string, value: number): object => ({ key, value: { intValue: String(value) } });

t.test('OTLP', async (t) => {
  t.same(json(otlpBody([new Entry(request), log], { 'deployment.environment.name': 'lab' }, 1_800_000_000_000)), {
    resourceLogs: [
      {
        resource: {
          attributes: [
            text('service.name', 'ids'),
            text('service.version', version),
            text('host.name', hostname()),
            text('deployment.environment.name', 'lab'),
          ],
        },
        scopeLogs: [
          {
            scope: { name: 'ids', version },
            logRecords: [
              {
                timeUnixNano: '1767323045678901000',
                observedTimeUnixNano: '1800000000000000000',
                severityNumber: 13,
                severityText: 'Medium',
                eventName: 'ids.alert',
                body: { stringValue: eveLine(request) },
                attributes: [
                  text('event.name', 'ids.alert'),
                  text('source.address', '128.232.110.120'),
                  int('source.port', 34855),
                  text('destination.address', '66.35.250.204'),
                  int('destination.port', 80),
                  text('network.type', 'ipv4'),
                  text('network.transport', 'tcp'),
                  text('network.protocol.name', 'http'),
                  text('network.interface.name', 'eth1'),
                  text('security_rule.uuid', '1:9000301'),
                  text('security_rule.name', 'IDS SCAN SYN and FIN set'),
                  text('security_rule.version', '3'),
                  text('security_rule.category', 'Attempted Information Leak'),
                  text('http.request.method', 'GET'),
                  text('server.address', 'www.example.org'),
                  text('url.path', '/a'),
                  text('url.query', 'b=c'),
                  text('user_agent.original', 'sqlmap/1.7'),
                  text('ids.detection_id', detectionId(request)),
                  text('ids.action', 'allowed'),
                  text('ids.reason', 'clean'),
                  int('ids.severity', 2),
                  text('ids.classtype', 'attempted-recon'),
                  text('ids.community_id', String(toEve(request)['community_id'])),
                ],
              },
              {
                timeUnixNano: '1767323045000017000',
                observedTimeUnixNano: '1800000000000000000',
                severityNumber: 9,
                severityText: 'Informational',
                eventName: 'ids.http',
                body: { stringValue: LOG },
                attributes: [text('event.name', 'ids.http'), text('ids.detection_id', recordId(log))],
              },
            ],
          },
        ],
      },
    ],
  });
  t.match(otlpBody([new Entry({ ...synFin, would: true })], {}), /"key":"ids\.would","value":\{"boolValue":true\}/);
});

t.test('CloudEvents', async (t) => {
  t.same(json(cloudEvent(new Entry(synFin), { source: undefined, type_prefix: 'org.example.ids' })), {
    specversion: '1.0',
    id: detectionId(synFin),
    source: `/ids/${hostname()}`,
    type: 'org.example.ids.alert',
    subject: '1:9000001',
    time: '2026-01-02T03:04:05.678901Z',
    datacontenttype: 'application/json',
    data: toEve(synFin),
  });
  const event = json(cloudEvent(log, { source: '/gw', type_prefix: 'ids' })) as object;
  t.match(event, { source: '/gw', type: 'ids.http', data: { event_type: 'http' } });
  t.notOk('subject' in event);
});

t.test('sentences for people', async (t) => {
  const line = 'IDS SCAN SYN and FIN set (1:9000001, severity 2) 128.232.110.120:34855 → 66.35.250.204:80 TCP, dropped';
  t.equal(sentence(synFin), line);
  t.equal(sentence(numbered(11)), `${line}, 12 times`);
  t.equal(sentence({ ...synFin, would: true }), `${line.replace('dropped', 'allowed (monitor mode)')}`);
  t.equal(
    sentence(blocked6),
    'packet dropped: blocklist (blocklist) [2001:db8::1]:34855 → [2001:db8::2]:80 TCP, dropped',
  );
  const hostile = { ...synFin, rule: { ...(synFin.rule as NonNullable<typeof synFin.rule>), msg: 'a\n\u202eb\u0007' } };
  t.match(sentence(hostile), /^a b \(1:9000001/);
});

const hostile = {
  ...synFin,
  rule: { ...(synFin.rule as NonNullable<typeof synFin.rule>), msg: '<!here> [x](http://e) & *b*' },
};

t.test('Slack', async (t) => {
  const plain = (words: string): object => ({ type: 'plain_text', text: words, emoji: false });
  t.same(json(slackBody([new Entry(hostile)], 10)), {
    text: sentence(hostile).replace('<!here>', '&lt;!here&gt;').replace(' & ', ' &amp; '),
    blocks: [
      { type: 'section', text: plain(`ids on ${hostname()}: 1 record`) },
      { type: 'section', text: plain(sentence(hostile)) },
    ],
  });
  const many = json(
    slackBody(
      Array.from({ length: 30 }, (_, i) => new Entry(numbered(i))),
      3,
    ),
  ) as { blocks: object[]; text: string };
  t.equal(many.blocks.length, 5);
  t.same(many.blocks.at(-1), { type: 'context', elements: [plain('and 27 more')] });
  t.equal(many.text, `ids on ${hostname()}: 30 records`);
});

t.test('Teams', async (t) => {
  const run = (words: string, more: object = {}): object => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text: words, ...more }],
  });
  t.same(json(teamsBody([new Entry(hostile), new Entry(synFin)], 1)), {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body: [
            run(`ids on ${hostname()}: 2 records`, { weight: 'Bolder' }),
            run(sentence(hostile)),
            run('and 1 more'),
          ],
        },
      },
    ],
  });
  const long = { ...synFin, rule: { ...hostile.rule, msg: '€'.repeat(5000) } };
  const largest = teamsBody(
    Array.from({ length: 100 }, () => new Entry(long)),
    20,
  );
  t.ok(Buffer.byteLength(largest) < 28 * 1024, `${Buffer.byteLength(largest)} bytes`);
});

t.test('PagerDuty', async (t) => {
  t.same(json(pagerdutyEvent(synFin, eveLine(synFin), 'r'.repeat(32), 'source')), {
    routing_key: 'r'.repeat(32),
    event_action: 'trigger',
    dedup_key: 'ids|1:9000001|128.232.110.120',
    client: `ids on ${hostname()}`,
    payload: {
      summary: sentence(synFin),
      source: '66.35.250.204',
      severity: 'error',
      timestamp: '2026-01-02T03:04:05.678901Z',
      component: 'eth1',
      group: 'Attempted Information Leak',
      class: 'attempted-recon',
      custom_details: toEve(synFin),
    },
  });
  t.match(json(pagerdutyEvent(synFin, '{}', 'k', 'source_destination')), {
    dedup_key: 'ids|1:9000001|128.232.110.120|66.35.250.204',
  });
  const severities = [1, 2, 3, 4].map((severity) => {
    const d = { ...synFin, rule: { ...hostile.rule, severity } };
    return (json(pagerdutyEvent(d, '{}', 'k', 'source')) as { payload: { severity: string } }).payload.severity;
  });
  t.same(severities, ['critical', 'error', 'warning', 'info']);
});
