// SPDX-License-Identifier: Apache-2.0
// The disk under the outbox is full: what is raised waits in memory and arrives, and is stored again once there is room.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Dispatcher, outputsSchema, OutboxStore, type Batch, type Detection, type Sink } from '../../alerts/index.js';
import { privileged, run, until } from '../helpers/privileged.js';
import { numbered } from '../unit/alerts/samples.js';
import { temporaryFolder } from './support/daemon.js';

const batchOf = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => ({ ...numbered(from + i), http: { url: 'x'.repeat(2000) } }));
const range = (to: number): number[] => [...Array(to).keys()];

class Receiver implements Sink {
  readonly name = 'siem';
  readonly target = 'here';
  readonly got: number[] = [];
  down = true;

  async deliver(batch: Batch): Promise<void> {
    if (this.down) throw new Error('down');
    this.got.push(...batch.entries.map(({ detection }) => (detection?.count ?? 0) - 1));
  }

  async close(): Promise<void> {}
}

if (privileged(t)) {
  t.test('a full disk under the outbox', async (t) => {
    const disk = temporaryFolder(t, 'disk');
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    t.teardown(() => run('umount', ['-l', disk]));
    const said: string[] = [];
    const log = {
      info: (_: object, text: string) => said.push(text),
      warn: (_: object, text: string) => said.push(text),
    };
    const store = OutboxStore.open(join(disk, 'outbox.db'), { keep: 0, keepBytes: 0 });
    const sink = new Receiver();
    const configs = outputsSchema
      .parse([{ type: 'stdout', name: 'siem' }])
      .map((config) => ({ ...config, retry: { initial: 5, max: 20 } }));
    const dispatcher = await Dispatcher.open(configs, { store, log, sink: () => sink });

    let raised = 0;
    const raise = (count: number): void => {
      dispatcher.push(batchOf(raised, raised + count));
      raised += count;
    };
    while (dispatcher.storing && raised < 2000) raise(50);
    t.notOk(dispatcher.storing, 'the disk is full');
    raise(500);
    t.match(dispatcher.status()[0], { raised, pending: raised, dropped: 0 }, 'nothing is lost');
    await until(() => said.length === 2);
    t.match(said, ['records cannot be stored; they wait in memory alone', 'output does not take records; they wait']);

    sink.down = false;
    await until(() => sink.got.length >= raised, { deadline: 30_000 });
    t.strictSame(sink.got, range(raised), 'all arrive, in order');
    // What was delivered makes room.
    await until(
      () => {
        raise(1);
        return dispatcher.storing;
      },
      { deadline: 30_000 },
    );
    t.ok(said.includes('records are stored again'));
    await until(() => sink.got.length === raised, { deadline: 30_000 });
    const [{ delivered, dropped, expired } = { delivered: 0, dropped: 0, expired: 0 }] = dispatcher.status();
    t.strictSame([delivered, dropped, expired], [raised, 0, 0]);
    await dispatcher.close(1000);
    t.strictSame(store.queue('siem').parcels(), [], 'the next process finds nothing that was delivered');
    store.close();
  });

  t.test('a store that cannot be made is one clear line', async (t) => {
    const folder = temporaryFolder(t, 'disk');
    const file = join(folder, 'file');
    writeFileSync(file, '');
    t.throws(() => OutboxStore.open(join(file, 'outbox.db'), { keep: 0, keepBytes: 0 }), { code: 'STORE_FAILED' });
    rmSync(file);
  });
}
