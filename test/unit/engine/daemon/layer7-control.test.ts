// SPDX-License-Identifier: Apache-2.0
// What is logged: configured, changed at run time, kept over restarts; and its form in the kernel's tables.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { L7Setting, LogFlag, LogLayout as L } from '../../../../common/abi.gen.js';
import { loadConfig } from '../../../../engine/config/index.js';
import { Layer7Control } from '../../../../engine/daemon/layer7-control.js';
import {
  keptHeaders,
  logBytes,
  parseMilliseconds,
  parseStatusRange,
  writeSelection,
} from '../../../../engine/layer7/selection.js';

t.test('run-time changes win, stay, and end', async (t) => {
  const file = join(t.testdir(), 'log.json');
  const told: unknown[] = [];
  const flowLog: unknown[] = [];
  let flags = 0;
  const open = (): Layer7Control =>
    new Layer7Control({
      config: loadConfig('layer7: { log: { http: { path: /a, slower: 2s }, dns: off } }', 'x'),
      kernel: {
        map: () => ({ get: () => undefined, put: () => undefined, entries: () => [] }) as never,
        writeStructure: () => undefined,
        control: { read: () => ({ flags, timeouts: [60] }), flag: (bit: number) => (flags ^= bit) } as never,
      },
      now: () => 5,
      ring: {
        setHttpLog: (settings) => void told.push(settings),
        setFlowLog: (settings, since) => void flowLog.push([settings, since]),
      },
      dispatcher: { takers: (kind) => (kind === 'http' ? ['file'] : []) },
      file,
      log: { warn: () => told.push('warned') },
    });
  const control = open();
  control.apply();
  t.match(control.status(), {
    http: { on: true, origin: 'config', path: '/a', slowerMs: 2000 },
    tls: { on: true, origin: 'config' },
    dns: { on: false },
  });
  t.match(told, [{ headers: 'none', selection: { path: '/a', slowerMs: 2000 } }]);
  control.change({ http: { status: [500, 599], headers: ['X-A'] }, tls: false });
  t.match(told[1], { headers: ['X-A'], selection: { status: [500, 599] } });
  t.match(open().status(), {
    http: { on: true, origin: 'cli', status: [500, 599] },
    tls: { on: false, origin: 'cli' },
  });
  t.throws(() => control.change({ http: { path: `/${'x'.repeat(64)}` } }), { code: 'USAGE' });
  t.match(control.change({ http: 'off' }).http, { on: false, origin: 'cli' });
  control.change({ http: 'default', tls: 'default' });
  t.notOk(existsSync(file));
  writeFileSync(file, '{');
  t.match(open().status().http, { origin: 'config' });
  t.equal(told.at(-1), 'warned');
  t.equal(readFileSync(file, 'utf8'), '{');
});

t.test('the kernel reads what was asked for', async (t) => {
  const bytes = logBytes({
    method: 'GET',
    host: 'WWW.Example.org:80',
    path: '/api',
    port: 8080,
    status: [500, 599],
    slowerMs: 300,
    sample: 10,
  });
  const view = new DataView(bytes.buffer);
  const text = (at: number, length: number): string =>
    Buffer.from(bytes.subarray(at, at + (bytes[length] ?? 0))).toString();
  t.equal(text(L.host, L.hostLen), 'www.example.org');
  t.equal(text(L.path, L.pathLen), '/api');
  t.equal(text(L.method, L.methodLen), 'GET');
  t.strictSame(
    [
      view.getUint32(L.sample, true),
      view.getUint16(L.port),
      view.getUint16(L.statusMin, true),
      view.getUint16(L.statusMax, true),
      view.getUint32(L.slowUs, true),
    ],
    [10, 8080, 500, 599, 300_000],
  );
  const every =
    LogFlag.LOG_METHOD | LogFlag.LOG_HOST | LogFlag.LOG_PATH | LogFlag.LOG_PORT | LogFlag.LOG_STATUS | LogFlag.LOG_SLOW;
  t.equal(view.getUint32(L.flags, true), every);
  t.equal(new DataView(logBytes({}).buffer).getUint32(L.sample, true), 1, 'all');
  t.ok(keptHeaders({ headers: ['X-A'] }).includes('Host'), 'what has a field of its own is kept too');
  t.strictSame(keptHeaders({ headers: 'all' }), []);
});

t.test('the value that is in force is never written', async (t) => {
  const written: number[] = [];
  let flags = 0;
  const { L7_SELECT, L7_LOG_SLOT } = L7Setting;
  const turn = (selection: Parameters<typeof writeSelection>[0]): number =>
    (flags = writeSelection(selection, flags, (slot) => written.push(slot)));
  t.equal(turn({}), 0, 'nothing is selected by');
  t.equal(turn({ headers: 'all', sample: 1 }), 0);
  t.equal(turn({ path: '/a' }), L7_SELECT | L7_LOG_SLOT);
  t.equal(turn({ headers: ['X-A'] }), L7_SELECT);
  t.equal(turn({ sample: 2 }), L7_SELECT | L7_LOG_SLOT);
  t.equal(turn({}), L7_LOG_SLOT, 'the next one goes elsewhere than the last one');
  t.equal(turn({ port: 80 }), L7_SELECT);
  t.same(written, [1, 0, 1, 0]);
});

t.test('texts of operators', async (t) => {
  t.strictSame(parseStatusRange('404'), [404, 404]);
  t.strictSame(parseStatusRange('500-599'), [500, 599]);
  t.strictSame(['300ms', '2s', '15'].map(parseMilliseconds), [300, 2000, 15]);
  for (const bad of ['', '5xx', '599-500', '1000']) t.throws(() => parseStatusRange(bad), { code: 'USAGE' });
  for (const bad of ['', '0', 'x', '2h', '1e9s']) t.throws(() => parseMilliseconds(bad), { code: 'USAGE' });
});
