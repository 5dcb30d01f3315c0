// SPDX-License-Identifier: Apache-2.0
// IP protocol numbers and the names that EVE records carry for them.

// IANA's keywords in the spelling of EVE, by number from 0; "-" where EVE's own name ("Any") would not tell which it is.
const names = (
  'HOPOPT ICMP IGMP GGP IP-in-IP ST TCP CBT EGP IGP BBN-RCC-MON NVP-II PUP ARGUS EMCON XNET CHAOS UDP MUX DCN-MEAS HMP ' +
  'PRM XNS-IDP TRUNK-1 TRUNK-2 LEAF-1 LEAF-2 RDP IRTP ISO-TP4 NETBLT MFE-NSP MERIT-INP DCCP 3PC IDPR XTP DDP IDPR-CMTP ' +
  'TP++ IL IPv6 SDRP IPv6-Route IPv6-Frag IDRP RSVP GRE DSR BNA ESP AH I-NLSP SwIPe NARP MOBILE TLSP SKIP IPv6-ICMP ' +
  'IPv6-NoNxt IPv6-Opts - CFTP - SAT-EXPAK KRYPTOLAN RVD IPPC - SAT-MON VISA IPCU CPNX CPHB WSN PVP BR-SAT-MON SUN-ND ' +
  'WB-MON WB-EXPAK ISO-IP VMTP SECURE-VMTP VINES TTP NSFNET-IGP DGP TCF EIGRP OSPF Sprite-RPC LARP MTP AX.25 OS MICP ' +
  'SCC-SP ETHERIP ENCAP - GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPComp SNP Compaq-Peer IPX-in-IP VRRP PGM - L2TP DDX ' +
  'IATP STP SRP UTI SMP SM PTP IS-IS FIRE CRTP CRUDP SSCOPMCE IPLT SPS PIPE SCTP FC RSVP-E2E-IGNORE Mobility UDPLite ' +
  'MPLS-in-IP manet HIP Shim6 WESP ROHC Ethernet'
).split(' ');

const numbers = new Map(names.map((name, number) => [name, number]));

/** The name of an IP protocol; the number as text where it has none. */
export function protocolName(number: number): string {
  const name = names[number];
  return name === undefined || name === '-' ? String(number) : name;
}

/** The number behind `protocolName()`'s text, or undefined if it is not one. */
export function protocolNumber(name: string): number | undefined {
  const number = numbers.get(name) ?? (/^\d{1,3}$/.test(name) ? Number(name) : undefined);
  return number !== undefined && number <= 255 && name !== '-' ? number : undefined;
}
