// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { run, start } from '../../helpers/run.js';
import { until } from '../../helpers/until.js';

t.test('run returns what a program printed', async (t) => {
  t.same(await run('sh', ['-c', 'cat; echo oops >&2'], { input: 'in' }), { status: 0, stdout: 'in', stderr: 'oops\n' });
});

t.test('an unexpected status rejects with the output, an expected one does not', async (t) => {
  await t.rejects(run('sh', ['-c', 'echo why; exit 3']), { message: /exit status 3\nwhy/ });
  t.equal((await run('sh', ['-c', 'exit 3'], { status: [3] })).status, 3);
  t.equal((await run('sh', ['-c', 'kill -KILL $$'], { status: 'any' })).status, 137);
});

t.test('the deadline kills', async (t) => {
  await t.rejects(run('sleep', ['60'], { deadline: 100, status: 'any' }), { message: /sleep 60: killed after 100 ms/ });
});

t.test('a program that does not exist rejects', async (t) => {
  await t.rejects(run('/no/such/program', []), { code: 'ENOENT' });
});

t.test('start waits for a line, stops, and tells the status', async (t) => {
  const child = start(t, 'sh', ['-c', 'trap "exit 5" TERM; echo ready 7; while :; do sleep 0.05; done']);
  t.equal((await child.prints(/ready (\d)/))[1], '7');
  t.equal(await child.stop(), 5);
});

t.test('prints fails at once when the program has ended without the line', async (t) => {
  const child = start(t, 'sh', ['-c', 'echo something else; exit 4']);
  await t.rejects(child.prints(/ready/, 60_000), { message: /status 4 before .*something else/s });
});

t.test('what a test started ends with it', async (t) => {
  let pid = 0;
  await t.test('inner', async (t) => {
    pid = start(t, 'sleep', ['60']).pid;
    t.ok(pid > 0);
  });
  const gone = (): boolean => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  };
  t.ok(await until(gone, { message: 'the end of sleep' }));
});

t.test('until returns the value, and tells what it waited for', async (t) => {
  let looks = 0;
  t.equal(await until(() => (++looks === 3 ? 'found' : undefined), { interval: 1 }), 'found');
  await t.rejects(
    until(() => false, { deadline: 30, interval: 5, message: 'rain' }),
    { message: 'waited 30 ms in vain for rain' },
  );
  const failing = (): never => {
    throw new Error('no such file');
  };
  await t.rejects(until(failing, { deadline: 30, interval: 5, message: 'it' }), {
    message: /in vain for it: no such file/,
  });
});
