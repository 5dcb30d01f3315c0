// SPDX-License-Identifier: Apache-2.0
// What metrics are taken from: the status that `ids status` shows, and a few figures beside it.

import type { FeedStatus } from '../api/bulk-api.js';
import type { Status } from '../api/api.js';
import type { ProgramRuns } from '../bpf/index.js';

export interface MetricsView {
  readonly status: Status;
  readonly feeds: readonly FeedStatus[];
  readonly programs: readonly ProgramRuns[];
  /** Whether the kernel counts the run time of programs. */
  readonly timed: boolean;
  /** Records that the reader has taken from each ring. */
  readonly ring: { readonly events: number; readonly bulk: number };
  /** How many interfaces the configuration names. */
  readonly interfaces: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A value and its labels. */
export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
  readonly samples: (view: MetricsView) => readonly Sample[];
}

/** Seconds since the epoch of an ISO 8601 time. */
export function seconds(time: string): number {
  return Date.parse(time) / 1000;
}

/** As label values are written: small letters and dashes. */
export function label(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
