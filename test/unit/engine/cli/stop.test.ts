// SPDX-License-Identifier: Apache-2.0
// `ids stop`: it returns when the daemon has ended, and --detach needs none.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { start } from '../../../helpers/run.js';
import { temporary } from '../api/serve.js';
import { invoke } from './invoke.js';

const program = fileURLToPath(new URL('./draining-daemon.js', import.meta.url));

t.test('it waits until the process has ended, not only until the socket is gone', async (t) => {
  const socket = join(temporary(t), 'ids.sock');
  const daemon = start(t, process.execPath, [program, socket, '400']);
  await daemon.prints(/ready/);
  const { status, out, err } = await invoke(['stop', '--socket', socket]);
  t.equal(err, '');
  t.equal(status, 0);
  t.match(daemon.output.stdout, /drained/, 'its outputs were drained before the command returned');
  t.equal(out, 'the daemon has ended\nthe kernel goes on dropping; "ids stop --detach" takes everything out\n');
  t.equal(await daemon.ended, 0);
});

t.test('--detach names what was taken out', async (t) => {
  const socket = join(temporary(t), 'ids.sock');
  const daemon = start(t, process.execPath, [program, socket, '0']);
  await daemon.prints(/ready/);
  const { status, out } = await invoke(['stop', '--detach', '--json', '--socket', socket]);
  t.equal(status, 0);
  t.strictSame(JSON.parse(out), { daemon: true, detached: ['eth0'] });
});

t.test('--detach does not wait for a daemon that hangs', async (t) => {
  const socket = join(temporary(t), 'ids.sock');
  // Connections are taken, and nobody ever answers.
  const hung = createServer(() => undefined);
  await new Promise<void>((resolve) => hung.listen(socket, resolve));
  t.teardown(() => hung.close());
  const pins = '/sys/fs/bpf/ids-test-nothing-here';
  const begun = performance.now();
  const { status, err } = await invoke(['stop', '--detach', '--pin-dir', pins, '--socket', socket]);
  t.ok(performance.now() - begun < 20_000);
  t.equal(status, 1);
  t.match(err, /has not answered for 5 s.*nothing was attached from .*: kill the daemon/);
});

t.test('--detach without a daemon does it by itself', async (t) => {
  const socket = join(temporary(t), 'none.sock');
  const pins = '/sys/fs/bpf/ids-test-nothing-here';
  const { status, out, err } = await invoke(['stop', '--detach', '--pin-dir', pins, '--socket', socket]);
  t.strictSame({ status, err }, { status: 0, err: '' });
  t.equal(out, `no daemon was running\nnothing was attached from ${pins}\n`);
  const json = await invoke(['stop', '--detach', '--pin-dir', pins, '--socket', socket, '--json']);
  t.strictSame(JSON.parse(json.out), { daemon: false, detached: [] });
});
