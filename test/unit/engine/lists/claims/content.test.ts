// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { BatchBuilder } from '../../../../../engine/lists/batch-builder.js';
import { contentOf, emptyContent, mergeContents } from '../../../../../engine/lists/claims/content.js';
import { atOnce } from '../../../../../engine/lists/claims/slices.js';

t.test('a content keeps nothing that only building it needed, the first one neither', async (t) => {
  const common = { created: 1, expires: Infinity, reason: 'x', forced: false, action: 'drop' } as const;
  const builder = new BatchBuilder();
  builder.add4(1, 32);
  const put = () => atOnce(contentOf(builder.build(), common));
  for (const old of [emptyContent(), put()]) {
    const { content } = atOnce(mergeContents(old, put(), { replace: true }));
    const { count } = content.groups;
    t.equal(content.groups.add(common), count, 'a known value is not recognised any more');
  }
});
