// SPDX-License-Identifier: Apache-2.0
// Updates of rules on the control socket.

import type { RulesSummary } from './api.js';

export interface RulesUpdateRequest {
  /** Take what is there even if nothing has changed, or if it shrank. */
  readonly force: boolean;
  /** Go back to the generation before. */
  readonly rollback: boolean;
}

export interface RuleSourceStatus {
  readonly name: string;
  readonly state: 'fetched' | 'unchanged';
  /** As they came. */
  readonly bytes: number;
}

export interface KeptGeneration {
  readonly generation: number;
  readonly created: string;
  /** Rules that are not commented out, and what the filters have done. */
  readonly rules: number;
  readonly disabled: number;
  readonly enabled: number;
  readonly dropping: number;
  readonly modified: number;
}

export interface RulesUpdateResult {
  /** `stored`: a set that was loaded by hand is in force; the new rules come with "ids rules load" without paths. */
  readonly outcome: 'updated' | 'unchanged' | 'rolled-back' | 'stored';
  /** The one in use. */
  readonly generation: number;
  readonly summary?: RulesSummary;
  readonly sources: readonly RuleSourceStatus[];
  readonly kept: readonly KeptGeneration[];
}
