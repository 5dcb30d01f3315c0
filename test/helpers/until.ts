// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/** How long `until` waits, and what it says when that was not enough. */
export interface UntilOptions {
  /** Milliseconds until it gives up; 10 s unless told. */
  deadline?: number;
  /** Milliseconds between two looks; 20 unless told. */
  interval?: number;
  /** What was waited for, for the error; a function is asked at the end and can say what was found instead. */
  message?: string | (() => string);
}

type Falsy = false | 0 | '' | null | undefined;

/**
 * Looks again and again until `condition` gives something truthy, and returns that; a condition that throws counts as
 * not yet, and its last error is the cause of the error at the deadline.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Exclude<T, Falsy>> {
  const { deadline = 10_000, interval = 20, message = 'the condition' } = options;
  const end = performance.now() + deadline;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, Falsy>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) {
      const what = typeof message === 'string' ? message : message();
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`waited ${deadline} ms in vain for ${what}${why}`, { cause });
    }
    await sleep(interval);
  }
}
