// SPDX-License-Identifier: Apache-2.0
// The compiled table means what the rules mean: random rules on random packets, naive evaluation against the blob.

import t from 'tap';
import { compileParsed } from '../../../rules/compile/compile.js';
import { naiveMatches } from './support/naive.js';
import { BlobReader } from './support/interpret.js';
import { Random, randomPacket, randomRule } from './support/random.js';

const pairs = Number(process.env.IDS_FUZZ ?? 200_000);
const seed = Number(process.env.IDS_SEED ?? Date.now() & 0x7fffffff);

t.test(`naive and compiled agree (seed ${seed})`, async (t) => {
  const r = new Random(seed);
  let [judged, matched] = [0, 0];
  for (let round = 0; judged < pairs; round++) {
    const size = r.pick([1, 5, 40, 64, 65, 200]);
    const rules = Array.from({ length: size }, (_, i) => randomRule(r, i + 1));
    const { ruleset, summary } = compileParsed(
      { rules, unsupported: [], datasets: [], disabled: 0, problems: [] },
      { addressRules: 'inline' },
    );
    if (summary.inline !== size) t.fail('a random rule was refused', { summary });
    const reader = new BlobReader(ruleset);
    for (let i = 0; i < 200; i++) {
      const packet = randomPacket(r, rules);
      const expected = naiveMatches(rules, packet);
      const found = reader.matches(packet).map((position) => ruleset.rules[position]);
      judged += size;
      matched += expected.length;
      if (expected.join() === found.join()) continue;
      t.same(found, expected, 'same rules match', {
        round,
        packet,
        rules: rules.filter((_, n) => expected.includes(n) !== found.includes(n)),
      });
      return;
    }
  }
  t.ok(judged >= pairs, `${judged} pairs judged`);
  t.ok(matched > judged / 200, `${matched} of them matched`);
});
