// SPDX-License-Identifier: Apache-2.0
// The three suites: what each needs and how its files may be run.

/** How the files of one folder of test/ are run. */
export interface Suite {
  /** Needs root and a kernel that takes BPF programs: a skip is a failure where CI=true. */
  privileged: boolean;
  /** Files at a time: more than there are CPUs where files wait for most of their time. */
  jobs: number;
  /** Beginnings of the names of files that take longest: they start first, so that none is left over at the end. */
  first: readonly string[];
  /** Beginnings of the names of files that run by themselves, after the others: they measure time or load, or need every CPU. */
  alone: readonly string[];
  /** Milliseconds for one file. */
  deadlineMs: number;
}

/** Milliseconds that one case of a test which tries as many as IDS_FUZZ says may take. */
const CASE_MS = 20;

/** Milliseconds for one file of a suite: more where IDS_FUZZ asks for more than the usual number of cases. */
export function deadlineOf(suite: Suite, cases = Number(process.env['IDS_FUZZ'] ?? 0)): number {
  return Math.max(suite.deadlineMs, Number.isFinite(cases) ? cases * CASE_MS : 0);
}

/** Suites by their folder in test/, in the order in which a failure is cheapest to find. */
export const suites: ReadonlyMap<string, Suite> = new Map([
  [
    'unit',
    {
      privileged: false,
      jobs: 3,
      first: ['stop.', 'process.', 'confirmations', 'etopen', 'blocklist-property', 'bulk', 'feeds.', 'shorten'],
      alone: [],
      deadlineMs: 120_000,
    },
  ],
  [
    'kernel',
    {
      privileged: true,
      jobs: 3,
      first: ['blocklist-', 'block-table.', 'replay', 'binding-links', 'address-rules', 'reject', 'classifier-default'],
      alone: ['concurrency', 'block-table-live'],
      deadlineMs: 300_000,
    },
  ],
  [
    'live',
    {
      privileged: true,
      jobs: 4,
      first: ['egress', 'cli', 'response', 'audit', 'interfaces', 'rules-update', 'metrics', 'secrets', 'list-trouble'],
      alone: ['flood', 'legitimate', 'replay-equals-live'],
      deadlineMs: 300_000,
    },
  ],
]);
