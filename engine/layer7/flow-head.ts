// SPDX-License-Identifier: Apache-2.0
// What every log line of a flow begins with, made once: its ids cost a digest, its addresses a formatting.

import { flowIds, flowIdsOf, protocolName } from '../../alerts/index.js';
import { EventFlag, EventLayout } from '../../common/abi.gen.js';
import { formatAddress } from '../../common/address.js';
import { eveTime } from '../../alerts/eve.js';
import { ascii, type ByteWriter } from './byte-writer.js';

/** The ends of a flow as its client sees them, and the two halves of a line's head. */
export interface FlowHead {
  /** `,"flow_id":1[,"in_iface":"eth0"]` */
  readonly ids: Uint8Array;
  /** `[,"vlan":[1]],"src_ip":… ,"community_id":"…"` */
  readonly ends: Uint8Array;
}

const TEXTS = 4096;
/** Texts of addresses that were seen lately: few servers, many flows. IPv4 alone: its key is a number. */
let texts = new Map<number, string>();

function addressText(view: DataView, bytes: Uint8Array, at: number): string {
  if (view.getUint32(at) !== 0 || view.getUint32(at + 4) !== 0 || view.getUint32(at + 8) !== 0xffff) {
    return formatAddress(bytes, at);
  }
  const key = view.getUint32(at + 12);
  let text = texts.get(key);
  if (text === undefined) {
    if (texts.size >= TEXTS) texts = new Map();
    texts.set(key, (text = formatAddress(bytes, at)));
  }
  return text;
}

const NONE: readonly number[] = [];

function vlanOf(view: DataView, bytes: Uint8Array, at: number): readonly number[] {
  const tags = bytes[at + EventLayout.vlans] as number;
  if (tags === 0) return NONE;
  const first = view.getUint16(at + EventLayout.vlan, true);
  return tags === 1 ? [first] : [first, view.getUint16(at + EventLayout.vlan + 2, true)];
}

/** The head of the flow of a record at `at`, whose packet goes to the server unless `toClient`. */
export function flowHead(view: DataView, bytes: Uint8Array, at: number, toClient: boolean, iface?: string): FlowHead {
  const proto = bytes[at + EventLayout.proto] as number;
  const ports = ((bytes[at + EventLayout.flags] as number) & EventFlag.EVENT_PORTS) !== 0;
  const client = at + (toClient ? EventLayout.daddr : EventLayout.saddr);
  const server = at + (toClient ? EventLayout.saddr : EventLayout.daddr);
  const sport = view.getUint16(at + (toClient ? EventLayout.dport : EventLayout.sport));
  const dport = view.getUint16(at + (toClient ? EventLayout.sport : EventLayout.dport));
  const vlan = vlanOf(view, bytes, at);
  const src = addressText(view, bytes, client);
  const dst = addressText(view, bytes, server);
  const { flowId, communityId } = ports
    ? flowIdsOf(bytes, client, server, sport, dport, proto, vlan)
    : flowIds({ src, dst, proto, vlan });
  const name = iface === undefined ? '' : `,"in_iface":${JSON.stringify(iface)}`;
  const tagged = vlan.length === 0 ? '' : `,"vlan":[${vlan.join()}]`;
  const near = ports ? `,"src_port":${sport}` : '';
  const far = ports ? `,"dest_port":${dport}` : '';
  const version = bytes[at + EventLayout.ipVersion] === 6 ? 6 : 4;
  const community = communityId === undefined ? '' : `,"community_id":"${communityId}"`;
  const ids = `,"flow_id":${flowId}${name}`;
  const text =
    `${ids}${tagged},"src_ip":"${src}"${near},"dest_ip":"${dst}"${far}` +
    `,"proto":"${protocolName(proto)}","ip_v":${version},"pkt_src":"wire/pcap"${community}`;
  const whole = ascii(text);
  return { ids: whole.subarray(0, ids.length), ends: whole.subarray(ids.length) };
}

const TIMESTAMP = ascii('{"timestamp":"');
const PCAP_CNT = ascii(',"pcap_cnt":');
const UTC = ascii('+0000"');
let second = NaN;
let secondBytes = new Uint8Array(0);

/** `{"timestamp":"…"` */
function timestamp(out: ByteWriter, timeUs: number): void {
  const seconds = Math.floor(timeUs / 1e6);
  if (seconds !== second) {
    second = seconds;
    secondBytes = Uint8Array.from([...TIMESTAMP, ...ascii(eveTime(seconds * 1e6).slice(0, 20))]);
  }
  out.raw(secondBytes, 0, secondBytes.length);
  out.sixDigits(timeUs - seconds * 1e6);
  out.raw(UTC, 0, 6);
}

/** A line up to where its own object begins. @param kind `,"event_type":"http"` @param packet 0 if it is not told */
export function beginLine(out: ByteWriter, head: FlowHead, kind: Uint8Array, timeUs: number, packet: number): void {
  timestamp(out, timeUs);
  out.raw(head.ids, 0, head.ids.length);
  if (packet > 0) {
    out.raw(PCAP_CNT, 0, PCAP_CNT.length);
    out.number(packet);
  }
  out.raw(kind, 0, kind.length);
  out.raw(head.ends, 0, head.ends.length);
}
