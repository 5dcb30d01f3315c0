// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { Entry, openSink, outputsSchema, type Batch, type Sink } from '../../../../alerts/index.js';
import { Rotation } from '../../../../alerts/sinks/rotation.js';
import { until } from '../../../helpers/until.js';
import { numbered, numberOf } from '../samples.js';

const never = new AbortController().signal;
const DAY = 86_400_000;
const limits = { size: 1000, every: DAY, keep: 2, compress: true };

const batch = (from: number, to: number): Batch => ({
  id: 'x',
  entries: Array.from({ length: to - from }, (_, i) => new Entry(numbered(from + i))),
});
const open = async (file: string, rotate: object): Promise<Sink> => {
  const [config] = outputsSchema.parse([{ type: 'file', path: file, rotate }]);
  return openSink(config as NonNullable<typeof config>);
};
const read = (file: string): number[] =>
  (file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file))
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => numberOf(JSON.parse(line)));

t.test('when it is due', async (t) => {
  const rotation = new Rotation('/x', limits);
  const noon = Date.UTC(2026, 0, 2, 12);
  t.notOk(rotation.due(900, noon, 100, noon + 1000));
  t.ok(rotation.due(900, noon, 101, noon + 1000), 'it would grow beyond its size');
  t.notOk(rotation.due(0, noon, 5000, noon), 'an empty file stays');
  t.ok(rotation.due(1, noon, 1, noon + DAY / 2), 'midnight UTC');
  t.notOk(rotation.due(1, noon, 1, noon + DAY / 2 - 1));
});

t.test('by size: nothing is lost, files are packed, and so many are kept', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'eve.json');
  const other = path.join(folder, 'eve.json.20260101T000000Z.txt');
  writeFileSync(other, 'of somebody else');
  const sink = await open(file, { size: '64KiB', keep: 100 });
  for (let n = 0; n < 1000; n += 20) await sink.deliver(batch(n, n + 20), never);
  const plain = (name: string): string => name.replace('.gz', '');
  const aside = (): string[] =>
    readdirSync(folder)
      .filter((name) => /Z(-\d+)?(\.gz)?$/.test(name))
      .sort((a, b) => (plain(a) < plain(b) ? -1 : 1));
  await until(() => aside().length > 5 && aside().every((name) => name.endsWith('.gz')));
  const files = [...aside(), 'eve.json'].map((name) => path.join(folder, name));
  t.strictSame(files.flatMap(read), [...Array(1000).keys()]);
  t.ok(files.every((name) => name.endsWith('.gz') || statSync(name).size <= 65_536));
  t.equal(statSync(files[0] ?? '').mode & 0o777, 0o640, 'as the file itself');
  await sink.close();
  const fewer = await open(file, { size: '64KiB', keep: 2 });
  await until(() => aside().length === 2);
  t.strictSame(
    aside(),
    files.slice(-3, -1).map((name) => path.basename(name)),
    'the latest',
  );
  t.ok(existsSync(other));
  await fewer.close();
});

t.test('by time, and what one who was killed has left', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'eve.json');
  const left = `${file}.20260101T000000Z`;
  writeFileSync(left, `${new Entry(numbered(7)).line}\n`);
  writeFileSync(`${left}-001.gz.part`, 'half');
  const sink = await open(file, { every: '1s', compress: true });
  await until(() => existsSync(`${left}.gz`) && !existsSync(left) && !existsSync(`${left}-001.gz.part`));
  t.strictSame(read(`${left}.gz`), [7]);
  await sink.deliver(batch(0, 1), never);
  utimesSync(file, new Date(), new Date());
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await sink.deliver(batch(1, 2), never);
  t.strictSame(read(file), [1]);
  await until(() => readdirSync(folder).length >= 3);
  await sink.close();
});

t.test('by time, though nothing more is written; an empty file stays', async (t) => {
  const folder = t.testdir();
  const [file, other] = ['eve.json', 'other.json'].map((name) => path.join(folder, name)) as [string, string];
  const aside = (of: string): string[] =>
    readdirSync(folder).filter((name) => name.startsWith(`${path.basename(of)}.`) && !name.endsWith('.part'));
  // The timers keep no process alive: the waits do.
  const sink = await open(file, { every: '1s', compress: false });
  await sink.deliver(batch(0, 3), never);
  await until(() => aside(file).length === 1);
  await until(() => existsSync(file));
  t.strictSame(read(path.join(folder, aside(file)[0] ?? '')), [0, 1, 2]);
  t.equal(statSync(file).size, 0, 'a new one is there');
  const second = await open(other, { every: '1s', compress: false });
  await second.deliver(batch(3, 4), never);
  await until(() => aside(other).length === 1);
  t.equal(aside(file).length, 1, 'a period later: nothing was in it');
  // The first record of a file that was made long before begins its period.
  await sink.deliver(batch(4, 5), never);
  await until(() => aside(file).length === 2);
  t.strictSame(
    aside(file)
      .sort()
      .flatMap((name) => read(path.join(folder, name))),
    [0, 1, 2, 4],
  );
  await Promise.all([sink.close(), second.close()]);
});

t.test('the next period', (t) => {
  const rotation = new Rotation('/x', limits);
  t.equal(rotation.untilNext(Date.UTC(2026, 0, 2, 23, 59, 59)), 1000);
  t.equal(rotation.untilNext(Date.UTC(2026, 0, 3)), DAY);
  t.end();
});

t.test('without compression, and where the file cannot be put aside', async (t) => {
  const folder = t.testdir({ log: {} });
  const file = path.join(folder, 'log/eve.json');
  const sink = await open(file, { size: '64KiB', keep: 1, compress: false });
  for (let n = 0; n < 400; n += 20) await sink.deliver(batch(n, n + 20), never);
  await until(() => readdirSync(path.dirname(file)).length === 2);
  t.notOk(readdirSync(path.dirname(file)).some((name) => name.endsWith('.gz')));
  await sink.close();
});
