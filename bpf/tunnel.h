/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which packet a packet carries: IP in IP, GRE (tunnel_gre.h), VXLAN, GENEVE and Teredo. What a receiver would take out is
 * taken out here, even where a field that receivers do not look at is wrong: such a field hides nothing.
 */
#ifndef IDS_TUNNEL_H
#define IDS_TUNNEL_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include "bytes.h"
#include "tunnel_gre.h"

#define IDS_PORT_VXLAN       4789
#define IDS_PORT_VXLAN_LINUX 8472 /* before there was a number for it */
#define IDS_PORT_VXLAN_GPE   4790
#define IDS_PORT_GENEVE      6081
#define IDS_IP6_HEADER       40

/* Whether it is worth looking: nearly no packet carries another one. */
static __always_inline bool ids_may_carry(const struct ids_packet *pkt)
{
	if (pkt->fragment || pkt->malformed)
		return false;
	switch (pkt->proto_key) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
	case IPPROTO_GRE:
		return true;
	case IPPROTO_UDP:
		return pkt->l4_read && pkt->payload_len >= 8;
	}
	return false;
}

/* IP behind an IP header. */
static __always_inline void ids_carries_ip(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, bool v6)
{
	const __u32 left = pkt->end - pkt->l4;
	const __u8 *raw = left < 1 ? 0 : ids_bytes(ctx, hook, pkt, pkt->l4, 1);

	/* Suricata has these events in IPv6 alone; behind IPv4 they are those of the inner packet. */
	if (pkt->ip_version == 6 && (!raw || left < (v6 ? IDS_IP6_HEADER : 20))) {
		ids_malformed(pkt, v6 ? IDS_DECODE_IP6_IN6_SHORT : IDS_DECODE_IP6_IN4_SHORT);
		return;
	}
	if (pkt->ip_version == 6 && raw[0] >> 4 != (v6 ? 6 : 4)) {
		ids_malformed(pkt, v6 ? IDS_DECODE_IP6_IN6_VERSION : IDS_DECODE_IP6_IN4_VERSION);
		return;
	}
	ids_carries(pkt, v6 ? ETH_P_IPV6 : ETH_P_IP, pkt->l4);
}

/* VXLAN (RFC 7348) and what became of it with a type of its own (draft-ietf-nvo3-vxlan-gpe). */
static __always_inline void ids_vxlan(struct ids_packet *pkt, const __u8 *raw, bool generic)
{
	__u32 at = pkt->payload + 8;

	if (!(raw[0] & 0x08))
		return;
	if (!generic || !(raw[0] & 0x04))
		ids_carries(pkt, ETH_P_TEB, at);
	else if (raw[3] == 1)
		ids_carries(pkt, ETH_P_IP, at);
	else if (raw[3] == 2)
		ids_carries(pkt, ETH_P_IPV6, at);
	else if (raw[3] == 3)
		ids_carries(pkt, ETH_P_TEB, at);
	else if (raw[3] == 4)
		ids_carries(pkt, ETH_P_NSH, at);
	else
		ids_decode(pkt, IDS_DECODE_VXLAN_PAYLOAD);
}

/* RFC 8926. */
static __always_inline void ids_geneve(struct ids_packet *pkt, const __u8 *raw)
{
	__u16 type = raw[2] << 8 | raw[3];

	if (raw[0] >> 6)
		return;
	if (type == ETH_P_TEB || type == ETH_P_IP || type == ETH_P_IPV6)
		ids_carries(pkt, type, pkt->payload + 8 + (raw[0] & 0x3f) * 4);
	else if (type != ETH_P_ARP)
		ids_decode(pkt, IDS_DECODE_GENEVE_PAYLOAD);
}

/*
 * Teredo (RFC 4380) has a port at its servers alone, so it is known by what is in it, as Suricata knows it: IPv6 that is
 * exactly as long as the datagram, behind an origin indication or not.
 */
static __always_inline void ids_teredo(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, const __u8 *raw)
{
	__u32 at = pkt->payload;

	if (raw[0] == 0 && raw[1] == 0)
		at += 8;
	else if (raw[0] >> 4 != 6)
		return;
	if (pkt->end - at < IDS_IP6_HEADER || pkt->end < at)
		return;
	raw = ids_bytes(ctx, hook, pkt, at, 8);
	if (!raw || raw[0] >> 4 != 6)
		return;
	/* A hop limit of 0, and options without room for them, are chance. */
	if ((raw[4] << 8 | raw[5]) + at + IDS_IP6_HEADER != pkt->end || !raw[7] ||
	    (raw[6] == IPPROTO_HOPOPTS && (raw[4] << 8 | raw[5]) < 8))
		return;
	ids_carries(pkt, ETH_P_IPV6, at);
}

static __always_inline void ids_carries_udp(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	const __u8 *raw = ids_bytes(ctx, hook, pkt, pkt->payload, 8);
	__u16 from = bpf_ntohs(pkt->sport), to = bpf_ntohs(pkt->dport);

	if (!raw)
		return;
	if (to == IDS_PORT_VXLAN || to == IDS_PORT_VXLAN_LINUX || to == IDS_PORT_VXLAN_GPE)
		ids_vxlan(pkt, raw, to == IDS_PORT_VXLAN_GPE);
	else if (to == IDS_PORT_GENEVE || from == IDS_PORT_GENEVE)
		ids_geneve(pkt, raw);
	else
		ids_teredo(ctx, hook, pkt, raw);
}

/* Notes in pkt->inner what the packet carries. */
IDS_OUTLINE(ids_tunnel)
{
	switch (pkt->proto_key) {
	case IPPROTO_IPIP:
		ids_carries_ip(ctx, hook, pkt, false);
		break;
	case IPPROTO_IPV6:
		ids_carries_ip(ctx, hook, pkt, true);
		break;
	case IPPROTO_GRE:
		ids_carries_gre(ctx, hook, pkt);
		break;
	case IPPROTO_UDP:
		ids_carries_udp(ctx, hook, pkt);
		break;
	}
	return 0;
}

#endif
