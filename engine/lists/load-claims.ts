// SPDX-License-Identifier: Apache-2.0
// From the store into memory.

import type { ClaimIndex } from './claims/claim-index.js';
import { decodeContent } from './claims/content-file.js';
import { Segment } from './claims/segment.js';
import type { ListStore } from './list-store.js';

/** Loads every claim. Sizes are counted afterwards: `recount`. @throws IdsError STORE_FAILED */
export function loadClaims(store: ListStore, index: ClaimIndex, now: number): void {
  const files = new Set<string>();
  for (const { origin, content, swept } of store.bulk()) {
    if (content.file !== undefined) files.add(content.file);
    const segment = new Segment(origin, decodeContent(store.contents.read(content)));
    // What was freed stays freed, though the clock was set back since.
    segment.expire(Math.max(now, swept));
    index.segments.set(origin, segment);
  }
  store.contents.keepOnly(files);
  for (const { origin, prefix } of store.gone()) index.segments.get(origin)?.kill(prefix);
  for (const { prefix, claim } of store.claims()) index.load(prefix, claim);
}
