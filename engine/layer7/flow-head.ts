// SPDX-License-Identifier: Apache-2.0
// What every log line of a flow begins with, made once: its ids cost a digest, its addresses a formatting.

import { flowIds, flowIdsOf, protocolName } from '../../alerts/index.js';
import { EventFlag, EventLayout } from '../../common/abi.gen.js';
import { formatAddress } from '../../common/address.js';
import { eveTime } from '../../alerts/eve.js';
import { ascii, ByteWriter } from './byte-writer.js';

/** What stands in every line of a flow, with its ends as its client sees them. */
export interface FlowHead {
  /** `,"flow_id":1[,"in_iface":"eth0"]`, and behind `split` `[,"vlan":[1]],"src_ip":… ,"community_id":"…"` */
  readonly bytes: Uint8Array;
  readonly split: number;
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

const scratch = new ByteWriter(1024);
const part = (text: string): Uint8Array => ascii(`,"${text}":`);
const FLOW_ID = part('flow_id');
const IN_IFACE = part('in_iface');
const VLAN = part('vlan');
const SRC_IP = part('src_ip');
const SRC_PORT = part('src_port');
const DEST_IP = part('dest_ip');
const DEST_PORT = part('dest_port');
const PROTO = part('proto');
const IP_V = part('ip_v');
const PKT_SRC = ascii(',"pkt_src":"wire/pcap"');
const COMMUNITY_ID = part('community_id');
const QUOTE = 0x22;

function quoted(out: ByteWriter, name: Uint8Array, text: string): void {
  out.raw(name, 0, name.length);
  out.byte(QUOTE);
  out.ascii(text);
  out.byte(QUOTE);
}

function numbered(out: ByteWriter, name: Uint8Array, value: number): void {
  out.raw(name, 0, name.length);
  out.number(value);
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
  const out = scratch;
  out.at = 0;
  numbered(out, FLOW_ID, flowId);
  if (iface !== undefined) {
    out.raw(IN_IFACE, 0, IN_IFACE.length);
    out.byte(QUOTE);
    // The kernel takes almost anything for the name of an interface.
    if (/^[\w.:@-]*$/.test(iface)) out.ascii(iface);
    else out.string(iface);
    out.byte(QUOTE);
  }
  const split = out.at;
  if (vlan.length > 0) {
    out.raw(VLAN, 0, VLAN.length);
    out.ascii(`[${vlan.join()}]`);
  }
  quoted(out, SRC_IP, src);
  if (ports) numbered(out, SRC_PORT, sport);
  quoted(out, DEST_IP, dst);
  if (ports) numbered(out, DEST_PORT, dport);
  quoted(out, PROTO, protocolName(proto));
  numbered(out, IP_V, bytes[at + EventLayout.ipVersion] === 6 ? 6 : 4);
  out.raw(PKT_SRC, 0, PKT_SRC.length);
  if (communityId !== undefined) quoted(out, COMMUNITY_ID, communityId);
  return { bytes: out.bytes.slice(0, out.at), split };
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
  out.raw(head.bytes, 0, head.split);
  if (packet > 0) {
    out.raw(PCAP_CNT, 0, PCAP_CNT.length);
    out.number(packet);
  }
  out.raw(kind, 0, kind.length);
  out.raw(head.bytes, head.split, head.bytes.length);
}
