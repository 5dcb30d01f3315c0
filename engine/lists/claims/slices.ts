// SPDX-License-Identifier: Apache-2.0
// Long work in slices: a generator yields wherever it may pause, and a driver decides how long it runs at a time.

import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';

/** Work that may pause at each `yield`. What it has done so far must be right at every pause. */
export type Work<T> = Generator<undefined, T, undefined>;

/** Entries between two chances to pause. */
export const SLICE = 8192;

/** The main thread serves alerts and the API as well: it is not held for longer than this at a time. */
const HOLD_MS = 8;

/** Work, and other work after it. */
export function* chain(first: Work<unknown>, second: Work<unknown>): Work<void> {
  yield* first;
  yield* second;
}

/** Runs work to its end without a pause. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/**
 * Runs work with pauses in which everything else has its turn.
 * @param restMs how long each pause lasts at least: work in the background leaves the processor to others
 */
export async function inSlices<T>(work: Work<T>, restMs = 0): Promise<T> {
  for (;;) {
    const start = performance.now();
    while (performance.now() - start < HOLD_MS) {
      const step = work.next();
      if (step.done) return step.value;
    }
    if (restMs > 0) await pause(restMs, undefined, { ref: false });
    else await turn();
  }
}
