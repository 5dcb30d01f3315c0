// SPDX-License-Identifier: Apache-2.0
// What became of the records of one output.

/** raised = delivered + pending + suppressed + expired + dropped, at every moment. */
export interface Account {
  raised: number;
  delivered: number;
  /** Held back by the output's own rate limit, or told by a record that stands for many. */
  suppressed: number;
  /** Waited longer than the queue's `max_age`. */
  expired: number;
  /** No room, refused for good (a dead letter), or given up at the end. */
  dropped: number;
}

export function newAccount(): Account {
  return { raised: 0, delivered: 0, suppressed: 0, expired: 0, dropped: 0 };
}
