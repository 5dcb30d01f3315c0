// SPDX-License-Identifier: Apache-2.0
// What receivers want to know of a record beside its line: when, and who it is.

import { hash } from 'node:crypto';
import { detectionId } from '../detection-id.js';
import type { Sendable } from '../entry.js';

/** Log lines are EVE, and begin with their time. */
const TIMESTAMP = /^\{"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})\+0000"/;

/** Microseconds since the epoch. */
export function timeUsOf({ detection, line }: Sendable): number {
  if (detection) return Number.isFinite(detection.timeUs) ? Math.floor(detection.timeUs) : 0;
  const [, seconds, micros] = TIMESTAMP.exec(line) ?? [];
  return seconds === undefined ? Date.now() * 1000 : Date.parse(`${seconds}Z`) * 1000 + Number(micros);
}

/** The same whenever and wherever the record is delivered: 32 hexadecimal digits. */
export function recordId({ detection, line }: Sendable): string {
  return detection ? detectionId(detection) : hash('sha256', line, 'hex').slice(0, 32);
}

/** ISO 8601 with microseconds, in UTC. */
export function isoOf(timeUs: number): string {
  const second = Math.floor(timeUs / 1e6);
  const micros = String(timeUs - second * 1e6).padStart(6, '0');
  return `${new Date(second * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}
