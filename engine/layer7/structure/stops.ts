// SPDX-License-Identifier: Apache-2.0
// Where the structure automaton may pass over bytes: the states within values and names that letters do not lead out of.

import { StructureBit, StructureKind } from '../../../common/abi.gen.js';
import { CLASSES, kindOf } from './byte-classes.js';

/** True if a step does more than to change the state. */
const tells = (step: number): boolean => (step & ~StructureBit.STRUCTURE_STATE) !== 0;

/** Classes from the one after 0 on, those of a kind first. */
const order = Array.from({ length: CLASSES - 1 }, (_, i) => i + 1).sort(
  (a, b) => Number(kindOf[a] === 0) - Number(kindOf[b] === 0) || a - b,
);

/** Whether bytes of a class may be passed over in the state of `row`, as all classes of `passed` are. */
function mayPass(steps: readonly Uint16Array[], row: Uint16Array, cls: number, passed: readonly number[]): boolean {
  const step = row[cls] ?? 0;
  const next = steps[step & StructureBit.STRUCTURE_STATE];
  return !tells(step) && passed.every((other) => next?.[other] === row[other]);
}

/**
 * Kinds of bytes that stop each state, see enum ids_structure_kind: what is left leads, without a word, to states from
 * which it all leads to the same again.
 */
export function stopsOf(steps: readonly Uint16Array[]): Uint8Array {
  return Uint8Array.from(steps, (row, state) => {
    if (state === 0) return 0;
    let stop = 0;
    for (;;) {
      const passed = order.filter((cls) => ((kindOf[cls] ?? 0) & stop) === 0);
      const stops = passed.find((cls) => !mayPass(steps, row, cls, passed));
      if (stops === undefined) return stop;
      // What is of no kind cannot be left out.
      if (kindOf[stops] === 0) return StructureKind.KIND_ANY;
      stop |= kindOf[stops] ?? 0;
    }
  });
}
