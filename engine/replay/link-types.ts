// SPDX-License-Identifier: Apache-2.0
// Puts packets of other link types onto Ethernet, where what they carry is IP (link types: tcpdump.org/linktypes.html).

const ETHERTYPE_IP4 = 0x0800;
const ETHERTYPE_IP6 = 0x86dd;
const HEADER = 14;

/** Where the network header starts and what it is. */
interface Payload {
  readonly ethertype: number;
  readonly offset: number;
}

type Locator = (data: Uint8Array) => Payload | undefined;

const u16 = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);

function byVersion(data: Uint8Array, offset: number): Payload | undefined {
  const version = (data[offset] ?? 0) >> 4;
  if (version === 4) return { ethertype: ETHERTYPE_IP4, offset };
  return version === 6 ? { ethertype: ETHERTYPE_IP6, offset } : undefined;
}

/** PPP protocol numbers, RFC 1661 and RFC 5072; 2-byte or (compressed) 1-byte field. */
function pppProtocol(data: Uint8Array, at: number): Payload | undefined {
  const compressed = ((data[at] ?? 0) & 1) === 1;
  const protocol = compressed ? (data[at] ?? 0) : u16(data, at);
  const offset = at + (compressed ? 1 : 2);
  if (protocol === 0x0021) return { ethertype: ETHERTYPE_IP4, offset };
  return protocol === 0x0057 ? { ethertype: ETHERTYPE_IP6, offset } : undefined;
}

/** PPP with or without the HDLC address and control bytes, RFC 1662. */
const ppp: Locator = (data) => pppProtocol(data, data[0] === 0xff && data[1] === 0x03 ? 2 : 0);
const raw: Locator = (data) => byVersion(data, 0);
/** BSD loopback: a protocol family in either byte order; the IP version says it better. */
const loopback: Locator = (data) => byVersion(data, 4);

const locators: ReadonlyMap<number, Locator> = new Map<number, Locator>([
  [0, loopback],
  [9, ppp],
  [12, raw],
  [14, raw],
  [50, ppp],
  // PPP over Ethernet session, RFC 2516: version/type, code, session id, length, then PPP.
  [51, (data) => pppProtocol(data, 6)],
  [101, raw],
  // Cisco HDLC: address, control, then an EtherType.
  [104, (data) => ({ ethertype: u16(data, 2), offset: 4 })],
  [108, loopback],
  // Linux cooked capture, version 1 and 2.
  [113, (data) => ({ ethertype: u16(data, 14), offset: 16 })],
  [228, (data) => ({ ethertype: ETHERTYPE_IP4, offset: data.length === 0 ? -1 : 0 })],
  [229, (data) => ({ ethertype: ETHERTYPE_IP6, offset: data.length === 0 ? -1 : 0 })],
  [276, (data) => ({ ethertype: u16(data, 0), offset: 20 })],
]);

/**
 * The packet as an Ethernet frame: as it is for LINKTYPE_ETHERNET, with a made-up header (addresses 0) for others.
 * Returns undefined if the link type is not known or carries no network packet here.
 */
export function toEthernet(linkType: number, data: Uint8Array): Uint8Array | undefined {
  if (linkType === 1) return data;
  const payload = locators.get(linkType)?.(data);
  if (!payload || payload.offset < 0 || payload.offset > data.length || payload.ethertype < 0x600) return undefined;
  const frame = new Uint8Array(HEADER + data.length - payload.offset);
  frame[12] = payload.ethertype >> 8;
  frame[13] = payload.ethertype & 0xff;
  frame.set(data.subarray(payload.offset), HEADER);
  return frame;
}
