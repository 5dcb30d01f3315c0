// SPDX-License-Identifier: Apache-2.0
// Which reasons drop.

import { Reason } from '../../common/abi.gen.js';
import { reasonName } from './names.js';

/** Reasons under which packets are dropped unless monitor mode is on. */
export const dropping: ReadonlySet<number> = new Set([
  Reason.BLOCKLIST,
  Reason.RULE_DROP,
  Reason.RULE_REJECT,
  Reason.RULE_RATE,
  Reason.FLOW_CUT,
  Reason.REJECT_LIMIT,
  Reason.FLOW_DROP,
  Reason.HELD,
  Reason.FRAGMENT,
]);

const names: ReadonlySet<string> = new Set([...dropping].map(reasonName));

/** The same by name. */
export function isDropping(reason: string): boolean {
  return names.has(reason);
}
