// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { detectionId } from '../detection-id.js';
import type { Sendable } from '../entry.js';

/** The same for the same record, however often it is delivered: 128 bits in hexadecimal. */
export function recordId({ detection, line }: Sendable): string {
  return detection ? detectionId(detection) : hash('sha256', line, 'hex').slice(0, 32);
}
