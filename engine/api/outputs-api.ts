// SPDX-License-Identifier: Apache-2.0
// Outputs on the control socket.

import type { DeadLetter, OutputStatus, Replayed, TestResult } from '../../alerts/index.js';

export interface ReplayRequest {
  readonly name: string;
  /** Seconds back from now. */
  readonly since: number;
}

export interface DeadRequest {
  readonly name: string;
  readonly action: 'retry' | 'drop';
  /** Numbers of dead letters; all if absent. */
  readonly ids?: readonly number[];
}

export interface OutputsApi {
  /** One, or all. @throws IdsError NOT_FOUND */
  outputs(name?: string): Promise<readonly OutputStatus[]>;
  /** Sends a marked alert and waits a while for what becomes of it. @throws IdsError NOT_FOUND */
  testOutput(name: string): Promise<TestResult>;
  /** Delivers once more what was raised since then and is still kept. @throws IdsError NOT_FOUND */
  replayOutput(request: ReplayRequest): Promise<Replayed>;
  /** The oldest first. @throws IdsError NOT_FOUND */
  deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]>;
  /** @throws IdsError NOT_FOUND */
  settleDead(request: DeadRequest): Promise<{ readonly count: number }>;
}
