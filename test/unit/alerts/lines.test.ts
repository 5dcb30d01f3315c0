// SPDX-License-Identifier: Apache-2.0
// Log lines on their way to outputs: who takes which, in what form, and what gives way.
import t from 'tap';
import {
  DeliveryError,
  Dispatcher,
  outputsSchema,
  type Batch,
  type LineBatch,
  type Sink,
} from '../../../alerts/index.js';
import { syslogFormatter } from '../../../alerts/sinks/syslog-format.js';
import { LineEntry } from '../../../alerts/index.js';
import { until } from '../../helpers/until.js';
import { numbered } from './samples.js';

const line = (n: number): string =>
  `{"timestamp":"2026-01-02T03:04:05.678901+0000","flow_id":${n},"event_type":"http"}`;
const batchOf = (kind: LineBatch['kind'], ...numbers: number[]): LineBatch => ({
  kind,
  count: numbers.length,
  bytes: Buffer.from(numbers.map((n) => `${line(n)}\n`).join('')),
});

class Receiver implements Sink {
  readonly name: string;
  readonly target = 'nowhere';
  readonly got: string[] = [];
  fail = 0;
  declare deliverLines?: (batch: LineBatch) => Promise<void>;

  constructor(name: string, bytes: boolean) {
    this.name = name;
    if (bytes) {
      this.deliverLines = async (batch) => {
        this.#check();
        this.got.push(...Buffer.from(batch.bytes).toString().trimEnd().split('\n'));
      };
    }
  }

  async deliver({ entries }: Batch): Promise<void> {
    this.#check();
    this.got.push(...entries.map((entry) => (entry.detection ? `alert ${entry.detection.count}` : entry.line)));
  }

  async close(): Promise<void> {}

  #check(): void {
    if (this.fail-- > 0) throw new DeliveryError('not now');
  }
}

const retry = { initial: '1s', max: '1s' };

async function open(sinks: readonly Receiver[], more: object = {}): Promise<Dispatcher> {
  const configs = outputsSchema
    .parse(sinks.map(({ name }) => ({ type: 'stdout', name, retry, batch: { records: 2 }, ...more })))
    .map((config) => ({ ...config, retry: { initial: 5, max: 10 } }));
  return Dispatcher.open(configs, { sink: ({ name }) => sinks.find((sink) => sink.name === name) as Sink });
}

t.test('as bytes or one by one, retried, with the alerts in front', async (t) => {
  const [file, syslog] = [new Receiver('file', true), new Receiver('syslog', false)];
  const outputs = await open([file, syslog], { events: ['alert', 'http'] });
  t.strictSame(outputs.takers('http'), ['file', 'syslog']);
  file.fail = syslog.fail = 1;
  outputs.pushLines([batchOf('http', 1, 2, 3), batchOf('dns', 9)]);
  outputs.push([numbered(6)]);
  await until(() => outputs.status().every(({ lines }) => lines?.delivered === 3));
  for (const { got } of [file, syslog]) t.strictSame(got, ['alert 7', ...[1, 2, 3].map(line)]);
  for (const { lines, raised, delivered } of outputs.status()) {
    t.match(lines, { raised: 3, delivered: 3, pending: 0, dropped: 0, failed: 0, pendingBytes: 0 });
    t.strictSame([raised, delivered], [1, 1]);
  }
  await outputs.close(1000);
});

t.test('the memory of a batch is given back once, when nobody needs it any more', async (t) => {
  const [file, syslog] = [new Receiver('file', true), new Receiver('syslog', false)];
  const outputs = await open([file, syslog], { events: ['http'], queue: { log_bytes: 65_536 } });
  const given: string[] = [];
  const lent = (name: string, batch: LineBatch): LineBatch => ({ ...batch, release: () => given.push(name) });
  syslog.fail = 1;
  outputs.pushLines([lent('both', batchOf('http', 1, 2)), lent('nobody', batchOf('dns', 3))]);
  t.strictSame(given, ['nobody']);
  await until(() => given.length === 2);
  t.strictSame([given[1], file.got.length, syslog.got.length], ['both', 2, 2]);
  outputs.pushLines([lent('too long', { ...batchOf('http', 4), bytes: Buffer.alloc(1 << 17) })]);
  t.equal(given[2], 'too long');
  file.fail = syslog.fail = Infinity;
  outputs.pushLines([lent('undelivered', batchOf('http', 5))]);
  await outputs.close(0);
  t.strictSame(given.slice(3), ['undelivered']);
});

t.test('what an output does not take costs it nothing', async (t) => {
  const sink = new Receiver('one', true);
  const outputs = await open([sink]);
  t.strictSame(outputs.takers('http'), []);
  outputs.pushLines([batchOf('http', 1)]);
  outputs.push([numbered(1)]);
  await until(() => sink.got.length === 1);
  t.notOk('lines' in (outputs.status()[0] ?? {}));
  await outputs.close(1000);
});

t.test('lines give way, alerts do not', async (t) => {
  const sink = new Receiver('slow', true);
  sink.fail = Infinity;
  const outputs = await open([sink], { events: ['alert', 'http'], queue: { log_bytes: 65_536 } });
  const many = batchOf('http', ...Array.from({ length: 500 }, (_, n) => n));
  for (let n = 0; n < 4; n++) outputs.pushLines([many]);
  outputs.push([numbered(1)]);
  const [status] = outputs.status();
  t.match(status, { raised: 1, dropped: 0, lines: { raised: 2000, pending: 500, dropped: 1500 } });
  await outputs.close(20);
  t.match(outputs.status()[0], { raised: 1, dropped: 1, lines: { raised: 2000, pending: 0, dropped: 2000 } });
});

t.test('a line as a syslog message', async (t) => {
  const format = syslogFormatter({
    facility: 'local5',
    severity: 'auto',
    app_name: 'ids',
    hostname: 'h',
    max_bytes: 600,
  });
  t.equal(
    format(new LineEntry('http', line(7), line(7).length)),
    `<174>1 2026-01-02T03:04:05.678901Z h ids ${process.pid} http - ${line(7)}`,
  );
  const long = JSON.stringify({
    ...(JSON.parse(line(7)) as object),
    http: { url: '/'.repeat(2000), http_method: 'GET' },
  });
  const text = format(new LineEntry('http', long, long.length));
  t.ok(Buffer.byteLength(text) <= 600);
  t.match(JSON.parse(text.slice(text.indexOf('{'))), { http: { http_method: 'GET' }, ids: { shortened: true } });
});
