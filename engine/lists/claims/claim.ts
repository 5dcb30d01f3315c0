// SPDX-License-Identifier: Apache-2.0
// One origin's claim on a prefix, and what all claims on it come to.

import type { ListAction } from '../prefix-batch.js';

/** Times are wall clock milliseconds; Infinity = for ever. */
export interface Claim {
  /** `manual`, `rule:<sid>`, `feed:<name>`. */
  readonly origin: string;
  readonly reason: string;
  readonly created: number;
  readonly expires: number;
  readonly forced: boolean;
  readonly action: ListAction;
}

/** Bits of a claim in columns. */
export const ClaimFlag = { FORCED: 1, ALERT: 2 } as const;

export function flagsOf({ forced, action }: Pick<Claim, 'forced' | 'action'>): number {
  return (forced ? ClaimFlag.FORCED : 0) | (action === 'alert' ? ClaimFlag.ALERT : 0);
}

export function actionOf(flags: number): ListAction {
  return flags & ClaimFlag.ALERT ? 'alert' : 'drop';
}
