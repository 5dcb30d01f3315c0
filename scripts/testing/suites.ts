// SPDX-License-Identifier: Apache-2.0
// The three suites: what each needs and how its files may be run.

/** How the files of one folder of test/ are run. */
export interface Suite {
  /** Needs root and a kernel that takes BPF programs: a skip is a failure where CI=true. */
  privileged: boolean;
  /** Files at a time. */
  jobs: number;
  /** Milliseconds for one file. */
  deadlineMs: number;
}

/** Suites by their folder in test/, in the order in which a failure is cheapest to find. */
export const suites: ReadonlyMap<string, Suite> = new Map([
  ['unit', { privileged: false, jobs: 2, deadlineMs: 120_000 }],
  // The privileged suites measure time and load, and share one kernel: one file at a time.
  ['kernel', { privileged: true, jobs: 1, deadlineMs: 300_000 }],
  ['live', { privileged: true, jobs: 1, deadlineMs: 300_000 }],
]);
