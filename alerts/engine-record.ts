// SPDX-License-Identifier: Apache-2.0
// What the engine tells about itself: no packet is behind it, but it goes the way of all alerts.

import type { Detection, DetectionEngine } from './model.js';

export interface EngineNotice extends DetectionEngine {
  /** What happened, in kebab-case and for programs: `feed-shrank` … */
  readonly reason: string;
  /** Whose entries it is about: `feed:NAME`. */
  readonly origin?: string;
  /** Microseconds since the epoch. */
  readonly timeUs: number;
}

/** A record without a packet: its addresses are empty. */
export function engineRecord({ reason, origin, timeUs, ...engine }: EngineNotice): Detection {
  return {
    kind: 'engine',
    timeUs,
    src: '',
    dst: '',
    proto: '',
    ipVersion: 4,
    packet: { frameLen: 0, len: 0, ttl: 0, tos: 0, ipId: 0, payloadLen: 0 },
    verdict: 'pass',
    would: false,
    reason,
    generation: 0,
    engine,
    ...(origin === undefined ? {} : { origin }),
  };
}
