/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The link layer, and the order in which the headers of a layer are read into struct ids_packet. */
#ifndef IDS_PARSE_H
#define IDS_PARSE_H

#include <linux/if_ether.h>
#include "bytes.h"
#include "defrag.h"
#include "parse4.h"
#include "parse6.h"
#include "parse_datagram.h"
#include "nsh.h"
#include "parse_l4.h"
#include "tunnel.h"

#define IDS_VLANS    2
/* What QinQ used before 802.1ad. */
#define IDS_ETH_QINQ 0x9100

static __always_inline bool ids_is_vlan(__u16 type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD || type == IDS_ETH_QINQ;
}

static __always_inline void ids_note_vlan(struct ids_packet *pkt, __u16 tag)
{
	const __u32 n = pkt->vlans & 1;

	pkt->vlan[n] = tag & 0x0fff;
	ids_set(pkt, n ? IDS_FIELD_VLAN_ID1 : IDS_FIELD_VLAN_ID0, pkt->vlan[n]);
	pkt->vlans++;
}

/* The tag that the device will put in front of all others is not among the bytes yet. */
static __always_inline void ids_note_tag(const struct __sk_buff *skb, struct ids_packet *pkt)
{
	if (skb->vlan_present)
		ids_note_vlan(pkt, skb->vlan_tci);
}

/* The protocol behind VLAN tags at `at`, whose own is `type`; less if one could not be read. */
static __always_inline int ids_parse_tags(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 at,
					  __u16 type)
{
	int n;

#pragma unroll
	for (n = 0; n < IDS_VLANS; n++) {
		const __u8 *tag;

		if (!ids_is_vlan(type))
			break;
		tag = ids_bytes(ctx, hook, pkt, at, 4);
		if (!tag)
			return ids_malformed(pkt, IDS_DECODE_VLAN_SHORT);
		if (pkt->vlans == IDS_VLANS)
			break;
		ids_note_vlan(pkt, tag[0] << 8 | tag[1]);
		type = tag[2] << 8 | tag[3];
		at += 4;
	}
	pkt->l3 = at;
	ids_set(pkt, IDS_FIELD_VLAN_LAYERS, pkt->vlans);
	if (ids_is_vlan(type))
		return ids_malformed(pkt, IDS_DECODE_VLAN_DEPTH);
	return type;
}

/* Ethernet at `at`; returns as ids_parse_tags(). */
static __always_inline int ids_parse_ethernet(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 at)
{
	const __u8 *eth = ids_bytes(ctx, hook, pkt, at, ETH_HLEN);
	__u16 type;

	if (!eth)
		return ids_malformed(pkt, IDS_DECODE_ETH_SHORT);
	__builtin_memcpy(pkt->eth_dst, eth, 2 * ETH_ALEN);
	type = eth[12] << 8 | eth[13];
	if (hook == IDS_HOOK_TC && !at)
		ids_note_tag(ctx, pkt);
	return ids_parse_tags(ctx, hook, pkt, at + ETH_HLEN, type);
}

/* An NSH header at pkt->l3, and Ethernet if that is behind it; returns as ids_nsh(). */
IDS_OUTLINE(ids_parse_nsh)
{
	int type = ids_nsh(ctx, hook, pkt);

	return type == ETH_P_TEB ? ids_parse_ethernet(ctx, hook, pkt, pkt->l3) : type;
}

/* Returns the protocol behind the link layer, or less if it could not be read; pkt->l3 is where it starts. */
static __always_inline int ids_parse_link(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	int type = ids_parse_ethernet(ctx, hook, pkt, 0);

	if (type != ETH_P_NSH)
		return type;
	pkt->layer++;
	ids_count(IDS_STAT_TUNNELS);
	return ids_parse_nsh(ctx, hook, pkt);
}

/* Counts every decode reason of the packet. Kept out of line: nearly no packet has one. */
__noinline int ids_count_decodes(struct ids_packet *pkt)
{
	int n;

	if (!pkt)
		return 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_REASONS - IDS_REASON_DECODE; n++) {
		__u32 word = pkt->field[n < 32 ? IDS_FIELD_DECODE0 : n < 64 ? IDS_FIELD_DECODE1 : IDS_FIELD_DECODE2];
		__u32 key = IDS_REASON_DECODE + n;
		__u64 *count;

		if (!(word >> (n & 31) & 1))
			continue;
		count = bpf_map_lookup_elem(&ids_decodes, &key);
		if (count)
			(*count)++;
	}
	return 0;
}

/* Instead of an ethertype: the datagram that was put together, from its transport header on. */
#define IDS_TYPE_DATAGRAM 0x10000

/*
 * Reads the headers from pkt->l3 on, where a packet of ethertype `type` begins (less: none could be found). What is wrong
 * with them is noted in the packet and does not stop the stages behind.
 */
static __always_inline void ids_parse(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, int type)
{
	int more = 0;

	if (type == ETH_P_IP)
		more = ids_parse_ip4(ctx, hook, pkt);
	else if (type == ETH_P_IPV6)
		more = ids_parse_ip6(ctx, hook, pkt);
	else if (type == IDS_TYPE_DATAGRAM)
		more = ids_parse_datagram(ctx, hook, pkt);
	else if (type >= 0)
		pkt->reason = IDS_REASON_NOT_IP;
	if (more > 0)
		ids_parse_l4(ctx, hook, pkt);
	if (pkt->fragment)
		ids_defrag_look(ctx, hook, pkt);
	if (ids_may_carry(pkt))
		ids_tunnel(ctx, hook, pkt);
	if (pkt->field[IDS_FIELD_DECODE0] | pkt->field[IDS_FIELD_DECODE1] | pkt->field[IDS_FIELD_DECODE2])
		ids_count_decodes(pkt);
}

#endif
