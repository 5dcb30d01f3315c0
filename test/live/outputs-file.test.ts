// SPDX-License-Identifier: Apache-2.0
// A file output under a steady stream while the file is rotated by the tools that rotators use.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { run } from '../helpers/run.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf } from '../unit/alerts/samples.js';
import { openOutputs } from './outputs-receivers.js';

const numbersOf = (file: string): number[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => numberOf(JSON.parse(line)));
const count = (n: number): number[] => [...Array(n).keys()];

/** Pushes records until told to stop; resolves with their number. */
function stream(push: (n: number) => void): { stop(): Promise<number> } {
  let running = true;
  const ended = (async () => {
    let n = 0;
    while (running) {
      for (let i = 0; i < 20; i++) push(n++);
      await sleep(1);
    }
    return n;
  })();
  return {
    stop() {
      running = false;
      return ended;
    },
  };
}

t.test('rotation by rename loses nothing', async (t) => {
  const file = path.join(t.testdir(), 'eve.json');
  const dispatcher = await openOutputs(t, [{ type: 'file', path: file }]);
  const source = stream((n) => dispatcher.push([numbered(n)]));
  const rotated: string[] = [];
  for (let i = 0; i < 20; i++) {
    await until(() => existsSync(file) && readFileSync(file).length > 0);
    rotated.push(`${file}.${i}`);
    await run('mv', [file, `${file}.${i}`]);
    if (i % 2 === 0) await dispatcher.reopen();
  }
  const total = await source.stop();
  await dispatcher.close(5000);
  // The last file is made by the first record behind the last rotation, and there may be none.
  t.strictSame([...rotated, file].filter((one) => existsSync(one)).flatMap(numbersOf), count(total));
  t.match(dispatcher.status()[0], { raised: total, delivered: total, retries: 0 });
});

t.test('rotation by copy and truncate leaves whole lines and no hole', async (t) => {
  const file = path.join(t.testdir(), 'eve.json');
  const dispatcher = await openOutputs(t, [{ type: 'file', path: file }]);
  const source = stream((n) => dispatcher.push([numbered(n)]));
  for (let i = 0; i < 10; i++) {
    await until(() => readFileSync(file).length > 0);
    await run('cp', [file, `${file}.${i}`]);
    await run('truncate', ['-s', '0', file]);
    const copy = readFileSync(`${file}.${i}`, 'utf8').split('\n').slice(0, -1);
    t.ok(copy.length > 0 && copy.every((line) => line.startsWith('{"timestamp"')));
  }
  const total = await source.stop();
  await dispatcher.close(5000);
  const last = numbersOf(file);
  t.equal(last.at(-1), total - 1);
  t.strictSame(last, count(total).slice(total - last.length), 'what came after the last truncation is whole');
});

t.test('a folder that goes and comes back', async (t) => {
  const dir = t.testdir({ log: {} });
  const file = path.join(dir, 'log', 'eve.json');
  const dispatcher = await openOutputs(t, [{ type: 'file', path: file }]);
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status()[0]?.delivered === 1);
  await run('mv', [path.join(dir, 'log'), path.join(dir, 'away')]);
  // In the folder's place stands something that is none.
  await run('touch', [path.join(dir, 'log')]);
  dispatcher.push([numbered(1)]);
  await until(() => dispatcher.status()[0]?.state === 'retrying');
  t.match(dispatcher.status()[0]?.lastError?.message, /cannot append to .*: ENOTDIR/);
  await run('rm', [path.join(dir, 'log')]);
  await until(() => dispatcher.status()[0]?.delivered === 2);
  t.strictSame(numbersOf(file), [1]);
  await dispatcher.close(100);
});
