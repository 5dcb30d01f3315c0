// SPDX-License-Identifier: Apache-2.0
// The kernel's classifier against the reference: random rules on random frames, judged by the real program.

import t from 'tap';
import { Action } from '../../common/abi.gen.js';
import { compileParsed } from '../../rules/compile/compile.js';
import { privileged } from '../helpers/privileged.js';
import { randomFrame, withProtocol } from '../unit/rules/support/frames.js';
import { naiveMatches } from '../unit/rules/support/naive.js';
import { Random, randomRule } from '../unit/rules/support/random.js';
import { Rig } from './support/rig.js';

const pairs = Number(process.env.IDS_FUZZ ?? 100_000);
const seed = Number(process.env.IDS_SEED ?? Date.now() & 0x7fffffff);

const XDP_DROP = 1;
const XDP_PASS = 2;

if (privileged(t)) {
  t.test(`kernel and reference agree (seed ${seed})`, async (t) => {
    const rig = Rig.open(t);
    const r = new Random(seed);
    let [judged, matched, generation] = [0, 0, 1];
    while (judged < pairs) {
      const size = r.pick([1, 40, 64, 65, 200]);
      // Rejects answer with the packet itself where the interface can; drops and passes say the same here.
      const rules = Array.from({ length: size }, (_, i) => randomRule(r, i + 1)).map((rule) =>
        rule.action === Action.REJECT ? { ...rule, action: Action.DROP } : rule,
      );
      const parsed = { rules, unsupported: [], datasets: [], disabled: 0, problems: [] };
      const { ruleset } = compileParsed(parsed, { addressRules: 'inline' });
      rig.kernel.installRuleset(ruleset, ++generation);
      let before = rig.kernel.ruleCounts();
      for (let i = 0; i < 100; i++) {
        const { frame, packet } = randomFrame(r, rules);
        const all = naiveMatches(rules, withProtocol(packet));
        const pass = all.findIndex((index) => rules[index]?.action === Action.PASS);
        const expected = pass < 0 ? all : all.slice(0, pass + 1);
        const drops = expected.some((index) => rules[index]?.action === Action.DROP);
        // Rules of addresses alone match the first packet of a flow: whatever flow there was is over by now.
        rig.advance(700);
        const { verdict } = rig.push(frame);
        const after = rig.kernel.ruleCounts();
        const found = [...ruleset.rules].filter((_, at) => (after[at]?.matched ?? 0) > (before[at]?.matched ?? 0));
        before = after;
        judged += size;
        matched += expected.length;
        const right = found.join() === expected.join() && verdict === (drops ? XDP_DROP : XDP_PASS);
        if (right) continue;
        const odd = rules.filter((_, index) => expected.includes(index) !== found.includes(index));
        t.same(
          { found, verdict },
          { found: expected, verdict: drops ? XDP_DROP : XDP_PASS },
          'same rules, same verdict',
          {
            frame: Buffer.from(frame).toString('hex'),
            packet,
            odd,
          },
        );
        return;
      }
      rig.drain();
    }
    t.ok(judged >= pairs, `${judged} pairs judged`);
    t.ok(matched > judged / 200, `${matched} of them matched`);
  });
}
