/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The UDP header, and which transport header is read. */
#ifndef IDS_PARSE_L4_H
#define IDS_PARSE_L4_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/udp.h>
#include "bytes.h"
#include "parse_icmp.h"
#include "parse_tcp.h"

static __always_inline int ids_parse_udp(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	const __u32 left = pkt->end - pkt->l4;
	const struct udphdr *udp = left < sizeof(*udp) ? 0 : ids_bytes(ctx, hook, pkt, pkt->l4, sizeof(*udp));
	__u32 length;

	if (!udp)
		return ids_malformed(pkt, IDS_DECODE_UDP_SHORT);
	length = bpf_ntohs(udp->len);
	/* A first fragment holds less than the datagram, whose length the header gives. */
	if (length > left && !pkt->fragment)
		return ids_malformed(pkt, IDS_DECODE_UDP_TRUNCATED);
	if (length < sizeof(*udp))
		return ids_malformed(pkt, IDS_DECODE_UDP_LENGTH);
	pkt->sport = udp->source;
	pkt->dport = udp->dest;
	pkt->ports = true;
	pkt->payload = pkt->l4 + sizeof(*udp);
	if (length < left)
		pkt->end = pkt->l4 + length;
	return 0;
}

/* The header behind the IP header: 0, or less if it could not be read. */
static __always_inline int ids_parse_l4(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	int rc;

	switch (pkt->proto) {
	case IPPROTO_TCP:
		rc = ids_parse_tcp(ctx, hook, pkt);
		break;
	case IPPROTO_UDP:
		rc = ids_parse_udp(ctx, hook, pkt);
		break;
	case IPPROTO_ICMP:
		if (pkt->ip_version == 6) {
			ids_decode(pkt, IDS_DECODE_IP6_ICMP4);
			return 0;
		}
		rc = ids_parse_icmp(ctx, hook, pkt, false);
		break;
	case IPPROTO_ICMPV6:
		if (pkt->ip_version == 4) {
			ids_decode(pkt, IDS_DECODE_IP4_ICMP6);
			return 0;
		}
		rc = ids_parse_icmp(ctx, hook, pkt, true);
		break;
	default:
		return 0;
	}
	if (rc)
		return rc;
	pkt->l4_read = true;
	pkt->payload_len = pkt->end - pkt->payload;
	ids_set(pkt, IDS_FIELD_DSIZE, pkt->payload_len);
	return 0;
}

#endif
