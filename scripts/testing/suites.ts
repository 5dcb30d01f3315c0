// SPDX-License-Identifier: Apache-2.0
// The three suites: what each needs and how its files may be run.

/** How the files of one folder of test/ are run. */
export interface Suite {
  /** Needs root and a kernel that takes BPF programs: a skip is a failure where CI=true. */
  privileged: boolean;
  /** Files at a time. */
  jobs: number;
  /** Beginnings of the names of files that run by themselves, after the others: they measure time or load, or need every CPU. */
  alone: readonly string[];
  /** Milliseconds for one file. */
  deadlineMs: number;
}

/** Suites by their folder in test/, in the order in which a failure is cheapest to find. */
export const suites: ReadonlyMap<string, Suite> = new Map([
  ['unit', { privileged: false, jobs: 2, alone: [], deadlineMs: 120_000 }],
  [
    'kernel',
    { privileged: true, jobs: 2, alone: ['concurrency', 'block-table-live', 'binding-live'], deadlineMs: 300_000 },
  ],
  [
    'live',
    {
      privileged: true,
      jobs: 2,
      alone: ['flood', 'legitimate', 'lifecycle', 'reload', 'replay-equals-live', 'response'],
      deadlineMs: 300_000,
    },
  ],
]);
