// SPDX-License-Identifier: Apache-2.0
// Sends a marked alert to one output and looks what becomes of it.

import type { Dispatcher } from './dispatcher.js';
import { testRecord } from './test-record.js';

export interface TestResult {
  /** `pending`: it waits behind others, or for a receiver that is down. */
  readonly outcome: 'delivered' | 'refused' | 'pending';
  /** Milliseconds until that was known. */
  readonly ms: number;
  /** What the receiver said, where it did not take it. */
  readonly cause?: string;
}

const WAIT_MS = 15_000;
const LOOK_MS = 10;

/** @throws IdsError NOT_FOUND */
export async function testOutput(dispatcher: Dispatcher, name: string, waitMs = WAIT_MS): Promise<TestResult> {
  const output = dispatcher.output(name);
  const { outbox } = output;
  const before = output.status();
  const start = performance.now();
  dispatcher.pushTo(name, [testRecord(Date.now() * 1000)]);
  // Whoever asks has just put right what was wrong.
  output.hurry();
  const settled = (): number => outbox.account.delivered + outbox.account.expired + outbox.account.dropped;
  const goal = settled() + outbox.records;
  while (settled() < goal && performance.now() - start < waitMs) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const { lastError, dropped, expired, delivered } = output.status();
  const refused = dropped > before.dropped || expired > before.expired;
  const outcome = settled() < goal ? 'pending' : refused || delivered === before.delivered ? 'refused' : 'delivered';
  const cause = outcome === 'delivered' ? undefined : lastError?.message;
  return { outcome, ms: Math.round(performance.now() - start), ...(cause === undefined ? {} : { cause }) };
}
