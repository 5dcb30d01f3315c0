// SPDX-License-Identifier: Apache-2.0
// What was held back is told exactly, once.

import t from 'tap';
import { Told, type Detection } from '../../../../alerts/index.js';
import { Suppression } from '../../../../engine/daemon/suppression.js';
import type { RuleInfo } from '../../../../rules/index.js';

const rule = (sid: number): RuleInfo => ({ gid: 1, sid }) as RuleInfo;
const alert = (sid: number, src: string, kind: 'alert' | 'drop' = 'alert'): Detection =>
  ({ kind, src, timeUs: 1, rule: { gid: 1, sid } }) as Detection;
const held = (sid: number, suppressed: number): { rule: RuleInfo; suppressed: number } => ({
  rule: rule(sid),
  suppressed,
});

t.test('a summary looks like the last full record and counts from the last summary on', async (t) => {
  const suppression = new Suppression();
  suppression.note([alert(5, '192.0.2.1'), alert(5, '192.0.2.2'), alert(5, '192.0.2.3', 'drop')].map(Told.of));
  t.same(suppression.tell(1, [held(5, 10)], 5_000_000), [
    { ...alert(5, '192.0.2.2'), timeUs: 5_000_000, suppressed: { matched: 10, since: 4_000_000, until: 5_000_000 } },
  ]);
  t.same(suppression.tell(1, [held(5, 10)], 6_000_000), [], 'nothing new');
  t.match(suppression.tell(1, [held(5, 17)], 7_000_000), [
    { suppressed: { matched: 7, since: 5_000_000, until: 7_000_000 } },
  ]);
});

t.test('a new rule set counts from zero', async (t) => {
  const suppression = new Suppression();
  suppression.note([Told.of(alert(5, '192.0.2.1'))]);
  suppression.tell(1, [held(5, 10)], 1_000_000);
  t.match(suppression.tell(1, [held(5, 12)], 2_000_000), [{ suppressed: { matched: 2 } }], 'what the old one had left');
  t.match(suppression.tell(2, [held(5, 3)], 3_000_000), [{ suppressed: { matched: 3 } }]);
});

t.test('without a full record nothing is told yet, and nothing forgotten', async (t) => {
  const suppression = new Suppression();
  t.same(suppression.tell(1, [held(6, 4)], 1_000_000), []);
  t.ok(suppression.behind);
  suppression.note([Told.of(alert(6, '192.0.2.1'))]);
  t.match(suppression.tell(1, [held(6, 4)], 2_000_000), [{ suppressed: { matched: 4 } }]);
  t.notOk(suppression.behind);
});
