// SPDX-License-Identifier: Apache-2.0
// Detections for the tests of alerts/.
import type { Detection, DetectionRule } from '../../../alerts/index.js';

export const rule: DetectionRule = {
  gid: 1,
  sid: 9000001,
  rev: 3,
  msg: 'IDS SCAN SYN and FIN set',
  category: 'Attempted Information Leak',
  classtype: 'attempted-recon',
  severity: 2,
  action: 'blocked',
  metadata: { created_at: ['2026_01_01'], tag: ['scan', 'stealth'] },
  references: ['url,example.org/syn-fin'],
};

/** A dropped SYN+FIN: 2026-01-02 03:04:05.678901 UTC. */
export const synFin: Detection = {
  kind: 'alert',
  timeUs: 1767323045678901,
  iface: 'eth1',
  src: '128.232.110.120',
  dst: '66.35.250.204',
  sport: 34855,
  dport: 80,
  proto: 'TCP',
  ipVersion: 4,
  packet: {
    frameLen: 54,
    len: 40,
    ttl: 57,
    tos: 8,
    ipId: 4711,
    payloadLen: 0,
    tcp: { seq: 4000000001, ack: 7, window: 1024, urgent: 5, flags: 3, reserved: 1 },
  },
  verdict: 'drop',
  would: false,
  reason: 'rule-drop',
  generation: 4,
  rule,
};

const { rule: _, ...bare } = synFin;

/** An IPv6 packet that the blocklist dropped. */
export const blocked6: Detection = {
  ...bare,
  kind: 'drop',
  src: '2001:db8::1',
  dst: '2001:db8::2',
  ipVersion: 6,
  reason: 'blocklist',
  origin: 'feed:bad',
};

export const request: Detection = {
  ...synFin,
  pcapCnt: 12,
  vlan: [100, 7],
  packet: { ...synFin.packet, tcp: { seq: 1, ack: 1, window: 502, urgent: 0, flags: 24 }, len: 212, payloadLen: 160 },
  verdict: 'pass',
  reason: 'clean',
  rule: { ...rule, sid: 9000301, action: 'allowed', references: [], metadata: {}, target: 'dest_ip' },
  http: {
    hostname: 'www.example.org',
    port: 8080,
    url: '/a?b=c',
    method: 'GET',
    protocol: 'HTTP/1.1',
    userAgent: 'sqlmap/1.7',
    referer: 'http://example.org/',
    headers: 'GET /a?b=c HTTP/1.1\r\nHost: www.example.org:8080\r\nCookie: *****\r\nnot a header\r\n\r\n',
  },
};

/** A detection that can be told from others by its number. */
export function numbered(n: number): Detection {
  return { ...synFin, timeUs: synFin.timeUs + n, count: n + 1 };
}

/** The number of a record that `numbered` made. */
export function numberOf(record: unknown): number {
  return (record as { ids: { count: number } }).ids.count - 1;
}
