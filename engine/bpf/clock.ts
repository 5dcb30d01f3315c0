// SPDX-License-Identifier: Apache-2.0
// The clock of the engine: the kernel's boot clock, which the programs read too.

import { check } from './check.js';
import { libc } from './native.js';

const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

const time = new Float64Array(2);
const parts = new Uint32Array(time.buffer);

function read(clock: number): number {
  check(libc().clock(clock, time), 'read the clock');
  const seconds = (parts[0] ?? 0) + (parts[1] ?? 0) * 2 ** 32;
  return seconds * 1e9 + (parts[2] ?? 0);
}

/** Nanoseconds since boot, suspended time included (CLOCK_BOOTTIME). */
export function now(): number {
  return read(CLOCK_BOOTTIME);
}

/** Nanoseconds to add to `now()` for nanoseconds since 1970; changes when the wall clock is set. */
export function wallOffset(): number {
  const before = read(CLOCK_BOOTTIME);
  const wall = read(CLOCK_REALTIME);
  // The middle of two readings: what the calls themselves take does not count.
  return wall - (before + read(CLOCK_BOOTTIME)) / 2;
}
