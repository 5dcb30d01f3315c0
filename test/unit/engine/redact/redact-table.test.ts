// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Limit, RedactBit, RedactLayout } from '../../../../common/abi.gen.js';
import { buildAutomaton, State } from '../../../../engine/redact/automaton.js';
import { defaultRedactNames } from '../../../../engine/redact/header-names.js';
import { redactTable } from '../../../../engine/redact/redact-table.js';

const entry = (table: Uint8Array, state: number, cls: number): number =>
  new DataView(table.buffer).getUint16(RedactLayout.next + 2 * (state * Limit.REDACT_CLASSES + cls), true);

t.test('the table holds the automaton', async (t) => {
  const { byteClass, classes, steps } = buildAutomaton(defaultRedactNames);
  const table = redactTable(defaultRedactNames);
  t.equal(table.length, RedactLayout.SIZE);
  t.same(table.subarray(RedactLayout.byteClass, 256), byteClass);
  let differing = 0;
  for (let state = 1; state < steps.length; state++) {
    for (let cls = 1; cls < classes; cls++) {
      const got = entry(table, state, cls);
      const want = steps[state]?.[cls];
      const same =
        (got & RedactBit.REDACT_STATE) === want?.state &&
        ((got & RedactBit.REDACT_MASK) !== 0) === want.masked &&
        ((got & RedactBit.REDACT_END) !== 0) === (want.state === State.END);
      if (!same) differing++;
    }
  }
  t.equal(differing, 0);
});

t.test('the row of state 0 and the column of class 0 are the mark of an unwritten table', async (t) => {
  const table = redactTable(defaultRedactNames);
  for (let i = 0; i < Limit.REDACT_CLASSES; i++) t.equal(entry(table, 0, i), 0);
  for (let i = 0; i < Limit.REDACT_STATES; i++) if (entry(table, i, 0) !== 0) t.fail(`state ${i}`);
  t.not(entry(table, State.PLAIN, 1), 0);
});

t.test('any token byte may be in a name', async (t) => {
  const every = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).filter(
    (c) => !'"(),/:;<=>?@[\\]{}'.includes(c),
  );
  t.ok(buildAutomaton([every.join('')]).classes <= Limit.REDACT_CLASSES);
  t.equal(redactTable([every.join('')]).length, RedactLayout.SIZE);
});

t.test('names that do not fit are refused with the figures', async (t) => {
  t.throws(() => redactTable(['x'.repeat(1200)]), {
    code: 'CONFIG_INVALID',
    message:
      'redact: the header names need 1213 states of 1024 and 8 byte classes of 64; name fewer or shorter headers',
  });
  t.doesNotThrow(() => redactTable(['x'.repeat(1011)]));
});
