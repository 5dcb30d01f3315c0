// SPDX-License-Identifier: Apache-2.0
// What client libraries do within bounds: a hung receiver ends in an error, and so does a shutdown.

import { TookTooLong } from './sink.js';

/**
 * The result of `run`, unless it takes longer than `ms` milliseconds or the signal aborts: then an error, and what `run` comes
 * to is nobody's any more.
 */
export function within<T>(run: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => settle(() => reject(new Error('given up')));
    const late = (): void => settle(() => reject(new TookTooLong(`timeout: no answer within ${ms / 1000} s`)));
    const timer = setTimeout(late, ms);
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      end();
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    run.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
  });
}
