// SPDX-License-Identifier: Apache-2.0
// Following the alerts: no gap between the backlog and the new ones, slow readers and ends of every kind.
import { once } from 'node:events';
import { request } from 'node:http';
import t from 'tap';
import type { Detection } from '../../../../alerts/index.js';
import { IdsError } from '../../../../common/errors.js';
import { ApiClient } from '../../../../engine/api/client.js';
import { until } from '../../../helpers/until.js';
import { detection } from './fake-api.js';
import { serve } from './serve.js';

const batch = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => detection(from + i));

t.test('backlog and new alerts come in order, without a gap and none twice', async (t) => {
  const { client, api } = await serve(t);
  api.recent.push(batch(0, 50));
  const seen: number[] = [];
  const stop = new AbortController();
  // Alerts are raised all the while, also between the request and its answer.
  let next = 50;
  const raise = setInterval(() => api.recent.push(batch(next, (next += 7))), 1);
  t.teardown(() => clearInterval(raise));
  const followed = client.followAlerts(20, stop.signal, ({ count = -1 }) => {
    seen.push(count);
    if (seen.length === 2000) stop.abort();
  });
  await followed;
  clearInterval(raise);
  const first = seen[0] ?? -1;
  t.ok(first >= 30, `it begins with the last 20: ${first}`);
  t.strictSame(
    seen.slice(0, 2000),
    Array.from({ length: 2000 }, (_, i) => first + i),
    '2,000 in a row',
  );
  await until(() => api.following === 0, { message: 'the daemon to notice that the reader left' });
  t.pass('nothing follows for nobody');
});

t.test('a follower learns of the daemon’s end after its last alert', async (t) => {
  const { client, api, server } = await serve(t);
  const seen: number[] = [];
  const followed = client.followAlerts(0, new AbortController().signal, ({ count = -1 }) => seen.push(count));
  await until(() => api.following === 1);
  api.recent.push(batch(0, 1000));
  await server.close();
  await followed;
  t.equal(seen.length, 1000, 'what was raised before the end arrived');
  await server.close();
  t.pass('closing twice is closing once');
});

t.test('a reader that does not read is cut off, the others go on', async (t) => {
  const { client, api, socket } = await serve(t);
  const slow = request({ socketPath: socket, path: '/v1/alerts?count=0&follow=1', agent: false }).end();
  const [response] = (await once(slow, 'response')) as [NodeJS.ReadableStream];
  let cut = false;
  response.pause();
  response.on('error', () => (cut = true)).on('close', () => (cut = true));
  let quick = 0;
  const stop = new AbortController();
  const followed = client.followAlerts(0, stop.signal, () => quick++);
  await until(() => api.following === 2);
  let sent = 0;
  await until(
    () => {
      api.recent.push(batch(sent, (sent += 500)));
      return api.following === 1;
    },
    { interval: 1, deadline: 30_000, message: () => `the slow one to be cut off after ${sent} alerts` },
  );
  await until(() => quick === sent, { message: () => `the quick one to have all ${sent}, not ${quick}` });
  t.ok(sent * JSON.stringify(detection(0)).length > 4 * 1024 * 1024, `it was given room before: ${sent} alerts`);
  response.resume();
  await until(() => cut);
  stop.abort();
  await followed;
  t.equal(quick, sent);
});

t.test('a follower that the daemon fails hears of it', async (t) => {
  const { client, api } = await serve(t);
  api.failures.set('followAlerts', new Error('no more'));
  const error = await client.followAlerts(0, new AbortController().signal, () => undefined).catch((e: unknown) => e);
  t.ok(error instanceof IdsError && error.exit === 3, String(error));
});

t.test('a daemon that does not answer is given up', async (t) => {
  const { api, socket } = await serve(t);
  api.status = () => new Promise(() => undefined);
  await t.rejects(new ApiClient(socket, { timeoutMs: 100 }).status(), {
    code: 'DAEMON_FAILED',
    message: /not answered/,
  });
});
