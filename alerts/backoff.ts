// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next try.

export interface RetryPolicy {
  /** First wait, milliseconds. */
  readonly initial: number;
  /** Longest wait, milliseconds; a receiver's Retry-After may ask for up to an hour. */
  readonly max: number;
}

/** The longest wait that a receiver can ask for: it must not be able to silence us for good. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/** Exponential with jitter (between half and all of it), so that many senders do not return together. */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(policy.max, policy.initial * 2 ** Math.min(attempt, 40));
  return Math.round(full * (0.5 + random() / 2));
}

/** Resolves after `ms`, or at once when the signal aborts or `wake` is called. */
export class Pause {
  #wake: (() => void) | undefined;

  wake(): void {
    this.#wake?.();
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}
