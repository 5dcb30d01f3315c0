// SPDX-License-Identifier: Apache-2.0
// The blocklist in one run: what a look costs, what is dropped live beside its peers, what it takes to load and to hold.

import { benchBlocklistLookup, measureLookups } from './blocklist-lookup.js';
import { benchBlocklistLive } from './blocklist-live.js';
import { benchBlocklistLoad } from './blocklist-load.js';
import { Mode } from './lookup-program.js';
import { print } from './report.js';

/** The whole program on a small and on a large list. */
function benchSizes(): void {
  const [small, large] = [1000, 1_000_000].map((entries4) =>
    measureLookups({ entries4, entries6: 1000, rounds: 3 }).filter(
      ({ mode, family }) => mode === Mode.WHOLE && family === 4,
    ),
  );
  print(
    'Nanoseconds a packet through the whole program',
    (large ?? []).map((figure, i) => {
      const before = small?.[i]?.ns ?? NaN;
      return {
        what: `IPv4, random ${figure.listed ? 'listed' : 'unlisted'} sources: 1,000 and 1,000,000 entries`,
        figure: `${before.toFixed(0)} ns and ${figure.ns.toFixed(0)} ns`,
        ratio: `${(figure.ns / before).toFixed(2)} times`,
      };
    }),
  );
}

export async function benchBlocklist(): Promise<void> {
  benchBlocklistLookup();
  benchSizes();
  await benchBlocklistLive();
  await benchBlocklistLoad();
}
