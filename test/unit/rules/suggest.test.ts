// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { didYouMean, editDistance, nearest } from '../../../rules/suggest.js';

t.test('edit distance', async (t) => {
  for (const [a, b, distance] of [
    ['', '', 0],
    ['a', '', 1],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
  ] as const) {
    t.equal(editDistance(a, b, 5), distance, `${a} ${b}`);
  }
  t.equal(editDistance('aaaa', 'bbbb', 2), 3, 'stops beyond the limit');
});

t.test('the nearest name, or none', async (t) => {
  const known = ['content', 'nocase', 'sid'];
  t.equal(nearest('Contnet', known), 'content');
  t.equal(nearest('sdi', known), 'sid');
  t.equal(nearest('zzz', known), undefined);
  t.equal(nearest('x'.repeat(100), known), undefined);
  t.equal(didYouMean('nocaes', known, 'no'), 'did you mean nocase?');
  t.equal(didYouMean('zzzzzz', known, 'no'), 'no');
});
