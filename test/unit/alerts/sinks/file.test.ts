// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Entry, openSink, outputsSchema, type Batch, type Sink } from '../../../../alerts/index.js';
import { numbered, numberOf } from '../samples.js';

const never = new AbortController().signal;
const batch = (...numbers: number[]): Batch => ({
  id: 'msg_test',
  entries: numbers.map((n) => new Entry(numbered(n))),
});
const open = async (file: string, patch: object = {}): Promise<Sink> => {
  const [config] = outputsSchema.parse([{ type: 'file', path: file, ...patch }]);
  return openSink(config as NonNullable<typeof config>);
};
const numbers = (file: string): number[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => numberOf(JSON.parse(line)));

t.test('appends lines, makes the folder, keeps what was there, mode 0640', async (t) => {
  const file = path.join(t.testdir(), 'a/eve.json');
  const old = process.umask(0);
  t.teardown(() => process.umask(old));
  const sink = await open(file);
  t.equal(statSync(file).mode & 0o777, 0o640);
  await sink.deliver(batch(0, 1), never);
  await sink.close();
  const again = await open(file);
  await again.deliver(batch(2), never);
  await again.close();
  t.strictSame(numbers(file), [0, 1, 2]);
});

t.test('rotation by rename, unlink, and copy and truncate', async (t) => {
  const file = path.join(t.testdir({ log: {} }), 'log/eve.json');
  const sink = await open(file);
  await sink.deliver(batch(0), never);
  renameSync(file, `${file}.1`);
  await sink.deliver(batch(1), never);
  t.strictSame([numbers(`${file}.1`), numbers(file)], [[0], [1]], 'rename');
  unlinkSync(file);
  await sink.deliver(batch(2), never);
  t.strictSame(numbers(file), [2], 'unlink');
  writeFileSync(`${file}.2`, readFileSync(file));
  truncateSync(file, 0);
  await sink.deliver(batch(3), never);
  t.strictSame([numbers(`${file}.2`), numbers(file)], [[2], [3]], 'copytruncate leaves no hole of zeros');
  renameSync(file, `${file}.3`);
  writeFileSync(file, '');
  await sink.reopen?.();
  await sink.deliver(batch(4), never);
  t.strictSame(numbers(file), [4], 'recreated by the rotator');
  renameSync(path.dirname(file), `${path.dirname(file)}-moved`);
  await sink.deliver(batch(5), never);
  t.strictSame(numbers(file), [5], 'the whole folder went');
  await sink.close();
});

t.test('what is not a regular file is refused with the remedy', async (t) => {
  const folder = t.testdir();
  mkdirSync(path.join(folder, 'directory'));
  spawnSync('mkfifo', [path.join(folder, 'pipe')]);
  t.ok(existsSync(path.join(folder, 'pipe')));
  await t.rejects(open(path.join(folder, 'pipe')), {
    code: 'OUTPUT_FAILED',
    message: /pipe: it is not a regular file/,
  });
  await t.rejects(open(path.join(folder, 'directory')), { message: /cannot append to .*directory: EISDIR/ });
  await t.rejects(open('/dev/null'), { message: /not a regular file/ });
  await t.rejects(open('/proc/nowhere/eve.json'), { message: /cannot append to \/proc\/nowhere\/eve\.json: / });
});

t.test('a full disk fails the batch, leaves no half line, and goes on when there is room', async (t) => {
  const file = path.join(t.testdir(), 'eve.json');
  const sink = await open(file);
  await sink.deliver(batch(0), never);
  const { size } = statSync(file);
  // A file size limit stops the write in the middle of a line, as a full disk does.
  const script = `
    process.on('SIGXFSZ', () => {});
    const { openSink, outputsSchema, Entry } = await import(${JSON.stringify(new URL('../../../../alerts/index.js', import.meta.url).href)});
    const { numbered } = await import(${JSON.stringify(new URL('../samples.js', import.meta.url).href)});
    const sink = await openSink(outputsSchema.parse([{ type: 'file', path: ${JSON.stringify(file)} }])[0]);
    const entries = [1, 2, 3].map((n) => new Entry(numbered(n)));
    await sink.deliver({ id: 'x', entries }, new AbortController().signal).catch((error) => console.log(error.message));
  `;
  const limited = spawnSync(
    'prlimit',
    [`--fsize=${Math.ceil(size * 2.5)}`, process.execPath, '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  t.match(limited.stdout, /cannot append to .*: EFBIG/, limited.stderr);
  t.strictSame(numbers(file), [0]);
  await sink.deliver(batch(1, 2, 3), never);
  t.strictSame(numbers(file), [0, 1, 2, 3]);
  await sink.close();
});

t.test('half a line that a killed process left is taken off', async (t) => {
  const file = path.join(t.testdir(), 'eve.json');
  const whole = new Entry(numbered(0)).line;
  for (const [before, kept] of [
    [`${whole}\n{"half":`, [0]],
    [`${whole}\n`, [0]],
    ['{"half":', []],
  ] as const) {
    writeFileSync(file, before);
    const sink = await open(file);
    await sink.deliver(batch(1), never);
    await sink.close();
    t.strictSame(numbers(file), [...kept, 1]);
  }
  writeFileSync(file, 'x'.repeat(5 << 20));
  await (await open(file)).close();
  t.equal(statSync(file).size, 5 << 20, 'what is no file of lines stays as it is');
});
