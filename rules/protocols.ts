// SPDX-License-Identifier: Apache-2.0
// Protocols that may stand in a rule header, and names of IP protocols.

import type { AppName, Condition } from './ast.js';
import { Field } from '../common/abi.gen.js';

export interface Protocol {
  /** IP protocol numbers; undefined = any. */
  readonly ipProtocols?: readonly number[];
  readonly ipVersion?: 4 | 6;
  readonly anyFrame?: true;
  readonly app?: AppName;
  /** See Rule.stream. */
  readonly stream?: 'only' | 'never';
  /** True if its packets have ports. */
  readonly ports?: true;
  /** Why rules of this protocol cannot be used. */
  readonly unsupported?: string;
}

const LATER = 'this application protocol is not parsed';

function later(names: string): [string, Protocol][] {
  return names.split(' ').map((name) => [name, { unsupported: LATER }]);
}

/** Every protocol that a Suricata 8 rule header may name. */
export const protocols: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ['ip', {}],
  ['any', {}],
  ['ip4', { ipVersion: 4 }],
  ['ipv4', { ipVersion: 4 }],
  ['ip6', { ipVersion: 6 }],
  ['ipv6', { ipVersion: 6 }],
  ['tcp', { ipProtocols: [6], ports: true }],
  ['tcp-pkt', { ipProtocols: [6], ports: true, stream: 'never' }],
  ['tcp-stream', { ipProtocols: [6], ports: true, stream: 'only' }],
  ['udp', { ipProtocols: [17], ports: true }],
  ['icmp', { ipProtocols: [1, 58] }],
  ['icmpv4', { ipProtocols: [1] }],
  ['icmpv6', { ipProtocols: [58] }],
  ['sctp', { ipProtocols: [132], ports: true }],
  ['pkthdr', { anyFrame: true }],
  ['http', { ipProtocols: [6], ports: true, app: 'http' }],
  ['http1', { ipProtocols: [6], ports: true, app: 'http' }],
  ['tls', { ipProtocols: [6], ports: true, app: 'tls' }],
  ['dns', { ipProtocols: [6, 17], ports: true, app: 'dns' }],
  ['arp', { unsupported: 'ARP frames are not judged by rules' }],
  ['ether', { unsupported: 'frames are not judged by Ethernet type' }],
  ...later('http2 doh2 mdns ssl ssh smtp imap pop3 ftp ftp-data smb dcerpc modbus enip dnp3 nfs ntp tftp ike'),
  ...later('ikev2 krb5 quic dhcp sip sdp rfb mqtt pgsql telnet websocket ldap rdp snmp bittorrent-dht msn jabber irc'),
  ...later('template pop nbss nbdgm llmnr radius socks failed'),
]);

// IANA protocol numbers by the short names of /etc/protocols.
const ipProtocolNames: Readonly<Record<string, number>> = {
  hopopt: 0,
  ip: 0,
  icmp: 1,
  igmp: 2,
  ggp: 3,
  ipv4: 4,
  ipencap: 4,
  st: 5,
  tcp: 6,
  cbt: 7,
  egp: 8,
  igp: 9,
  pup: 12,
  chaos: 16,
  udp: 17,
  mux: 18,
  dcn: 19,
  hmp: 20,
  prm: 21,
  'xns-idp': 22,
  rdp: 27,
  irtp: 28,
  'iso-tp4': 29,
  dccp: 33,
  '3pc': 34,
  idpr: 35,
  xtp: 36,
  ddp: 37,
  'idpr-cmtp': 38,
  ipv6: 41,
  sdrp: 42,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  idrp: 45,
  rsvp: 46,
  gre: 47,
  dsr: 48,
  bna: 49,
  esp: 50,
  'ipv6-crypt': 50,
  ah: 51,
  'ipv6-auth': 51,
  swipe: 53,
  narp: 54,
  mobile: 55,
  tlsp: 56,
  skip: 57,
  'ipv6-icmp': 58,
  icmpv6: 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  rspf: 73,
  vmtp: 81,
  eigrp: 88,
  ospf: 89,
  ospfigp: 89,
  'ax.25': 93,
  ipip: 94,
  etherip: 97,
  encap: 98,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  pgm: 113,
  l2tp: 115,
  isis: 124,
  crtp: 126,
  sctp: 132,
  fc: 133,
  'mobility-header': 135,
  udplite: 136,
  'mpls-in-ip': 137,
  manet: 138,
  hip: 139,
  shim6: 140,
  wesp: 141,
  rohc: 142,
};

/** Number of an IP protocol given by number or name; undefined if it is neither. */
export function ipProtocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined;
  const name = text.toLowerCase();
  return Object.hasOwn(ipProtocolNames, name) ? ipProtocolNames[name] : undefined;
}

/** Names that `ip_proto` knows. */
export const ipProtocolNameList: readonly string[] = Object.keys(ipProtocolNames);

/** The packet's IP version is `version`. */
export function versionCondition(version: 4 | 6): Condition {
  return { field: Field.IP_VERSION, negate: false, mask: 0xffff_ffff, lo: version, hi: version };
}
