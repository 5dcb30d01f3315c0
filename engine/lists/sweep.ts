// SPDX-License-Identifier: Apache-2.0
// Regular housekeeping. The kernel judges expiry itself: a late sweep only frees memory late.

import { schedule } from 'node-cron';

/** Runs `work` at every time that a cron pattern names (seconds first) until it is closed; failures go to `onError`. */
export function scheduleSweep(
  work: () => void,
  onError: (error: unknown) => void,
  pattern = '*/10 * * * * *',
): { close(): Promise<void> } {
  const task = schedule(
    pattern,
    () => {
      try {
        work();
      } catch (error) {
        onError(error);
      }
    },
    { noOverlap: true, suppressMissedWarning: true, unref: true },
  );
  return {
    close: async () => {
      await task.destroy();
    },
  };
}
