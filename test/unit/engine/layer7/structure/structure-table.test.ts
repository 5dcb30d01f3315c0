// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { L7Limit, StructureLayout } from '../../../../../common/abi.gen.js';
import { defaultRedaction } from '../../../../../engine/layer7/structure/names.js';
import { structureTable } from '../../../../../engine/layer7/structure/structure-table.js';

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${(i * 7919).toString(36)}-secret`);

t.test('the row of state 0 and the column of class 0 are the mark of an unwritten table', async (t) => {
  const table = structureTable({ ...defaultRedaction, kept: [] });
  t.equal(table.length, StructureLayout.SIZE);
  const view = new DataView(table.buffer);
  const step = (state: number, cls: number): number =>
    view.getUint16(StructureLayout.next + 2 * (state * L7Limit.STRUCTURE_CLASSES + cls), true);
  for (let i = 0; i < L7Limit.STRUCTURE_CLASSES; i++) t.equal(step(0, i), 0);
  for (let i = 0; i < L7Limit.STRUCTURE_STATES; i++) if (step(i, 0) !== 0) t.fail(`state ${i}`);
  t.ok(table.subarray(StructureLayout.byteClass, StructureLayout.byteClass + 256).every((cls) => cls > 0));
});

t.test('sixty names fit, and what does not is refused with the figures', async (t) => {
  t.doesNotThrow(() =>
    structureTable({ headers: names(40, 'x'), parameters: defaultRedaction.parameters, kept: names(20, 'y') }),
  );
  t.throws(() => structureTable({ ...defaultRedaction, kept: names(300, 'x') }), {
    code: 'CONFIG_INVALID',
    message: /need \d+ states of 2048; name fewer or shorter ones/,
  });
});
