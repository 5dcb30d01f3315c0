// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Field, Reason, ReasonNames } from '../../../../common/abi.gen.js';
import { eventConditions, eventNames, streamEventNames } from '../../../../rules/keywords/events.js';
import type { Condition } from '../../../../rules/ast.js';

/** In the order of their bits. */
const words: readonly number[] = [Field.DECODE0, Field.DECODE1, Field.DECODE2];

/** Reasons whose bits a condition asks for. */
function reasonsOf({ field, mask }: Condition): number[] {
  const base = Reason.DECODE + 32 * words.indexOf(field);
  return Array.from({ length: 32 }, (_, bit) => bit)
    .filter((bit) => (mask >>> bit) & 1)
    .map((bit) => base + bit);
}

t.test('every event asks for bits of one field', async (t) => {
  for (const [name, conditions] of eventConditions) {
    t.equal(conditions.length, 1, name);
    for (const condition of conditions) {
      t.ok(words.includes(condition.field), name);
      t.ok(condition.mask > 0 && !condition.negate && condition.lo === 1, name);
      for (const reason of reasonsOf(condition)) t.match(ReasonNames[reason], /^DECODE_/, `${name}: reason ${reason}`);
    }
    t.ok(eventNames.has(name), name);
  }
});

t.test('every reason that Suricata has a name for can be asked for', async (t) => {
  const asked = new Set([...eventConditions.values()].flat().flatMap(reasonsOf));
  const silent = Object.entries(ReasonNames)
    .filter(([reason, name]) => name.startsWith('DECODE_') && !asked.has(Number(reason)))
    .map(([, name]) => name);
  // More than 8 extension headers is a limit of this parser.
  t.same(silent, ['DECODE_IP6_EXT_LONG']);
});

t.test('stream events are known', async (t) => {
  t.ok(streamEventNames.has('fin_syn'));
  for (const name of [...eventNames, ...streamEventNames]) t.match(name, /^[a-z0-9_.]+$/);
});
