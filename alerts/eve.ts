// SPDX-License-Identifier: Apache-2.0
// EVE JSON: Suricata's alert and drop records, field for field in its order; what only we know stands under `ids`.

import { flowIds, type FlowIds } from './community-id.js';
import { detectionId } from './detection-id.js';
import { enrichmentObject } from './enrichment.js';
import { dropObject } from './eve-drop.js';
import { httpObject } from './eve-http.js';
import type { Detection, DetectionEngine, DetectionFlow, DetectionRule } from './model.js';
import { protocolNumber } from './protocols.js';
import { cleanText, escapeLine } from './text.js';

/** A record as JSON will show it: the order of its keys is the order of the fields. */
export type EveRecord = Record<string, unknown>;

/** Link type of packets that begin with their IP header. */
const DLT_RAW = 12;
const NONE: readonly number[] = [];
/** Seconds that were written lately: records tell their own time and that of their flow. */
const seconds = new Map<number, string>();
const MAX_SECONDS = 1024;

function secondText(time: number): string {
  let text = seconds.get(time);
  if (text === undefined) {
    if (seconds.size >= MAX_SECONDS) seconds.clear();
    seconds.set(time, (text = new Date(time * 1000).toISOString().slice(0, 19)));
  }
  return text;
}

/** Microseconds since the epoch as EVE writes them, in UTC: `2026-01-02T03:04:05.678901+0000`. */
export function eveTime(timeUs: number): string {
  const us = Number.isFinite(timeUs) ? Math.floor(timeUs) : 0;
  const second = Math.floor(us / 1e6);
  return `${secondText(second)}.${String(us - second * 1e6).padStart(6, '0')}+0000`;
}

/** Both ids of the flow; undefined for a frame without a readable IP header. */
export function idsOf(d: Detection): FlowIds | undefined {
  if (d.flowIds) return d.flowIds;
  const proto = protocolNumber(d.proto);
  if (d.src === '' || d.dst === '' || proto === undefined) return undefined;
  const icmp = d.icmpType !== undefined;
  const sport = icmp ? d.icmpType : d.sport;
  const dport = icmp ? d.icmpCode : d.dport;
  return flowIds({ src: d.src, dst: d.dst, proto, sport, dport, vlan: d.vlan ?? NONE });
}

/** What the flow was recognised as, as far as it is known. */
export function appOf(d: Detection): string | undefined {
  return d.appProto ?? (d.http ? 'http' : undefined);
}

function headOf(d: Detection): EveRecord {
  const out: EveRecord = {};
  const vlan = d.vlan ?? NONE;
  const ids = idsOf(d);
  out['timestamp'] = eveTime(d.timeUs);
  if (ids) out['flow_id'] = ids.flowId;
  if (d.iface !== undefined) out['in_iface'] = d.iface;
  if (d.pcapCnt !== undefined && d.pcapCnt > 0) out['pcap_cnt'] = d.pcapCnt;
  out['event_type'] = d.kind;
  if (vlan.length > 0) out['vlan'] = vlan;
  if (d.src !== '') out['src_ip'] = d.src;
  if (d.sport !== undefined) out['src_port'] = d.sport;
  if (d.dst !== '') out['dest_ip'] = d.dst;
  if (d.dport !== undefined) out['dest_port'] = d.dport;
  if (d.proto !== '') out['proto'] = d.proto;
  if (d.src !== '') out['ip_v'] = d.ipVersion;
  if (d.icmpType !== undefined) out['icmp_type'] = d.icmpType;
  if (d.icmpCode !== undefined) out['icmp_code'] = d.icmpCode;
  out['pkt_src'] = 'wire/pcap';
  if (ids?.communityId !== undefined) out['community_id'] = ids.communityId;
  return out;
}

function ends(d: Detection, target: 'src_ip' | 'dest_ip'): EveRecord {
  const src = { ip: d.src, ...(d.sport !== undefined && { port: d.sport }) };
  const dst = { ip: d.dst, ...(d.dport !== undefined && { port: d.dport }) };
  return target === 'dest_ip' ? { source: src, target: dst } : { source: dst, target: src };
}

function alertObject(d: Detection, rule: DetectionRule): EveRecord {
  const out: EveRecord = {
    // In monitor mode nothing is blocked, as in Suricata when it is not inline.
    action: d.would ? 'allowed' : rule.action,
    gid: rule.gid,
    signature_id: rule.sid,
    rev: rule.rev,
    signature: cleanText(rule.msg),
    category: rule.category,
    severity: rule.severity,
  };
  if (rule.target !== undefined && d.src !== '') Object.assign(out, ends(d, rule.target));
  if (rule.references.length > 0) out['references'] = rule.references;
  if (Object.keys(rule.metadata).length > 0) out['metadata'] = rule.metadata;
  if (d.context !== undefined) out['context'] = d.context;
  if (rule.text !== undefined) out['rule'] = cleanText(rule.text);
  return out;
}

/** Its ends as the client's side has them. */
function flowObject(d: Detection, { toServer, toClient, start }: DetectionFlow): EveRecord {
  const turned = d.direction === 'to_client';
  const [src, dst] = turned ? [d.dst, d.src] : [d.src, d.dst];
  const [sport, dport] = turned ? [d.dport, d.sport] : [d.sport, d.dport];
  return {
    pkts_toserver: toServer.packets,
    pkts_toclient: toClient.packets,
    bytes_toserver: toServer.bytes,
    bytes_toclient: toClient.bytes,
    start: eveTime(start),
    src_ip: src,
    dest_ip: dst,
    ...(sport === undefined ? {} : { src_port: sport }),
    ...(dport === undefined ? {} : { dest_port: dport }),
  };
}

const passing: ReadonlySet<string> = new Set(['rule-pass', 'allowlist']);
const rejectTargets = { src: 'to_client', dst: 'to_server', both: 'both' } as const;

function verdictObject(d: Detection): EveRecord {
  if (d.would || d.verdict === 'pass') return { action: passing.has(d.reason) ? 'pass' : 'alert' };
  if (d.verdict === 'drop') return { action: 'drop' };
  const answer = d.proto === 'TCP' ? 'tcp-reset' : 'icmp-prohib';
  return { action: 'drop', reject_target: rejectTargets[d.rejectTarget ?? 'src'], reject: [answer] };
}

const flagLetters = 'FSRPAUEC';

function flagText(flags: number): string {
  let text = '';
  for (let bit = 0; bit < 8; bit++) if (flags & (1 << bit)) text += flagLetters[bit] ?? '';
  return text;
}

function idsObject(d: Detection): EveRecord {
  const out: EveRecord = { id: detectionId(d), generation: d.generation, reason: d.reason };
  if (d.would) Object.assign(out, { would: true, verdict: d.verdict });
  if (d.rule?.classtype !== undefined) out['classtype'] = d.rule.classtype;
  if (d.origin !== undefined) out['origin'] = d.origin;
  if (d.count !== undefined && d.count > 0) out['count'] = d.count;
  if (d.suppressed) {
    const { matched, since, until } = d.suppressed;
    out['suppressed'] = { matched, since: eveTime(since), until: eveTime(until) };
  }
  if (d.repeats) {
    const { count, first, last } = d.repeats;
    out['repeats'] = { count, first: eveTime(first), last: eveTime(last) };
  }
  if (d.enrichment) out['enrichment'] = enrichmentObject(d.enrichment);
  if (d.kind === 'alert') {
    const { len, ttl, payloadLen, tcp } = d.packet;
    out['packet'] = tcp
      ? { len, ttl, payload: payloadLen, tcp_flags: flagText(tcp.flags), win: tcp.window }
      : { len, ttl, payload: payloadLen };
  }
  return out;
}

/** What the engine says about itself, in the shape of Suricata's own log as EVE. */
function toEngine(d: Detection, { level, module, message }: DetectionEngine): EveRecord {
  return {
    timestamp: eveTime(d.timeUs),
    log_level: level,
    event_type: 'engine',
    engine: { message: cleanText(message), module },
    ids: { id: detectionId(d), reason: d.reason, ...(d.origin === undefined ? {} : { origin: d.origin }) },
  };
}

/** What stands behind `alert` in a record of an alert. */
function tailOf(d: Detection): EveRecord {
  const out: EveRecord = {};
  if (d.http) out['http'] = httpObject(d.http);
  if (d.tls) out['tls'] = d.tls;
  if (d.dns) out['dns'] = d.dns;
  const app = appOf(d);
  if (app !== undefined) out['app_proto'] = app;
  const direction = d.direction ?? (d.http ? 'to_server' : undefined);
  if (direction !== undefined) out['direction'] = direction;
  if (d.flow) out['flow'] = flowObject(d, d.flow);
  if (d.packetBytes !== undefined) {
    out['packet'] = d.packetBytes;
    out['packet_info'] = { linktype: DLT_RAW, linktype_name: 'RAW' };
  }
  out['verdict'] = verdictObject(d);
  out['ids'] = idsObject(d);
  return out;
}

/** The EVE record of a detection, its keys in Suricata's order. */
export function toEve(d: Detection): EveRecord {
  if (d.engine) return toEngine(d, d.engine);
  const out = headOf(d);
  const alert = d.rule && alertObject(d, d.rule);
  if (d.kind === 'alert') return Object.assign(out, alert && { alert }, tailOf(d));
  out['drop'] = dropObject(d);
  out['verdict'] = verdictObject(d);
  if (alert) out['alert'] = alert;
  out['ids'] = idsObject(d);
  return out;
}

/** A record as one line of JSON, without the newline. */
export function jsonLine(record: EveRecord): string {
  return escapeLine(JSON.stringify(record));
}

/** What alerts say of their rule, where it is the same in all of them: in monitor mode, and otherwise. */
const rulesInWords = new WeakMap<DetectionRule, [would?: string, otherwise?: string]>();

function alertLine(d: Detection, rule: DetectionRule): string {
  if (rule.target !== undefined || d.context !== undefined) return jsonLine(alertObject(d, rule));
  const which = d.would ? 0 : 1;
  let words = rulesInWords.get(rule);
  if (!words) rulesInWords.set(rule, (words = []));
  return (words[which] ??= jsonLine(alertObject(d, rule)));
}

/** `toEve` as one line of JSON, without the newline. */
export function eveLine(d: Detection): string {
  if (d.kind !== 'alert' || d.engine || !d.rule) return jsonLine(toEve(d));
  return `${jsonLine(headOf(d)).slice(0, -1)},"alert":${alertLine(d, d.rule)},${jsonLine(tailOf(d)).slice(1)}`;
}
