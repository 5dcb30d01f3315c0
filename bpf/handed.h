/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Packets whose headers a rule of the engine asks for, whole: for contents in headers, and in the payload of ICMP and of
 * protocols that nothing is known of. What TCP carries is not among it: that is masked, and judged as a stream.
 */
#ifndef IDS_HANDED_H
#define IDS_HANDED_H

#include "payload.h"

/* Of what an ICMP error quotes: IP header and the first 8 bytes behind it (RFC 792, RFC 4443), which hold no payload of TCP. */
#define IDS_QUOTED4     28
#define IDS_QUOTED6     48
#define IDS_SCTP_HEADER 12
#define IDS_ESP_HEADER  8

/* Where the payload of a protocol begins whose header nobody has read, as Suricata has it. */
static __always_inline __u32 ids_handed_payload(const struct ids_packet *pkt)
{
	if (pkt->l4_read)
		return pkt->payload;
	if (pkt->proto_key == IPPROTO_SCTP)
		return pkt->l4 + IDS_SCTP_HEADER;
	return pkt->proto_key == IPPROTO_ESP ? pkt->l4 + IDS_ESP_HEADER : pkt->l4;
}

/* Whether the ICMP message quotes another packet. */
static __always_inline bool ids_handed_quotes(const struct ids_packet *pkt)
{
	__u32 type = pkt->field[IDS_FIELD_ICMP_TYPE];

	if (pkt->proto_key == IPPROTO_ICMPV6)
		return type < 128;
	return pkt->proto_key == IPPROTO_ICMP && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

/* Bytes of a payload of `length` that may be handed over: none of a stream, a tunnel or a fragment. */
static __always_inline __u32 ids_handed_room(const struct ids_packet *pkt, __u32 length)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 depth = settings ? settings->depth[pkt->direction & 1] : 0, quoted;

	if (pkt->proto_key == IPPROTO_TCP || pkt->fragment)
		return 0;
	if (pkt->inner || pkt->proto_key == IPPROTO_IPIP || pkt->proto_key == IPPROTO_IPV6 ||
	    pkt->proto_key == IPPROTO_GRE ||
	    (settings && ids_port_in(settings->shallow, ids_l7_port(pkt)) && pkt->ports))
		depth = 0;
	/* What it quotes may be the header section of a request. */
	quoted = pkt->proto_key == IPPROTO_ICMPV6 ? IDS_QUOTED6 : IDS_QUOTED4;
	if (pkt->control & IDS_CONTROL_REDACT && depth > quoted && ids_handed_quotes(pkt))
		depth = quoted;
	return length < depth ? length : depth;
}

/* Writes io->bytes[0..length), headers up to `headers`, of a packet whose transport header is at `l4` of them. */
__noinline int ids_handed_write(struct ids_packet *pkt, struct ids_io *io, __u32 length, __u32 l4, __u32 headers)
{
	const __u32 size = sizeof(struct ids_bytes_record) + sizeof(struct ids_headers);
	struct ids_bytes_record *head;
	struct ids_headers *seen;
	struct bpf_dynptr record;

	if (!pkt || !io || length == 0 || length > IDS_STREAM_MAX)
		return 0;
	head = ids_bulk_open(&record, size + length, size);
	if (!head)
		return 0;
	pkt->piece = 0;
	ids_payload_head(pkt, head, length, IDS_BYTES_HEADERS | (length > headers ? IDS_BYTES_PACKET : 0));
	seen = (void *)(head + 1);
	seen->present = pkt->present;
	__builtin_memcpy(seen->field, pkt->field, sizeof(seen->field));
	seen->l4 = l4;
	seen->payload = headers;
	seen->l4_read = pkt->l4_read;
	seen->in_window = pkt->in_window;
	__builtin_memset(seen->pad, 0, sizeof(seen->pad));
	barrier_var(length);
	if (length <= IDS_STREAM_MAX)
		bpf_dynptr_write(&record, size, io->bytes, length, 0);
	ids_bulk_end(pkt, &record, true);
	ids_add(IDS_STAT_PAYLOAD, length);
	return 0;
}

/* Whether a packet more may be handed over in this second: rules that want them see those of a flood, too. */
static __always_inline bool ids_handed_may(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control ||
	    ids_take(ids_rate_cell(ids_mix(control->secret[0] + 2)), ids_coarse(pkt), control->packet_rate))
		return true;
	ids_add(IDS_STAT_PACKETS_LIMITED, 1);
	return false;
}

IDS_OUTLINE(ids_hand_over)
{
	struct ids_io *io = ids_io();
	__u32 from = pkt->assembled ? pkt->l4 : pkt->l3, payload = ids_handed_payload(pkt), headers, length, room;

	if (!io || !pkt->ip_version || pkt->l4 < from || payload < pkt->l4)
		return 0;
	/* A header that is not whole is what there is of it. */
	if (payload > pkt->end)
		payload = pkt->end;
	headers = payload - from;
	length = payload < pkt->end ? pkt->end - payload : 0;
	room = ids_handed_room(pkt, length);
	if (headers > IDS_STREAM_MAX)
		headers = IDS_STREAM_MAX;
	if (room > IDS_STREAM_MAX - headers)
		room = IDS_STREAM_MAX - headers;
	if (room < length && pkt->proto_key != IPPROTO_TCP && !pkt->fragment && !pkt->inner)
		ids_add(IDS_STAT_UNINSPECTED, length - room);
	length = headers + room;
	barrier_var(length);
	if (length == 0 || length > IDS_STREAM_MAX || !ids_handed_may(pkt) ||
	    ids_load(ctx, hook, pkt, from, io->bytes, length))
		return 0;
	ids_handed_write(pkt, io, length, pkt->l4 - from, headers);
	return 0;
}

#endif
