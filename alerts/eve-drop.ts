// SPDX-License-Identifier: Apache-2.0
// The `drop` object of EVE: header fields of the dropped packet in netfilter's manner, and why it was dropped.

import type { Detection, DetectionTcp } from './model.js';

// Reasons that Suricata has a word for; ours stand as they are.
const reasons: Readonly<Record<string, string>> = {
  'rule-drop': 'rules',
  'rule-reject': 'rules',
  'rule-rate': 'threshold detection_filter',
  'reject-limit': 'rules',
  'flow-cut': 'flow drop',
  'flow-drop': 'flow drop',
  malformed: 'decode error',
};

function tcpFields(tcp: DetectionTcp): Record<string, unknown> {
  const flag = (bit: number): boolean => (tcp.flags & bit) !== 0;
  return {
    tcpseq: tcp.seq,
    tcpack: tcp.ack,
    tcpwin: tcp.window,
    syn: flag(2),
    ack: flag(16),
    psh: flag(8),
    rst: flag(4),
    urg: flag(32),
    fin: flag(1),
    tcpres: tcp.reserved ?? 0,
    tcpurgp: tcp.urgent,
  };
}

export function dropObject(d: Detection): Record<string, unknown> {
  const { packet } = d;
  const out: Record<string, unknown> =
    d.ipVersion === 4
      ? { len: packet.len, tos: packet.tos, ttl: packet.ttl, ipid: packet.ipId }
      : { len: Math.max(0, packet.len - 40), tc: packet.tos, hoplimit: packet.ttl };
  if (packet.tcp) Object.assign(out, tcpFields(packet.tcp));
  if (d.proto === 'UDP' && d.sport !== undefined) out['udplen'] = packet.payloadLen + 8;
  if (packet.icmp) Object.assign(out, { icmp_id: packet.icmp.id, icmp_seq: packet.icmp.seq });
  out['reason'] = reasons[d.reason] ?? d.reason;
  return out;
}
