// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { Segment } from '../../../../engine/lists/claims/segment.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { until } from '../../../helpers/until.js';
import { enforced, fixture, judged, prefixes } from './fixture.js';

function hosts(count: number, first = 0x0a00_0000): PrefixBatch {
  const builder = new BatchBuilder(count);
  for (let n = 0; n < count; n++) builder.add4(first + n, 32);
  return builder.build();
}

t.test('many that end beside many origins are not asked for one by one', async (t) => {
  const f = fixture({ capacity: { capacity4: 50_000, capacity6: 100 } });
  t.teardown(f.close);
  const rules = Array.from({ length: 200 }, (_, n) => ({ origin: `rule:${n}`, batch: hosts(1, n), options: {} }));
  await f.blocklist.replaceOrigins(rules);
  await f.blocklist.bulk.replaceOrigin('feed:a', hosts(30_000), { ttl: 10 });
  await f.blocklist.bulk.replaceOrigin('feed:b', hosts(2, 0x0a00_0005), {});
  f.clock.advance(11);
  let asked = 0;
  const { claim } = Segment.prototype;
  Segment.prototype.claim = function (key) {
    asked++;
    return claim.call(this, key);
  };
  t.teardown(() => void (Segment.prototype.claim = claim));
  t.equal(f.blocklist.sweep(), 30_000);
  await until(() => enforced(f) === 202, { message: 'all of them gone' });
  t.equal(f.blocklist.size, 202, 'those of others stay');
  t.ok(asked < 1_000, `${asked} looks`);
  t.equal(f.blocklist.sweep(), 0);
});

t.test('a content that comes between the slices is counted right', async (t) => {
  const f = fixture({ capacity: { capacity4: 100_000, capacity6: 100 } });
  t.teardown(f.close);
  await f.blocklist.bulk.replaceOrigin('feed:a', hosts(60_000), { ttl: 10 });
  f.clock.advance(11);
  f.blocklist.sweep();
  await f.blocklist.bulk.replaceOrigin('feed:a', hosts(30_000, 0x0a00_4000), {});
  await until(() => enforced(f) === 30_000, { message: 'the new content alone' });
  t.equal(f.blocklist.size, 30_000);
});

t.test('an end is no removal: what is imported meanwhile stays', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('10.0.0.0', '10.0.0.1'), ttl: 10 });
  f.clock.advance(11);
  const { contents } = f.store;
  const { write } = contents;
  contents.write = (bytes) => {
    t.equal(f.blocklist.sweep(), 2);
    f.blocklist.add({ prefixes: prefixes('10.0.0.2') });
    f.blocklist.remove(prefixes('10.0.0.2'));
    return write.call(contents, bytes);
  };
  await f.blocklist.bulk.importBatch(hosts(3), {});
  contents.write = write;
  t.equal(judged(f, '10.0.0.0'), true);
  t.equal(judged(f, '10.0.0.2'), false, 'this one was taken off');
  t.equal(f.blocklist.size, 2);
});
