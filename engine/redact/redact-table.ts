// SPDX-License-Identifier: Apache-2.0
// Lays the redaction automaton out as the kernel's struct ids_redact.

import { Limit, RedactBit, RedactLayout } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import { buildAutomaton, State } from './automaton.js';

/**
 * The bytes of struct ids_redact for these header names (none: nothing is masked, the end of the section is still
 * found). State 0 and class 0 stay all zero, which the kernel reads as "not written": a table that is being replaced
 * by way of an all-zero one never unmasks a byte. Throws CONFIG_INVALID if the names do not fit.
 */
export function redactTable(names: readonly string[]): Uint8Array {
  const { byteClass, classes, steps } = buildAutomaton(names);
  if (steps.length > Limit.REDACT_STATES || classes > Limit.REDACT_CLASSES) {
    throw new IdsError(
      'CONFIG_INVALID',
      `redact: the header names need ${steps.length} states of ${Limit.REDACT_STATES} and ${classes} byte classes of ` +
        `${Limit.REDACT_CLASSES}; name fewer or shorter headers`,
      { details: { states: steps.length, classes } },
    );
  }
  const table = new Uint8Array(RedactLayout.SIZE);
  const view = new DataView(table.buffer);
  table.set(byteClass, RedactLayout.byteClass);
  for (let state = 1; state < steps.length; state++) {
    for (let cls = 1; cls < classes; cls++) {
      const step = steps[state]?.[cls];
      if (step === undefined) continue;
      const end = step.state === State.END ? RedactBit.REDACT_END : 0;
      const mask = step.masked ? RedactBit.REDACT_MASK : 0;
      view.setUint16(RedactLayout.next + 2 * (state * Limit.REDACT_CLASSES + cls), step.state | end | mask, true);
    }
  }
  return table;
}
