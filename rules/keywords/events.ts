// SPDX-License-Identifier: Apache-2.0
// Names of decode events and the header reasons that stand behind them.

import { Field, FlowBit, FlowState, L7Flag, Reason, StreamBit } from '../../common/abi.gen.js';
import type { Condition } from '../ast.js';

/** Events that are raised, by Suricata's name without `decoder.`, with the reasons that raise each. */
const raised: Readonly<Record<string, readonly number[]>> = {
  'ethernet.pkt_too_small': [Reason.DECODE_ETH_SHORT],
  'vlan.header_too_small': [Reason.DECODE_VLAN_SHORT],
  'vlan.too_many_layers': [Reason.DECODE_VLAN_DEPTH],
  'ipv4.pkt_too_small': [Reason.DECODE_IP4_SHORT],
  'ipv4.wrong_ip_version': [Reason.DECODE_IP4_VERSION],
  'ipv4.hlen_too_small': [Reason.DECODE_IP4_IHL],
  'ipv4.iplen_smaller_than_hlen': [Reason.DECODE_IP4_LENGTH],
  'ipv4.trunc_pkt': [Reason.DECODE_IP4_TRUNCATED],
  'ipv4.opt_invalid': [Reason.DECODE_IP4_OPT],
  'ipv4.opt_invalid_len': [Reason.DECODE_IP4_OPT_LEN],
  'ipv4.opt_malformed': [Reason.DECODE_IP4_OPT_MALFORMED],
  'ipv4.opt_duplicate': [Reason.DECODE_IP4_OPT_DUP],
  'ipv4.opt_eol_required': [Reason.DECODE_IP4_OPT_EOL],
  'ipv4.opt_pad_required': [Reason.DECODE_IP4_OPT_PAD],
  'ipv4.opt_unknown': [Reason.DECODE_IP4_OPT_UNKNOWN],
  'ipv4.frag_pkt_too_large': [Reason.DECODE_IP4_FRAG_BIG],
  'ipv4.frag_overlap': [Reason.DECODE_IP4_FRAG_OVERLAP],
  // An extension: the reference has no name for a first fragment that does not hold the transport header (RFC 7112).
  'ip.frag_tiny': [Reason.DECODE_IP4_FRAG_TINY, Reason.DECODE_IP6_FRAG_TINY],
  'ipv4.icmpv6': [Reason.DECODE_IP4_ICMP6],
  'ipv6.pkt_too_small': [Reason.DECODE_IP6_SHORT],
  'ipv6.wrong_ip_version': [Reason.DECODE_IP6_VERSION],
  'ipv6.trunc_pkt': [Reason.DECODE_IP6_TRUNCATED],
  'ipv6.trunc_exthdr': [Reason.DECODE_IP6_EXT_SHORT],
  'ipv6.exthdr_dupl_fh': [Reason.DECODE_IP6_DUP_FH],
  'ipv6.exthdr_dupl_rh': [Reason.DECODE_IP6_DUP_RH],
  'ipv6.exthdr_dupl_hh': [Reason.DECODE_IP6_DUP_HH],
  'ipv6.exthdr_dupl_dh': [Reason.DECODE_IP6_DUP_DH],
  'ipv6.exthdr_dupl_ah': [Reason.DECODE_IP6_DUP_AH],
  'ipv6.rh_type_0': [Reason.DECODE_IP6_RH0],
  'ipv6.exthdr_useless_fh': [Reason.DECODE_IP6_USELESS_FH],
  'ipv6.exthdr_invalid_optlen': [Reason.DECODE_IP6_OPT_LEN],
  'ipv6.exthdr_ah_res_not_null': [Reason.DECODE_IP6_AH_RES],
  'ipv6.fh_non_zero_reserved_field': [Reason.DECODE_IP6_FH_RES],
  'ipv6.data_after_none_header': [Reason.DECODE_IP6_NONE_DATA],
  'ipv6.frag_pkt_too_large': [Reason.DECODE_IP6_FRAG_BIG],
  'ipv6.frag_overlap': [Reason.DECODE_IP6_FRAG_OVERLAP],
  'ipv6.icmpv4': [Reason.DECODE_IP6_ICMP4],
  'tcp.pkt_too_small': [Reason.DECODE_TCP_SHORT],
  // A data offset below 5 underflows to an option length beyond 40 in Suricata's decoder, hence the event's name.
  'tcp.hlen_too_small': [Reason.DECODE_TCP_DOFF_LONG],
  'tcp.invalid_optlen': [Reason.DECODE_TCP_DOFF, Reason.DECODE_TCP_OPT],
  'tcp.opt_invalid_len': [Reason.DECODE_TCP_OPT_LEN],
  'tcp.opt_duplicate': [Reason.DECODE_TCP_OPT_DUP],
  'udp.hlen_too_small': [Reason.DECODE_UDP_SHORT],
  'udp.pkt_too_small': [Reason.DECODE_UDP_TRUNCATED],
  'udp.len_invalid': [Reason.DECODE_UDP_LENGTH],
  'icmpv4.pkt_too_small': [Reason.DECODE_ICMP4_SHORT],
  'icmpv4.unknown_type': [Reason.DECODE_ICMP4_TYPE],
  'icmpv4.unknown_code': [Reason.DECODE_ICMP4_CODE],
  'icmpv6.pkt_too_small': [Reason.DECODE_ICMP6_SHORT],
  'icmpv6.unknown_type': [Reason.DECODE_ICMP6_TYPE],
  'icmpv6.unknown_code': [Reason.DECODE_ICMP6_CODE],
  'icmpv6.unassigned_type': [Reason.DECODE_ICMP6_UNASSIGNED],
  'icmpv6.experimentation_type': [Reason.DECODE_ICMP6_EXPERIMENT],
  'gre.pkt_too_small': [Reason.DECODE_GRE_SHORT],
  'gre.wrong_version': [Reason.DECODE_GRE_VERSION],
  'gre.version0_recur': [Reason.DECODE_GRE0_RECUR],
  'gre.version0_flags': [Reason.DECODE_GRE0_FLAGS],
  'gre.version0_hdr_too_big': [Reason.DECODE_GRE0_LONG],
  'gre.version0_malformed_sre_hdr': [Reason.DECODE_GRE0_SRE],
  'gre.version1_chksum': [Reason.DECODE_GRE1_CHECKSUM],
  'gre.version1_route': [Reason.DECODE_GRE1_ROUTE],
  'gre.version1_ssr': [Reason.DECODE_GRE1_SSR],
  'gre.version1_recur': [Reason.DECODE_GRE1_RECUR],
  'gre.version1_flags': [Reason.DECODE_GRE1_FLAGS],
  'gre.version1_no_key': [Reason.DECODE_GRE1_NO_KEY],
  'gre.version1_wrong_protocol': [Reason.DECODE_GRE1_PROTOCOL],
  'gre.version1_hdr_too_big': [Reason.DECODE_GRE1_LONG],
  'erspan.header_too_small': [Reason.DECODE_ERSPAN_SHORT],
  'erspan.unsupported_version': [Reason.DECODE_ERSPAN_VERSION],
  'erspan.too_many_vlan_layers': [Reason.DECODE_ERSPAN_VLANS],
  'vxlan.unknown_payload_type': [Reason.DECODE_VXLAN_PAYLOAD],
  'geneve.unknown_payload_type': [Reason.DECODE_GENEVE_PAYLOAD],
  'nsh.header_too_small': [Reason.DECODE_NSH_SHORT],
  'nsh.unsupported_version': [Reason.DECODE_NSH_VERSION],
  'nsh.bad_header_length': [Reason.DECODE_NSH_LENGTH],
  'nsh.reserved_type': [Reason.DECODE_NSH_RESERVED],
  'nsh.unsupported_type': [Reason.DECODE_NSH_TYPE],
  'nsh.unknown_payload': [Reason.DECODE_NSH_PAYLOAD],
  'ipv6.ipv4_in_ipv6_too_small': [Reason.DECODE_IP6_IN4_SHORT],
  'ipv6.ipv4_in_ipv6_wrong_version': [Reason.DECODE_IP6_IN4_VERSION],
  'ipv6.ipv6_in_ipv6_too_small': [Reason.DECODE_IP6_IN6_SHORT],
  'ipv6.ipv6_in_ipv6_wrong_version': [Reason.DECODE_IP6_IN6_VERSION],
};

function names(prefix: string, list: string): string[] {
  return list.split(' ').map((name) => `${prefix}${name}`);
}

/** Every decode event that Suricata 8 knows, without `decoder.`. */
export const eventNames: ReadonlySet<string> = new Set([
  ...Object.keys(raised),
  'too_many_layers',
  ...names('afpacket.', 'trunc_pkt'),
  ...names('ipv4.', 'frag_ignored'),
  ...names('icmpv4.', 'ipv4_trunc_pkt ipv4_unknown_ver'),
  ...names('icmpv6.', 'ipv6_unknown_version ipv6_trunc_pkt mld_message_with_invalid_hl'),
  ...names('ipv6.', 'exthdr_dupl_eh hopopts_unknown_opt hopopts_only_padding dstopts_unknown_opt dstopts_only_padding'),
  ...names('ipv6.', 'zero_len_padn unknown_next_header frag_invalid_length frag_ignored'),
  ...names(
    'ipv6.',
    'ipv4_in_ipv6_too_small ipv4_in_ipv6_wrong_version ipv6_in_ipv6_too_small ipv6_in_ipv6_wrong_version',
  ),
  ...names('udp.', 'hlen_invalid'),
  ...names('sll.', 'pkt_too_small'),
  ...names('sll2.', 'pkt_too_small'),
  ...names('ethernet.', 'unknown_ethertype'),
  ...names('ppp.', 'pkt_too_small vju_pkt_too_small ip4_pkt_too_small ip6_pkt_too_small wrong_type unsup_proto'),
  ...names('pppoe.', 'pkt_too_small wrong_code malformed_tags'),
  ...names('gre.', 'pkt_too_small wrong_version version0_recur version0_flags version0_hdr_too_big'),
  ...names(
    'gre.',
    'version0_malformed_sre_hdr version1_chksum version1_route version1_ssr version1_recur version1_flags',
  ),
  ...names('gre.', 'version1_no_key version1_wrong_protocol version1_malformed_sre_hdr version1_hdr_too_big'),
  ...names('vlan.', 'unknown_type'),
  ...names('ieee8021ah.', 'header_too_small'),
  ...names('vntag.', 'header_too_small unknown_type'),
  ...names('ipraw.', 'invalid_ip_version'),
  ...names('ltnull.', 'pkt_too_small unsupported_type'),
  ...names('sctp.', 'pkt_too_small'),
  ...names('esp.', 'pkt_too_small'),
  ...names('mpls.', 'header_too_small pkt_too_small bad_label_router_alert bad_label_implicit_null bad_label_reserved'),
  ...names('mpls.', 'unknown_payload_type'),
  ...names('vxlan.', 'unknown_payload_type'),
  ...names('geneve.', 'unknown_payload_type'),
  ...names('erspan.', 'header_too_small unsupported_version too_many_vlan_layers'),
  ...names('dce.', 'pkt_too_small'),
  ...names('chdlc.', 'pkt_too_small'),
  ...names(
    'nsh.',
    'header_too_small unsupported_version bad_header_length reserved_type unsupported_type unknown_payload',
  ),
  ...names('arp.', 'pkt_too_small unsupported_hardware unsupported_protocol invalid_pkt invalid_hardware_size'),
  ...names('arp.', 'invalid_protocol_size unsupported_opcode'),
]);

const STREAM =
  '3whs_ack_in_wrong_dir 3whs_async_wrong_seq 3whs_right_seq_wrong_ack_evasion 3whs_synack_in_wrong_direction ' +
  '3whs_synack_resend_with_diff_ack 3whs_synack_resend_with_diff_seq 3whs_synack_toserver_on_syn_recv ' +
  '3whs_synack_with_wrong_ack 3whs_synack_flood 3whs_synack_tfo_data_ignored 3whs_syn_resend_diff_seq_on_syn_recv ' +
  '3whs_syn_toclient_on_syn_recv 3whs_syn_flood 3whs_wrong_seq_wrong_ack 3whs_ack_data_inject ' +
  '4whs_synack_with_wrong_ack 4whs_synack_with_wrong_syn 4whs_wrong_seq 4whs_invalid_ack closewait_ack_out_of_window ' +
  'closewait_fin_out_of_window closewait_pkt_before_last_ack closewait_invalid_ack closing_ack_wrong_seq ' +
  'closing_invalid_ack est_packet_out_of_window est_pkt_before_last_ack est_synack_resend ' +
  'est_synack_resend_with_diff_ack est_synack_resend_with_diff_seq est_synack_toserver est_syn_resend ' +
  'est_syn_resend_diff_seq est_syn_toclient est_invalid_ack est_ack_zwp_data fin_invalid_ack fin1_ack_wrong_seq ' +
  'fin1_fin_wrong_seq fin1_invalid_ack fin2_ack_wrong_seq fin2_fin_wrong_seq fin2_invalid_ack fin_but_no_session ' +
  'fin_out_of_window fin_syn lastack_ack_wrong_seq lastack_invalid_ack rst_but_no_session timewait_ack_wrong_seq ' +
  'timewait_invalid_ack shutdown_syn_resend pkt_invalid_timestamp pkt_invalid_ack pkt_broken_ack rst_invalid_ack ' +
  'rst_with_data pkt_retransmission pkt_spurious_retransmission pkt_bad_window_update suspected_rst_inject ' +
  'wrong_thread reassembly_segment_before_base_seq reassembly_no_segment reassembly_seq_gap ' +
  'reassembly_overlap_different_data reassembly_depth_reached reassembly_insert_memcap reassembly_insert_limit ' +
  'reassembly_insert_invalid reassembly_urgent_oob_limit_reached';

/** Every stream event that Suricata 8 knows, without `stream.`. */
export const streamEventNames: ReadonlySet<string> = new Set(STREAM.split(' '));

/** Bits 0 to 31 lie in the first field, 32 to 63 in the second, and so on; one event never spans two. */
function conditionsOf(reasons: readonly number[]): readonly Condition[] {
  const bits = reasons.map((reason) => reason - Reason.DECODE);
  const field = [Field.DECODE0, Field.DECODE1, Field.DECODE2][(bits[0] ?? 0) >> 5] ?? Field.DECODE0;
  const mask = bits.reduce((sum, bit) => (sum | (1 << (bit & 31))) >>> 0, 0);
  return [{ field, negate: false, mask, lo: 1, hi: 0xffff_ffff }];
}

/** The conditions of each event that is raised, by its name without `decoder.`. */
export const eventConditions: ReadonlyMap<string, readonly Condition[]> = new Map(
  Object.entries(raised).map(([name, reasons]) => [name, conditionsOf(reasons)]),
);

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16] as const;
/** Flags that tell what a segment is for. */
const KIND = FIN | SYN | RST | ACK;
const FULL = 0xffff_ffff;

const all = (field: Field, mask: number, value: number): Condition => ({
  field,
  negate: false,
  mask,
  lo: value,
  hi: value,
});
const flags = (mask: number, value: number): Condition => all(Field.TCP_FLAGS, mask, value);
const has = (bit: StreamBit): Condition => all(Field.STREAM, bit, bit);
const lacks = (bit: StreamBit): Condition => all(Field.STREAM, bit, 0);
const states = (lo: FlowState, hi: FlowState = lo): Condition => ({
  ...{ field: Field.STREAM, negate: false, mask: StreamBit.STREAM_STATE },
  ...{ lo, hi },
});
const { FLOW_FREE, FLOW_NEW, FLOW_ANSWERED, FLOW_ESTABLISHED, FLOW_CLOSING, FLOW_CLOSED } = FlowState;
const toServer = all(Field.FLOW, FlowBit.FLOWBIT_TO_SERVER, FlowBit.FLOWBIT_TO_SERVER);
const toClient = all(Field.FLOW, FlowBit.FLOWBIT_TO_CLIENT, FlowBit.FLOWBIT_TO_CLIENT);
const some = (field: Field): Condition => ({ field, negate: false, mask: FULL, lo: 1, hi: FULL });
const syn = flags(KIND, SYN);
const answer = flags(KIND, SYN | ACK);
const otherAck = [lacks(StreamBit.STREAM_ACK)];
const otherSeq = [has(StreamBit.STREAM_ACK), lacks(StreamBit.STREAM_SEQ)];

/** The conditions of each stream event that is raised, by its name without `stream.`. */
export const streamConditions: ReadonlyMap<string, readonly Condition[]> = new Map(
  Object.entries({
    fin_syn: [flags(FIN | SYN | RST, FIN | SYN), states(FLOW_ESTABLISHED)],
    pkt_broken_ack: [flags(ACK, 0), some(Field.TCP_ACK)],
    rst_with_data: [flags(RST, RST), some(Field.DSIZE), states(FLOW_NEW, FLOW_CLOSED)],
    rst_but_no_session: [flags(RST, RST), states(FLOW_FREE)],
    fin_but_no_session: [flags(FIN | RST, FIN), states(FLOW_FREE)],
    '3whs_synack_in_wrong_direction': [answer, toServer, states(FLOW_NEW)],
    '3whs_synack_with_wrong_ack': [answer, toClient, states(FLOW_NEW), ...otherAck],
    '3whs_synack_toserver_on_syn_recv': [answer, toServer, states(FLOW_ANSWERED)],
    '3whs_synack_resend_with_diff_ack': [answer, toClient, states(FLOW_ANSWERED), ...otherAck],
    '3whs_syn_toclient_on_syn_recv': [syn, toClient, states(FLOW_ANSWERED)],
    '3whs_syn_resend_diff_seq_on_syn_recv': [syn, toServer, states(FLOW_ANSWERED), lacks(StreamBit.STREAM_SEQ)],
    est_synack_toserver: [answer, toServer, states(FLOW_ESTABLISHED)],
    est_synack_resend_with_diff_ack: [answer, toClient, states(FLOW_ESTABLISHED), ...otherAck],
    est_synack_resend_with_diff_seq: [answer, toClient, states(FLOW_ESTABLISHED), ...otherSeq],
    est_synack_resend: [
      ...[answer, toClient, states(FLOW_ESTABLISHED)],
      ...[has(StreamBit.STREAM_ACK), has(StreamBit.STREAM_SEQ)],
    ],
    est_syn_toclient: [syn, toClient, states(FLOW_ESTABLISHED)],
    est_syn_resend_diff_seq: [syn, toServer, states(FLOW_ESTABLISHED), lacks(StreamBit.STREAM_SEQ)],
    est_syn_resend: [syn, toServer, states(FLOW_ESTABLISHED), has(StreamBit.STREAM_SEQ)],
    est_pkt_before_last_ack: [has(StreamBit.STREAM_BEHIND), states(FLOW_ESTABLISHED)],
    pkt_spurious_retransmission: [has(StreamBit.STREAM_ACKED)],
    pkt_retransmission: [has(StreamBit.STREAM_AGAIN), states(FLOW_CLOSING, FLOW_CLOSED)],
    suspected_rst_inject: [has(StreamBit.STREAM_AFTER_RST)],
  } satisfies Record<string, readonly Condition[]>),
);

/** Stream events that layer 7 finds in the bytes, by their bit of L7Flag. */
export const streamFlags: ReadonlyMap<string, number> = new Map([
  ['reassembly_overlap_different_data', L7Flag.L7_CONFLICT],
]);
