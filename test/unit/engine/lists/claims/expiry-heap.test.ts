// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { parsePrefix } from '../../../../../common/address.js';
import type { Claim } from '../../../../../engine/lists/claims/claim.js';
import { ExpiryHeap } from '../../../../../engine/lists/claims/expiry-heap.js';
import { OwnClaims } from '../../../../../engine/lists/claims/own-claims.js';

const claim = (expires: number): Claim => ({
  origin: 'rule:1',
  reason: '',
  created: 0,
  expires,
  forced: false,
  action: 'drop',
});

t.test('prolongations do not pile up, and nothing that holds is lost', async (t) => {
  const heap = new ExpiryHeap();
  const own = new OwnClaims();
  const texts = Array.from({ length: 300 }, (_, n) => `192.0.${n >> 8}.${n & 255}`);
  for (let round = 1; round <= 100; round++) {
    texts.forEach((text, n) => {
      const longer = claim(round * 1000 + ((n * 7919) % 300));
      heap.push(own.set(parsePrefix(text), longer), longer);
    });
  }
  t.ok(heap.size <= 2 * texts.length + 1_001, `${heap.size} items for ${texts.length} claims`);
  const due = heap.due(Number.MAX_SAFE_INTEGER);
  t.equal(due.length, texts.length);
  const ends = due.map((one) => one.claim.expires);
  t.same(
    ends,
    [...ends].sort((a, b) => a - b),
    'the first to end comes first',
  );
});
