// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { IdsError } from '../../../common/errors.js';
import { Store } from '../../../common/store.js';

const migrations = ['CREATE TABLE things(id BLOB PRIMARY KEY, size INTEGER)'];

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof IdsError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

t.test('keeps blobs, numbers and nulls, and finds them after a reopen', async (t) => {
  const file = join(t.testdir(), 'deep', 'x.db');
  const store = Store.open(file, { migrations });
  const put = store.prepare('INSERT INTO things VALUES(?, ?)');
  t.equal(put.run([new Uint8Array([1, 2]), 2 ** 40]), 1);
  put.run([Buffer.from([3]), null]);
  store.close();
  store.close();
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(join(file, '..')).mode & 0o777, 0o700);

  const again = Store.open(file, { migrations });
  t.teardown(() => again.close());
  const rows = again.prepare('SELECT id, size FROM things ORDER BY id').all();
  t.same(
    rows.map(([id, size]) => [[...(id as Buffer)], size]),
    [
      [[1, 2], 2 ** 40],
      [[3], null],
    ],
  );
  t.equal(again.prepare('SELECT 1 FROM things WHERE size = ?').get([7]), undefined);
  t.equal([...again.prepare('SELECT * FROM things').each()].length, 2);
});

t.test('a transaction happens as a whole or not at all', async (t) => {
  const store = Store.open(':memory:', { migrations });
  t.teardown(() => store.close());
  const put = store.prepare('INSERT INTO things VALUES(?, 0)');
  const failure = new Error('changed my mind');
  t.throws(
    () =>
      store.transaction(() => {
        put.run([Buffer.from([1])]);
        throw failure;
      }),
    failure,
  );
  t.equal(store.prepare('SELECT count(*) FROM things').get()?.[0], 0);
  const result = store.transaction(() => {
    put.run([Buffer.from([1])]);
    return store.transaction(() => put.run([Buffer.from([2])]));
  });
  t.equal(result, 1);
  t.equal(store.prepare('SELECT count(*) FROM things').get()?.[0], 2);
  t.match(
    codeOf(() => put.run([Buffer.from([2])])),
    /^STORE_FAILED: .*UNIQUE/,
  );
});

t.test('a store in use is refused, and free again when it is closed', async (t) => {
  const file = join(t.testdir(), 'x.db');
  const store = Store.open(file, { migrations });
  const kept = store.prepare('SELECT * FROM things');
  t.match(
    codeOf(() => Store.open(file, { migrations })),
    /^DAEMON_RUNNING: .*x\.db is in use/,
  );
  store.close();
  const second = Store.open(file, { migrations });
  t.same(second.prepare('SELECT * FROM things').all(), []);
  second.close();
  t.ok(kept);
});

t.test('applies what is new of the migrations, and refuses a store of a later version', async (t) => {
  const file = join(t.testdir(), 'x.db');
  Store.open(file, { migrations }).close();
  const store = Store.open(file, { migrations: [...migrations, 'ALTER TABLE things ADD COLUMN name TEXT'] });
  store.prepare('INSERT INTO things VALUES(?, 1, ?)').run([Buffer.from([1]), 'one']);
  store.close();
  t.match(
    codeOf(() => Store.open(file, { migrations })),
    /^STORE_FAILED: .*schema version 2, this program knows 1/,
  );
});

t.test('a damaged file gives one clear line', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'x.db');
  const store = Store.open(file, { migrations });
  for (let i = 0; i < 200; i++) store.prepare('INSERT INTO things VALUES(?, 1)').run([Buffer.alloc(100, i)]);
  store.close();
  const good = readFileSync(file);
  const damage: Record<string, Buffer> = {
    head: Buffer.from(good).fill(0x41, 0, 100),
    pages: Buffer.from(good).fill(0xab, 4096),
    text: Buffer.from('this is no database at all, it is a text file of some length\n'.repeat(100)),
  };
  for (const [name, bytes] of Object.entries(damage)) {
    const broken = join(folder, `${name}.db`);
    writeFileSync(broken, bytes);
    t.match(
      codeOf(() => Store.open(broken, { migrations })),
      new RegExp(`^STORE_FAILED: .*${name}.db is damaged .*: restore a copy`),
      name,
    );
  }
  t.match(
    codeOf(() => Store.open(join(file, 'x.db'), { migrations })),
    /^STORE_FAILED: .*check the state directory/,
  );
});
