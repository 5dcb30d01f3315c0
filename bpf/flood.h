/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The shortest way, of a packet of a listed peer that is dropped without an event: its headers are read no further than
 * to that address. All others go the long way, with what was found.
 */
#ifndef IDS_FLOOD_H
#define IDS_FLOOD_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include "lists.h"
#include "verdict.h"

/* Reads the peer of a frame without VLAN tags whose IP header is in its first bytes; false of others. */
static __always_inline bool ids_read_peer(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	void *data = ids_frame_begin(ctx, hook), *end = ids_frame_end(ctx, hook);
	const struct ethhdr *eth = data;
	const struct iphdr *ip4 = (void *)(eth + 1);
	const struct ipv6hdr *ip6 = (void *)(eth + 1);

	if ((void *)(ip4 + 1) > end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP) && ip4->version == 4) {
		pkt->peer.half[0] = 0;
		pkt->peer.word[2] = bpf_htonl(0xffff);
		pkt->peer.word[3] = hook == IDS_HOOK_TC ? ip4->daddr : ip4->saddr;
		pkt->ip_version = 4;
		return true;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6) && (void *)(ip6 + 1) <= end && ip6->version == 6) {
		__builtin_memcpy(&pkt->peer, hook == IDS_HOOK_TC ? &ip6->daddr : &ip6->saddr, sizeof(pkt->peer));
		pkt->ip_version = 6;
		return true;
	}
	return false;
}

/* Whether the packet is done: dropped and counted. */
static __always_inline bool ids_flood(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	if (pkt->control & (IDS_CONTROL_MONITOR | IDS_CONTROL_UNLIMITED) || !ids_read_peer(ctx, hook, pkt))
		return false;
	ids_find(pkt, 0);
	pkt->looked = true;
	if (!pkt->listed || pkt->listed & IDS_ENTRY_ALERT || pkt->expired)
		return false;
	if (hook == IDS_HOOK_TC && ids_is_answer(ctx))
		return false;
	ids_list_origin(pkt);
	if (!ids_report_held(pkt) || ids_allowed(pkt))
		return false;
	ids_list_hit(pkt);
	ids_count(IDS_STAT_BLOCK_EVENTS_SUPPRESSED);
	pkt->reason = IDS_REASON_BLOCKLIST;
	ids_count_verdict(pkt, false);
	return true;
}

#endif
