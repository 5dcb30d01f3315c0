// SPDX-License-Identifier: Apache-2.0
// The alert that `ids outputs test` sends: of addresses that are for documentation alone (RFC 5737), and marked as a test.

import type { Detection } from './model.js';

/** No rule has it. */
export const TEST_SID = 9_000_000;

export function testRecord(timeUs: number): Detection {
  return {
    kind: 'alert',
    timeUs,
    src: '192.0.2.1',
    dst: '198.51.100.1',
    sport: 40_000,
    dport: 80,
    proto: 'TCP',
    ipVersion: 4,
    packet: { frameLen: 0, len: 0, ttl: 0, tos: 0, ipId: 0, payloadLen: 0 },
    verdict: 'pass',
    would: false,
    reason: 'test',
    generation: 0,
    rule: {
      gid: 1,
      sid: TEST_SID,
      rev: 1,
      msg: 'IDS test alert: no packet is behind it',
      category: 'Not Suspicious Traffic',
      classtype: 'not-suspicious',
      severity: 3,
      action: 'allowed',
      metadata: { ids_test: ['true'] },
      references: [],
    },
  };
}
