// SPDX-License-Identifier: Apache-2.0
// What a privileged test file needs, in one place: its condition, namespaces, other programs, waiting.
import { readFileSync } from 'node:fs';

export { connect, createNetns, inNetns, startInNetns, twoHosts } from './netns.js';
export type { Host, VethEnd } from './netns.js';
export { run, start } from './run.js';
export type { Background, RunOptions, RunResult } from './run.js';
export { undoAfter } from './undo.js';
export { until } from './until.js';

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

/** Why this process cannot load BPF programs and make network namespaces, or undefined when it can. */
export function whyUnprivileged(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, for BPF programs and network namespaces';
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const missing = [
    { bit: CAP_SYS_ADMIN, name: 'CAP_SYS_ADMIN' },
    { bit: CAP_NET_ADMIN, name: 'CAP_NET_ADMIN' },
  ].filter(({ bit }) => ((BigInt(`0x${effective}`) >> bit) & 1n) === 0n);
  if (missing.length === 0) return undefined;
  return `root here lacks ${missing.map(({ name }) => name).join(' and ')} (a container?)`;
}

/** True where a privileged test file can run; otherwise it skips the whole file with the reason: `if (privileged(t)) …`. */
export function privileged(t: { plan(count: number, comment?: string): void }): boolean {
  const reason = whyUnprivileged();
  if (reason !== undefined) t.plan(0, reason);
  return reason === undefined;
}
