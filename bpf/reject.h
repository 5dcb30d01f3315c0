/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Carries out a reject verdict: the packet is dropped, and its sender is told so by XDP_TX where that reaches it, else
 * by the engine. Nobody is answered who must not be, and nobody more often than the rate allows.
 */
#ifndef IDS_REJECT_H
#define IDS_REJECT_H

#include <linux/if_ether.h>
#include "events.h"
#include "reject4.h"
#include "reject6.h"

#define IDS_REJECT_TRIES 8 /* at the bucket, when the other CPUs take from it at the same time */

/* The time up to which answers are spoken for, in nanoseconds of now(). Written by reject alone, on any CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids_reject_bucket SEC(".maps");

/*
 * Takes one answer of the ids_control.reject_rate a second that all rules share; at most a second's worth at once. With
 * rate 0 there is none. One word holds the state, so that no two CPUs take the same answer.
 */
static __always_inline bool ids_reject_allowed(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	__u32 zero = 0;
	__u64 *bucket = bpf_map_lookup_elem(&ids_reject_bucket, &zero);
	__u64 now = ids_now(pkt);

	if (!control || !bucket || !control->reject_rate)
		return false;
	__u64 cost = IDS_SECOND / control->reject_rate;

	for (int i = 0; i < IDS_REJECT_TRIES; i++) {
		__u64 taken = *(volatile __u64 *)bucket;
		__u64 from = taken > now ? taken : now;

		if (from + cost > now + IDS_SECOND)
			return false;
		if (__sync_val_compare_and_swap(bucket, taken, from + cost) == taken)
			return true;
	}
	return false;
}

/* False for packets that no host may answer: an answer would be amplified, be looped, or hit somebody uninvolved. */
static __always_inline bool ids_reject_answerable(const struct ids_packet *pkt)
{
	/* Of a packet in a tunnel too: outside of it those addresses may be somebody else's. */
	if (pkt->malformed || pkt->layer || (pkt->eth_dst[0] | pkt->eth_src[0]) & 1)
		return false;
	if (pkt->ip_version == 4) {
		if (!ids_reject4_is_host(&pkt->saddr) || !ids_reject4_is_host(&pkt->daddr))
			return false;
	} else if (pkt->ip_version == 6) {
		if (!ids_reject6_is_host(&pkt->saddr) || !ids_reject6_is_host(&pkt->daddr))
			return false;
	} else {
		return false;
	}
	if (pkt->fragment && ids_get(pkt, IDS_FIELD_FRAGOFFSET))
		return false;
	switch (pkt->proto_key) {
	case IPPROTO_TCP:
		return pkt->l4_read && !(ids_get(pkt, IDS_FIELD_TCP_FLAGS) & 4);
	case IPPROTO_UDP:
		return pkt->l4_read;
	case IPPROTO_ICMP:
		return pkt->l4_read && pkt->ip_version == 4 && ids_reject4_icmp(ids_get(pkt, IDS_FIELD_ICMP_TYPE));
	case IPPROTO_ICMPV6:
		return pkt->l4_read && pkt->ip_version == 6 && ids_reject6_icmp(ids_get(pkt, IDS_FIELD_ICMP_TYPE));
	default:
		return true;
	}
}

/*
 * Turns the frame into the answer: its tags stay, its MAC addresses change places. It shrinks at its tail but grows at
 * its head, where there is room in every mode: a small packet in generic mode has none behind it. 0 or a negative number.
 */
static __always_inline int ids_reject_send(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	union ids_reply reply = {};
	__u32 link = pkt->l3;
	__u32 length = pkt->ip_version == 4 ? ids_reject4(ctx, hook, pkt, &reply) : ids_reject6(ctx, hook, pkt, &reply);
	int growth = (int)(link + length - pkt->frame_len);

	/* From here on it is about the frame, and not about the datagram that it completes. */
	pkt->assembled = 0;
	barrier_var(link);
	if (link < sizeof(struct ethhdr) || link > sizeof(pkt->scratch))
		return -1;
	barrier_var(length);
	if (length == 0 || length > sizeof(reply))
		return -1;
	if (ids_load(ctx, hook, pkt, 0, pkt->scratch, link))
		return -1;
	__builtin_memcpy(pkt->scratch, pkt->eth_src, ETH_ALEN);
	__builtin_memcpy(pkt->scratch + ETH_ALEN, pkt->eth_dst, ETH_ALEN);
	if (growth > 0 ? bpf_xdp_adjust_head(ctx, -growth) : bpf_xdp_adjust_tail(ctx, growth))
		return -1;
	if (bpf_xdp_store_bytes(ctx, 0, pkt->scratch, link))
		return -1;
	return bpf_xdp_store_bytes(ctx, link, &reply, length);
}

/* Answers by XDP_TX; less than 0 if that is not to be had here. */
static __always_inline int ids_reject_back(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	__u32 ifindex = pkt->ifindex;
	const struct ids_interface *interface = bpf_map_lookup_elem(&ids_interfaces, &ifindex);

	return interface && interface->flags & IDS_INTERFACE_TX ? ids_reject_send(ctx, hook, pkt) : -1;
}

/* Whether the other side has to be told as well: it would wait for the rest of its connection. */
static __always_inline bool ids_reject_ends(const struct ids_packet *pkt, __u32 sides)
{
	return sides & IDS_RULE_REJECT_ENDS && pkt->proto_key == IPPROTO_TCP && pkt->in_window &&
	       pkt->field[IDS_FIELD_FLOW] & IDS_FLOWBIT_ESTABLISHED;
}

/*
 * The XDP action for a packet whose verdict is reject; `sides` are the enum ids_rule_flag of the rule. To be called
 * before its events are raised: it settles their reason and IDS_EVENT_NEED_REJECT, and the frame is no longer what it
 * was. In replay and in monitor mode nothing is sent.
 */
IDS_OUTLINE_WITH(ids_reject, (__u32 sides), (sides))
{
	bool quiet = ids_replay || pkt->control & IDS_CONTROL_MONITOR;

	if (!ids_reject_answerable(pkt) || (!quiet && !ids_reject_allowed(pkt))) {
		if (pkt->reason != IDS_REASON_FLOW_DROP)
			pkt->reason = IDS_REASON_REJECT_LIMIT;
		ids_count(IDS_STAT_REJECTS_LIMITED);
		return XDP_DROP;
	}
	if (quiet)
		return XDP_DROP;
	/* The receiver is somewhere else than where this frame came from: only the engine has a way there. */
	if (sides & IDS_RULE_REJECT_DST || ids_reject_ends(pkt, sides))
		pkt->event_flags |= IDS_EVENT_NEED_REJECT;
	if ((sides & (IDS_RULE_REJECT_SRC | IDS_RULE_REJECT_DST)) == IDS_RULE_REJECT_DST)
		return XDP_DROP;
	/* Nothing goes back from where packets leave. */
	if (hook != IDS_HOOK_XDP || ids_reject_back(ctx, hook, pkt)) {
		pkt->event_flags |= IDS_EVENT_NEED_REJECT;
		return XDP_DROP;
	}
	ids_count(IDS_STAT_REJECTS_SENT);
	return XDP_TX;
}

#endif
