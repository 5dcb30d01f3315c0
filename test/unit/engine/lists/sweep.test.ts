// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import t from 'tap';
import { scheduleSweep } from '../../../../engine/lists/index.js';

t.test('runs by the clock, survives a failure, stops when closed', async (t) => {
  const events = new EventEmitter();
  const failures: unknown[] = [];
  let runs = 0;
  const sweep = scheduleSweep(
    () => {
      runs++;
      events.emit('run');
      if (runs === 1) throw new Error('once');
    },
    (error) => failures.push(error),
    '* * * * * *',
  );
  const alive = setTimeout(() => events.emit('run'), 20_000);
  await once(events, 'run');
  await once(events, 'run');
  clearTimeout(alive);
  await sweep.close();
  t.equal(runs, 2);
  t.match(failures, [{ message: 'once' }]);
});
