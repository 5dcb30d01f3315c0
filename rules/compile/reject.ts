// SPDX-License-Identifier: Apache-2.0
import { Action } from '../../common/abi.gen.js';
import type { RejectSides, Rule } from '../ast.js';

/** Whom a reject of the rule answers, also one that a rate_filter makes of it. */
export function rejectSides(rule: Rule): RejectSides {
  if (rule.action === Action.REJECT || rule.threshold?.rate?.action !== Action.REJECT) return rule.reject;
  return { source: true, destination: false, ends: true };
}
