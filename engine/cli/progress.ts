// SPDX-License-Identifier: Apache-2.0
// A bar on a terminal for what takes longer than a blink; nothing where standard error is no terminal.

const WIDTH = 30;
/** Less than this is over before anybody reads it. */
const DELAY_MS = 150;
const STEP_MS = 50;

export interface Progress {
  /** @param share 0 to 1, or undefined while nobody knows */
  show(what: string, share?: number): void;
  /** Takes the bar off the screen. */
  end(): void;
}

export const silent: Progress = { show: () => undefined, end: () => undefined };

/** One line of the bar. */
export function bar(what: string, share: number | undefined): string {
  if (share === undefined) return `${what} …`;
  const full = Math.round(Math.min(1, Math.max(0, share)) * WIDTH);
  return `${what} [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.round(share * 100)} %`;
}

/** @param write to the terminal; undefined = there is none */
export function openProgress(write: ((text: string) => void) | undefined, now = () => performance.now()): Progress {
  if (!write) return silent;
  const started = now();
  let last = -Infinity;
  let shown = '';
  return {
    show: (what, share) => {
      const time = now();
      const text = bar(what, share);
      // A new step is told at once, since what follows may keep this thread busy.
      const fresh = !shown.startsWith(what);
      if (time - started < DELAY_MS || text === shown || (!fresh && time - last < STEP_MS)) return;
      last = time;
      shown = text;
      write(`\r\u001b[K${text}`);
    },
    end: () => {
      if (shown !== '') write('\r\u001b[K');
      shown = '';
    },
  };
}
