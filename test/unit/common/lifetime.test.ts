// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Lifetime } from '../../../common/lifetime.js';

t.test('undoes in reverse order, once', async (t) => {
  const done: string[] = [];
  const lifetime = new Lifetime();
  lifetime.defer(() => void done.push('first'));
  const owner = lifetime.own({
    close: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push('second');
    },
  });
  t.type(owner.close, 'function');
  lifetime.defer(() => void done.push('third'));
  await Promise.all([lifetime.close(), lifetime.close()]);
  await lifetime.close();
  t.same(done, ['third', 'second', 'first']);
});

t.test('a failure does not keep the others from being closed, and is reported', async (t) => {
  const done: string[] = [];
  const lifetime = new Lifetime();
  lifetime.defer(() => void done.push('first'));
  lifetime.defer(() => Promise.reject(new Error('early')));
  lifetime.defer(() => {
    throw new Error('late');
  });
  await t.rejects(lifetime.close(), { message: 'late' });
  t.same(done, ['first']);
});
