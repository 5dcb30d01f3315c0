// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import { Store } from '../../../../common/store.js';
import { parsePrefix } from '../../../../common/address.js';
import { fixture, judged } from './fixture.js';

/** The schema of the first version, as it lies on the disks of its users. */
const first = `CREATE TABLE origins(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE claims(prefix BLOB NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL, created INTEGER NOT NULL,
    expires INTEGER, forced INTEGER NOT NULL, PRIMARY KEY(prefix, origin)) WITHOUT ROWID;
  CREATE TABLE slots(prefix BLOB PRIMARY KEY, slot INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL)
    WITHOUT ROWID;
  CREATE TABLE allowed(prefix BLOB PRIMARY KEY, reason TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE offences(address BLOB PRIMARY KEY, count INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`;

function key(text: string): Uint8Array {
  const { bytes, length } = parsePrefix(text);
  return Uint8Array.of(...bytes, length);
}

t.test('a store of the first version goes on', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const old = Store.open(file, { migrations: [first] });
  const created = Date.UTC(2025, 11, 31);
  const put = old.prepare('INSERT INTO claims VALUES(?, ?, ?, ?, ?, ?)');
  put.run([key('192.0.2.1'), 'manual', 'by hand', created, null, 0]);
  put.run([key('192.0.2.1'), 'rule:7', 'scan', created, created + 1000, 0]);
  put.run([key('2001:db8::/32'), 'manual', '', created, null, 1]);
  old.prepare('INSERT INTO slots VALUES(?, ?, ?, ?)').run([key('192.0.2.1'), 5, 10, 600]);
  old.prepare('INSERT INTO origins VALUES(?, ?)').run([1, 'manual']);
  old.prepare('INSERT INTO allowed VALUES(?, ?, ?)').run([key('198.51.100.1'), 'mine', created]);
  old.close();

  const f = fixture({ file });
  t.teardown(f.close);
  t.match(f.blocklist.list(), [
    { prefix: '192.0.2.1', origin: 'manual', reason: 'by hand', created: '2025-12-31T00:00:00.000Z' },
    { prefix: '2001:db8::/32', origin: 'manual' },
  ]);
  t.equal(f.blocklist.list().length, 2, 'what has ended meanwhile is gone');
  t.equal(judged(f, '192.0.2.1'), true);
  t.equal(f.tables.blocklist.get(parsePrefix('2001:db8::/32'))?.forced, true);
  t.match(f.allowlist.list(), [{ prefix: '198.51.100.1', reason: 'mine' }]);
});
