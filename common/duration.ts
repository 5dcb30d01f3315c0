// SPDX-License-Identifier: Apache-2.0
// Durations as operators write them.

import { IdsError } from './errors.js';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/**
 * Seconds of a text such as `90s`, `15m`, `1h30m`, `7d`, `2w` or a bare number of seconds.
 * @throws IdsError DURATION_INVALID for anything else, zero included.
 */
export function parseDuration(text: string): number {
  const parts = /^\d+$/.test(text) ? [[text, text, 's']] : [...text.matchAll(/(\d+)([smhdw])/g)];
  const whole = parts.map((part) => part[0]).join('') === text;
  const seconds = parts.reduce((sum, part) => sum + Number(part[1]) * (units[part[2] ?? 's'] ?? NaN), 0);
  if (!whole || !Number.isSafeInteger(seconds) || seconds <= 0) {
    throw new IdsError('DURATION_INVALID', `"${text}" is not a duration: write for example 90s, 15m, 1h30m or 7d`);
  }
  return seconds;
}

/** A short text for a number of seconds: `1h30m`, `45s`; `0s` for nothing. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  let text = '';
  for (const [unit, size] of Object.entries(units).reverse()) {
    if (unit === 'w') continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}
