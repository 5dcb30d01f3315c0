// SPDX-License-Identifier: Apache-2.0
// Undoes what a test changed on the machine, also when it fails, is interrupted or crashes. The work is synchronous,
// as nothing else still runs when a process exits.

const undos = new Set<() => void>();
let watching = false;

/** What can run something at a test's end, such as tap's `t`. */
export interface Teardown {
  teardown(fn: () => void | Promise<void>): unknown;
}

/** Runs `undo` once: at the end of the test, or when the process exits or is told to end, whichever is first. */
export function undoAfter(t: Teardown, undo: () => void): void {
  watch();
  undos.add(undo);
  t.teardown(() => settle(undo));
}

function settle(undo: () => void): void {
  if (undos.delete(undo)) undo();
}

function settleAll(): void {
  for (const undo of [...undos].reverse()) {
    try {
      settle(undo);
    } catch (error) {
      console.error('cleaning up failed:', error);
    }
  }
}

function watch(): void {
  if (watching) return;
  watching = true;
  process.on('exit', settleAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      settleAll();
      // The handler is gone by now: the signal does what it would have done.
      process.kill(process.pid, signal);
    });
  }
}
