/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * QUIC, on any port: recognised by the packet that a connection begins with, or by the one that offers other versions.
 * Nothing in it can be read without its keys, so it is counted and left alone.
 */
#ifndef IDS_QUIC_H
#define IDS_QUIC_H

#include "l7_fast.h"
#include "payload.h"

#define IDS_QUIC_PACKETS 8    /* of a flow, both directions together, that are looked at */
#define IDS_QUIC_LOOK    64   /* bytes of one: more than the longest header in front of a token or a list of versions */
#define IDS_QUIC_HEADER  7    /* with both connection ids empty */
#define IDS_QUIC_ID      20   /* bytes of a connection id, of the versions that we know (RFC 9000 17.2) */
#define IDS_QUIC_INITIAL 1200 /* bytes of a datagram that carries an Initial packet (RFC 9000 14.1) */
#define IDS_QUIC_OFFERS  4    /* versions of an offer that are looked at: one that means nothing may be the first */

/* RFC 9000, RFC 9369, and the drafts that had the same header. */
static __always_inline bool ids_quic_knows(__u32 version)
{
	return version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000;
}

/* Numbers that are offered so that nobody relies on knowing all of them (RFC 9000 15). */
static __always_inline bool ids_quic_greases(__u32 version)
{
	return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

/* Whether `bytes`, of which the first `length` are those of a datagram of `total`, begin one of those packets. */
static __always_inline bool ids_quic_begins(const __u8 *bytes, __u32 length, __u32 total)
{
	__u32 version = bpf_ntohl(*(const __be32 *)(bytes + 1)), type = bytes[0] >> 4 & 3, at, n;

	/* A long header, of a packet and not of something else that shares its port (RFC 9443). */
	if (length < IDS_QUIC_HEADER || (bytes[0] & 0xc0) != 0xc0 || bytes[5] > IDS_QUIC_ID)
		return false;
	at = 6 + (bytes[5] & 31);
	if (at >= length || bytes[at] > IDS_QUIC_ID)
		return false;
	at += 1 + (bytes[at] & 31);
	if (version)
		/* Its type is 0; version 2 has all of them one further. */
		return ids_quic_knows(version) && type == (version == 0x6b3343cf) && total >= IDS_QUIC_INITIAL;
	if (total <= at || (total - at) % 4)
		return false;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_QUIC_OFFERS; n++, at += 4) {
		if (at + 4 > length || at > IDS_QUIC_LOOK - 4)
			break;
		version = (__u32)bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
		if (ids_quic_knows(version) || ids_quic_greases(version))
			return true;
	}
	return false;
}

/* Whether the packet is a datagram of a flow of which it may still turn out that it is QUIC. */
static __always_inline bool ids_quic_wanted(const struct ids_packet *pkt)
{
	const struct ids_flow *flow;

	if (pkt->proto_key != IPPROTO_UDP || pkt->app != IDS_APP_UNKNOWN || !pkt->flow_id ||
	    pkt->verdict != IDS_VERDICT_PASS || pkt->payload_len < IDS_QUIC_HEADER)
		return false;
	flow = ids_flow_at(pkt->flow);
	return flow && flow->dir[0].packets + flow->dir[1].packets <= IDS_QUIC_PACKETS;
}

/* Looks at the payload of a UDP packet, and notes in its flow that it is QUIC. */
IDS_OUTLINE(ids_quic)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 length = pkt->payload_len;
	const __u8 *first;

	if (!settings || !ids_l7_is_on() || length < IDS_QUIC_HEADER)
		return 0;
	first = ids_bytes(ctx, hook, pkt, pkt->payload, 1);
	if (!first || *first < 0xc0 || ids_port_in(settings->ignored, ids_l7_port(pkt)))
		return 0;
	if (length > IDS_QUIC_LOOK)
		length = IDS_QUIC_LOOK;
	barrier_var(length);
	if (length == 0 || length > IDS_QUIC_LOOK || ids_load(ctx, hook, pkt, pkt->payload, pkt->scratch, length) ||
	    !ids_quic_begins(pkt->scratch, length, pkt->payload_len))
		return 0;
	ids_count(IDS_STAT_QUIC);
	ids_flow_note(pkt, 0, IDS_APP_QUIC);
	return 0;
}

#endif
