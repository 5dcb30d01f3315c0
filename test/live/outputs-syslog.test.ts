// SPDX-License-Identifier: Apache-2.0
// Syslog outputs against a real rsyslog.
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eveLine, type Detection } from '../../alerts/index.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf, request, rule } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs, Rsyslog } from './outputs-receivers.js';

const batchOf = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => numbered(from + i));
const numbersOf = (rsyslog: Rsyslog): number[] =>
  rsyslog.received().map((record) => numberOf(JSON.parse(record.message)));
const count = (n: number): number[] => [...Array(n).keys()];

const ways = [
  { transport: 'udp', framing: 'octet' },
  { transport: 'tcp', framing: 'octet' },
  { transport: 'tcp', framing: 'lf' },
] as const;

for (const way of ways) {
  t.test(`RFC 5424 over ${way.transport}, ${way.framing}`, async (t) => {
    const rsyslog = new Rsyslog(t, t.testdir(), await freePort());
    await rsyslog.start();
    const dispatcher = await openOutputs(t, [{ type: 'syslog', ...way, host: '127.0.0.1', port: rsyslog.port }]);
    const long = 'é\n'.repeat(4000);
    const fat: Detection = { ...request, count: 201, http: { url: long, userAgent: long, headers: `A: ${long}` } };
    const critical: Detection = { ...numbered(201), kind: 'drop', rule: { ...rule, severity: 1 } };
    // No more at once than a receiver's socket buffer holds: UDP drops what is beyond.
    for (let n = 0; n < 200; n += 40) {
      dispatcher.push(batchOf(n, n + 40));
      await until(() => rsyslog.received().length === n + 40);
    }
    dispatcher.push([fat, critical]);
    await until(() => rsyslog.received().length === 202, {
      message: () => `202 records; there are ${numbersOf(rsyslog).join(' ')}`,
    });
    t.strictSame(numbersOf(rsyslog), count(202), 'all, in order, whole JSON');
    const [first, ...rest] = rsyslog.received();
    t.strictSame(first, {
      pri: 21 * 8 + 3,
      time: '2026-01-02T03:04:05.678901Z',
      host: hostname(),
      app: 'ids',
      msgid: 'alert',
      data: '-',
      message: eveLine(numbered(0)),
    });
    t.match(rest.at(-1), { pri: 21 * 8 + 2, msgid: 'drop' });
    const shortened = rest.at(-2)?.message ?? '';
    t.ok(Buffer.byteLength(shortened) < (way.transport === 'udp' ? 2048 : 8192));
    t.match(JSON.parse(shortened), { ids: { shortened: true }, alert: { signature_id: 9000301 } });
    t.match(dispatcher.status()[0], { raised: 202, delivered: 202, pending: 0, dropped: 0 });
    await dispatcher.close(1000);
  });

  t.test(`a receiver that is down, comes, goes and comes again: ${way.transport}, ${way.framing}`, async (t) => {
    const rsyslog = new Rsyslog(t, t.testdir(), await freePort());
    const dispatcher = await openOutputs(t, [{ type: 'syslog', ...way, host: '127.0.0.1', port: rsyslog.port }]);
    dispatcher.push(batchOf(0, 50));
    await until(() => (dispatcher.status()[0]?.retries ?? 0) >= 2);
    t.match(dispatcher.status()[0], { state: 'retrying', lastError: { message: /nobody listens|ECONNREFUSED/ } });
    await rsyslog.start();
    await until(() => rsyslog.received().length >= 50);
    await rsyslog.stop();
    dispatcher.push(batchOf(50, 100));
    await until(() => (dispatcher.status()[0]?.pending ?? 0) > 0 && dispatcher.status()[0]?.state === 'retrying');
    await rsyslog.start();
    await until(() => numbersOf(rsyslog).includes(99));
    const numbers = [...new Set(numbersOf(rsyslog))];
    // A receiver that comes between the datagrams of one burst has the later ones first, and once more behind the others.
    if (way.transport === 'udp') numbers.sort((a, b) => a - b);
    t.strictSame(numbers, count(100), 'none is missing');
    t.match(dispatcher.status()[0], { raised: 100, delivered: 100, pending: 0, dropped: 0 });
    await dispatcher.close(1000);
  });
}

/** A receiver that takes two connections, reads nothing, and then takes no more: each fills a socket buffer. */
async function deaf(t: { teardown(fn: () => void): unknown }): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    if (sockets.length === 2) server.close();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return { port, sockets };
}

t.test('a receiver that stops reading is noticed, and holds up nobody else', async (t) => {
  const dir = t.testdir();
  const rsyslog = new Rsyslog(t, dir, await freePort());
  await rsyslog.start();
  const { port, sockets } = await deaf(t);
  const file = path.join(dir, 'eve.json');
  const dispatcher = await openOutputs(
    t,
    [
      { type: 'syslog', name: 'deaf', transport: 'tcp', port, queue: { records: 5000 } },
      { type: 'syslog', name: 'live', transport: 'tcp', port: rsyslog.port },
      { type: 'file', path: file },
    ],
    { timeout: 400 },
  );
  const total = 30_000;
  const errors = new Set<string>();
  const note = (): void => {
    const [first] = dispatcher.status();
    if (first?.lastError) errors.add(first.lastError.message);
  };
  for (let n = 0; n < total; n += 500) {
    const batch = batchOf(n, n + 500);
    dispatcher.push(batch);
    note();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await until(() => dispatcher.status().every((s) => s.name === 'deaf' || s.delivered === total), { deadline: 30_000 });
  const again = (): boolean => {
    note();
    return sockets.length >= 2;
  };
  await until(again, { message: 'a new connection after the timeout' });
  const [dead, live, disk] = dispatcher.status();
  t.match([...errors][0], /sending: nothing moved for 0\.4 s/, 'the first thing that went wrong');
  t.ok(dead && dead.dropped > 0 && closes(dead), 'what had no room is counted');
  t.match(
    [live, disk],
    [
      { dropped: 0, expired: 0 },
      { dropped: 0, expired: 0 },
    ],
  );
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  t.strictSame(
    lines.map((line) => numberOf(JSON.parse(line))),
    count(total),
  );
  await until(() => rsyslog.received().length === total, { deadline: 30_000, interval: 200 });
  await dispatcher.close(200);
  t.ok(dispatcher.status().every((status) => closes(status) && status.pending === 0));
});

t.test('a receiver that closes while nothing is sent is noticed before the next record', async (t) => {
  const got: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (data) => got.push(data.toString()));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  const dispatcher = await openOutputs(t, [{ type: 'syslog', transport: 'tcp', framing: 'lf', port }]);
  for (let n = 0; n < 5; n++) {
    dispatcher.push([numbered(n)]);
    await until(() => got.length === n + 1);
    sockets.forEach((socket) => socket.end());
    await until(() => [...sockets].every((socket) => socket.destroyed));
  }
  t.strictSame(
    got.map((text) => numberOf(JSON.parse(text.slice(text.indexOf('{'))))),
    count(5),
  );
  t.equal(dispatcher.status()[0]?.retries, 0);
  await dispatcher.close(100);
});

t.test('a name that does not resolve is one line in the status', async (t) => {
  for (const transport of ['udp', 'tcp'] as const) {
    const dispatcher = await openOutputs(t, [{ type: 'syslog', transport, host: 'nowhere.invalid' }]);
    dispatcher.push([numbered(0)]);
    const error = await until(() => dispatcher.status()[0]?.lastError);
    t.match(error.message, /nowhere\.invalid/);
    t.notMatch(error.message, /\n/);
    await dispatcher.close(0);
    t.match(dispatcher.status()[0], { dropped: 1, pending: 0 });
  }
});
