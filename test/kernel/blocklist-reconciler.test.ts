// SPDX-License-Identifier: Apache-2.0
// Entries that vanish behind the service's back come back, and the figures say so.

import { join } from 'node:path';
import t from 'tap';
import { Kernel } from '../../engine/bpf/index.js';
import { BlockTable } from '../../engine/lists/table/index.js';
import { parsePrefix } from '../../common/address.js';
import { BatchBuilder } from '../../engine/lists/batch-builder.js';
import type { PrefixBatch } from '../../engine/lists/prefix-batch.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { undoAfter } from '../helpers/undo.js';
import { until } from '../helpers/until.js';
import { feed, imported } from './support/blocklist-contents.js';
import { serviceOn, sizes } from './support/blocklist-service.js';
import { tcp } from './support/frames.js';

const skip = whyUnprivileged() ?? false;
/** Of a change that takes long enough to be looked at halfway. */
const MANY = 90_000;
const DROP = 1;
const PASS = 2;
t.setTimeout(120_000);

/** Shared, so that the programs are verified once: what is listed is what the store of a test says. */
const pinDir = `/sys/fs/bpf/ids-rec-${process.pid}`;
undoAfter(t, () => Kernel.detachAll(pinDir));

t.test('what somebody else deletes or adds is put right', { skip }, async (t) => {
  const service = serviceOn(pinDir, join(t.testdir(), 'lists.db'));
  t.teardown(() => service.close());
  const { blocklist, kernel } = service;
  await blocklist.bulk.replaceOrigin('feed:a', feed(0), {});
  await blocklist.bulk.importBatch(imported(0), {});
  blocklist.startReconciler();
  const verdict = (src: string): number => kernel.run(tcp({ src, dst: '198.51.100.2' })).verdict;
  t.equal(verdict('203.0.113.77'), DROP);
  t.equal(blocklist.status().reconciler.repairs, 0);

  // Another process maps the pinned tables.
  const other = Kernel.open({ pinDir, sizes });
  other.listMemory().entries4.fill(0);
  t.equal(verdict('203.0.113.77'), PASS, 'deleted behind the back');
  await until(() => verdict('203.0.113.77') === DROP, { message: 'the entry to be back', deadline: 20_000 });
  t.ok(blocklist.status().reconciler.repairs >= 12_000, `${blocklist.status().reconciler.repairs} repairs`);
  t.match(service.table.check(), { missing: 0, foreign: 0, index: 0 });

  // An entry that the table was told of, but that nobody lists.
  service.table.put(parsePrefix('192.0.2.99'), { expires: 0, set: 0, forced: false, alert: false });
  service.table.delete(parsePrefix('203.0.113.77'));
  t.equal(verdict('203.0.113.77'), PASS);
  const before = blocklist.status().reconciler.repairs;
  t.match(blocklist.reconcile(), { put: 1, removed: 1 });
  t.equal(verdict('203.0.113.77'), DROP);
  t.equal(verdict('192.0.2.99'), PASS);
  t.equal(blocklist.status().reconciler.repairs, before + 2);
  other.close();
});

t.test('a restart goes on with what is pinned, without a write', { skip }, async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const first = serviceOn(pinDir, file);
  await first.blocklist.bulk.replaceOrigin('feed:a', feed(0), { ttl: 1000 });
  const columns = first.table.columns();
  first.close();
  const second = serviceOn(pinDir, file);
  t.teardown(() => second.close());
  t.ok(second.table instanceof BlockTable);
  t.same(second.table.columns().slot4, columns.slot4, 'every entry is where it was');
  t.same(second.table.columns().expires4, columns.expires4);
  t.equal(second.blocklist.status().reconciler.repairs, 0);
  await second.blocklist.bulk.replaceOrigin('feed:a', new BatchBuilder(0).build(), {});
  t.same([second.table.size4, second.table.size6], [0, 0], 'nothing is left to the next test');
});

t.test('a change under way is no difference', { skip }, async (t) => {
  const { blocklist, close } = serviceOn(pinDir, join(t.testdir(), 'lists.db'));
  t.teardown(close);
  blocklist.startReconciler();
  const many = (base: number): PrefixBatch => {
    const builder = new BatchBuilder(MANY);
    for (let n = 0; n < MANY; n++) builder.add4(base + 2 * n, 32);
    return builder.build();
  };
  const versions = [many(0x0a000000), many(0x0b000000)];
  let changes = 0;
  while (blocklist.status().reconciler.samples < 4) {
    const next = versions[changes++ % 2];
    if (next) await blocklist.bulk.replaceOrigin('feed:a', next, {});
  }
  t.ok(changes > 4, `${changes} changes`);
  await until(() => blocklist.status().reconciler.passes > 0, { deadline: 20_000, message: 'the pass that is owed' });
  t.equal(blocklist.status().reconciler.repairs, 0);
});
