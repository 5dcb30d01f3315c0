// SPDX-License-Identifier: Apache-2.0
// Syslog to unix sockets: datagrams to a real rsyslog, streams to a real syslog-ng; and RFC 3164 over the network.
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import t from 'tap';
import { eveLine } from '../../alerts/index.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf, request } from '../unit/alerts/samples.js';
import { freePort, openOutputs, Rsyslog } from './outputs-receivers.js';
import { SyslogNg, unpackSyslogNg } from './support/syslog-ng.js';

const count = (n: number): number[] => [...Array(n).keys()];
const unpacked = unpackSyslogNg();

for (const protocol of ['rfc3164', 'rfc5424'] as const) {
  t.test(`datagrams to a socket of rsyslog, ${protocol}`, async (t) => {
    const rsyslog = new Rsyslog(t, t.testdir(), await freePort());
    const dispatcher = await openOutputs(t, [{ type: 'syslog', transport: 'unix', path: rsyslog.socket, protocol }]);
    dispatcher.push([numbered(0)]);
    await until(() => (dispatcher.status()[0]?.retries ?? 0) >= 1);
    t.match(dispatcher.status()[0]?.lastError?.message, /^unix:\/tmp\/.*ENOENT/);
    await rsyslog.start();
    await until(() => rsyslog.received().length === 1);
    // Far more at once than the queue of a socket holds (net.unix.max_dgram_qlen).
    dispatcher.push(Array.from({ length: 3000 }, (_, n) => numbered(n + 1)));
    await until(() => rsyslog.received().length === 3001, { message: () => String(rsyslog.received().length) });
    const text = (message: string): unknown => JSON.parse(message.slice(message.indexOf('{')));
    t.strictSame(
      rsyslog.received().map(({ message }) => numberOf(text(message))),
      count(3001),
    );
    if (protocol === 'rfc3164') {
      t.match(rsyslog.received()[0], { pri: 171, host: hostname(), app: 'ids', message: eveLine(numbered(0)) });
    }
    await rsyslog.stop();
    rmSync(rsyslog.socket, { force: true });
    dispatcher.push([numbered(3001)]);
    await until(() => dispatcher.status()[0]?.state === 'retrying');
    t.match(dispatcher.status()[0]?.lastError?.message, /nobody listens there|ENOENT/);
    await rsyslog.start();
    await until(() => rsyslog.received().length === 3002);
    t.match(dispatcher.status()[0], { raised: 3002, delivered: 3002 });
    await dispatcher.close(1000);
  });
}

t.test('a stream to a socket of syslog-ng', { skip: 'reason' in unpacked ? unpacked.reason : false }, async (t) => {
  const root = 'root' in unpacked ? unpacked.root : '';
  const folder = t.testdir();
  const socket = `/tmp/ids-test-${process.pid}.sock`;
  t.teardown(() => rmSync(socket, { force: true }));
  const receiver = new SyslogNg(t, folder, root, { port: await freePort(), socket });
  await receiver.start();
  const dispatcher = await openOutputs(t, [{ type: 'syslog', transport: 'unix', path: socket }]);
  dispatcher.push(Array.from({ length: 500 }, (_, n) => numbered(n)));
  await until(() => receiver.received().length === 500, { message: () => receiver.said });
  t.strictSame(
    receiver.received().map(({ message }) => numberOf(JSON.parse(message))),
    count(500),
  );
  t.match(receiver.received()[0], { pri: 171, app: 'ids' });
  await dispatcher.close(1000);
});

for (const transport of ['udp', 'tcp'] as const) {
  t.test(`RFC 3164 over ${transport}`, async (t) => {
    const rsyslog = new Rsyslog(t, t.testdir(), await freePort());
    await rsyslog.start();
    const dispatcher = await openOutputs(t, [
      { type: 'syslog', protocol: 'rfc3164', transport, port: rsyslog.port, hostname: 'gw1.example' },
    ]);
    const long = 'é"'.repeat(1000);
    dispatcher.push([numbered(0), { ...request, count: 2, http: { url: long, userAgent: long } }]);
    await until(() => rsyslog.received().length === 2);
    const [first, second] = rsyslog.received();
    t.match(first, { pri: 171, host: 'gw1', app: 'ids', message: eveLine(numbered(0)) });
    t.equal(new Date(first?.time ?? '').getMinutes(), 4, 'the time is understood');
    t.ok(Buffer.byteLength(second?.message ?? '') < 1024);
    t.match(JSON.parse(second?.message ?? ''), { ids: { shortened: true, count: 2 } });
    await dispatcher.close(1000);
  });
}
