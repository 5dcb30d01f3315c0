// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { fixture, prefixes } from '../fixture.js';

t.test('an entry is weakened when no packet can have missed the one that takes over', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const table = f.tables.blocklist;
  const calls: string[] = [];
  const { barrier, put } = table;
  table.barrier = () => {
    calls.push('barrier');
    barrier.call(table);
  };
  table.put = (prefix, value) => {
    calls.push(`put ${prefix.length} ${value.alert ? 'alert' : 'drop'}`);
    return put.call(table, prefix, value);
  };
  f.blocklist.add({ prefixes: prefixes('192.0.2.1') });
  f.clock.advance(10);
  calls.length = 0;
  f.blocklist.add({ prefixes: prefixes('192.0.2.0/24') });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1'), action: 'alert' });
  t.same(calls, ['put 120 drop', 'barrier', 'put 128 alert']);
  f.clock.advance(10);
  calls.length = 0;
  f.blocklist.add({ prefixes: prefixes('192.0.2.1') });
  t.same(calls, ['put 128 drop'], 'what strengthens does not wait');
});
