// SPDX-License-Identifier: Apache-2.0
// Lays the structure automaton out as the kernel's struct ids_structure.

import { L7Limit, StructureBit, StructureLayout } from '../../../common/abi.gen.js';
import { IdsError } from '../../../common/errors.js';
import { buildStructure, type StructureNames } from './automaton.js';
import { byteClasses, CLASSES, kindOf } from './byte-classes.js';
import { stopsOf } from './stops.js';

/**
 * The bytes of struct ids_structure for these names; its generation is the loader's. State 0 and class 0 stay all zero,
 * which the kernel reads as "not written". Throws CONFIG_INVALID if the names do not fit.
 */
export function structureTable(names: StructureNames): Uint8Array {
  const { states, steps } = buildStructure(names);
  if (states.length > L7Limit.STRUCTURE_STATES) {
    throw new IdsError(
      'CONFIG_INVALID',
      `redact: the names of headers and parameters need ${states.length} states of ${L7Limit.STRUCTURE_STATES}; ` +
        'name fewer or shorter ones',
      { details: { states: states.length } },
    );
  }
  const table = new Uint8Array(StructureLayout.SIZE);
  const view = new DataView(table.buffer);
  byteClasses.forEach((cls, byte) => {
    table[StructureLayout.byteClass + byte] = 2 * cls;
    table[StructureLayout.byteKind + byte] = kindOf[cls] ?? 0;
  });
  table.set(stopsOf(steps), StructureLayout.stop);
  states.forEach(({ region, back, pending }, state) => {
    table[StructureLayout.pending + state] = pending;
    view.setUint16(StructureLayout.region + 2 * state, region | (back << StructureBit.STRUCTURE_BACK_SHIFT), true);
  });
  for (let state = 1; state < steps.length; state++) {
    const at = StructureLayout.next + 2 * state * L7Limit.STRUCTURE_CLASSES;
    for (let cls = 1; cls < CLASSES; cls++) view.setUint16(at + 2 * cls, steps[state]?.[cls] ?? 0, true);
  }
  return table;
}
