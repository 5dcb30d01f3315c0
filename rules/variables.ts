// SPDX-License-Identifier: Apache-2.0
// Names of what byte_extract and byte_math find, and what tests that use them look into.

import type { Buffer as BufferName } from './ast.js';
import { fail, failValue, type Draft } from './draft.js';
import type { Transforms } from './transforms/transform.js';

/** True if an earlier keyword of the rule finds the variable; else that is reported. */
export function knownVariable(draft: Draft, name: string): boolean {
  if (draft.variables.has(name)) return true;
  failValue(draft, `no keyword before it finds "${name}"`, 'write byte_extract or byte_math before it, or a number');
  return false;
}

/** Notes that the keyword being parsed finds a variable. */
export function newVariable(draft: Draft, name: string): boolean {
  if (!/^[A-Za-z][\w.-]*$/.test(name)) {
    failValue(draft, `"${name}" is not a name`, 'begin it with a letter');
    return false;
  }
  if (draft.variables.has(name)) {
    fail(draft, draft.valueAt, `"${name}" is found twice`, 'use another name');
    return false;
  }
  draft.variables.add(name);
  return true;
}

export interface Place {
  readonly buffer: BufferName | 'other';
  readonly group: number;
  readonly dotprefix: boolean;
  readonly transforms: Transforms | undefined;
}

/** What a test looks into: the sticky buffer; without one, where a relative test's predecessor looks. */
export function placeOf(draft: Draft, relative: boolean): Place {
  const { buffer, group, dotprefix, transforms } = draft;
  if (relative && buffer === 'payload') {
    const before = draft.parts.findLast((part) => 'buffer' in part && part.kind !== 'number' && part.kind !== 'absent');
    if (before && 'buffer' in before) {
      const { transforms: same } = before;
      return { buffer: before.buffer, group: before.group, dotprefix: before.dotprefix, transforms: same };
    }
  }
  return { buffer, group, dotprefix, transforms };
}
