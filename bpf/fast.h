/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The fast way, of a plain data packet of a known flow that nothing has anything to say about: no list names its peer, no
 * header rule can match it, layer 7 has nothing to see in its bytes. All others go the long way, on which a flow learns
 * what addresses and ports alone decide.
 */
#ifndef IDS_FAST_H
#define IDS_FAST_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include "flow.h"
#include "l7_fast.h"
#include "parse.h"
#include "verdict.h"

/* NOP, NOP, time stamp: what nearly every data segment carries. */
#define IDS_PLAIN_OPTIONS bpf_htonl(0x0101080a)

/* A TCP segment with ACK or ACK and PSH alone, without options but time stamps, behind at most one VLAN tag. */
struct ids_plain {
	struct ids_tuple tuple;
	__u64 bytes;  /* of the frame */
	__u32 length; /* of the payload */
	__u32 seq;
	__u32 ack;
	__u8 flags;
	bool swapped;
	bool version6;
};

/* Whether the frame has so many bytes, of which what can be read in place is known. */
static __always_inline bool ids_plain_reaches(void *ctx, const enum ids_hook hook, struct ids_plain *plain, __u32 bytes)
{
	if (hook == IDS_HOOK_XDP && plain->bytes < bytes)
		plain->bytes = ids_frame_length(ctx, hook);
	return plain->bytes >= bytes;
}

/* The TCP header at `tcp`, with `total` bytes from there to the end of the IP packet. */
static __always_inline bool ids_read_plain_tcp(struct ids_plain *plain, const __u8 *tcp, const __u8 *end, __u32 total)
{
	__u32 header = 20;

	/* Length of the header and flags; reserved bits are zero. */
	plain->flags = tcp[13];
	if (tcp[13] != 0x10 && tcp[13] != 0x18)
		return false;
	if (tcp[12] == 0x80) {
		if (tcp + 24 > end || *(const __u32 *)(tcp + 20) != IDS_PLAIN_OPTIONS)
			return false;
		header = 32;
	} else if (tcp[12] != 0x50) {
		return false;
	}
	if (total < header)
		return false;
	plain->length = total - header;
	plain->seq = bpf_ntohl(*(const __u32 *)(tcp + 4));
	plain->ack = bpf_ntohl(*(const __u32 *)(tcp + 8));
	return true;
}

/* Reads the headers; false if the packet is not plain, or its lengths are not right. */
static __always_inline bool ids_read_plain(void *ctx, const enum ids_hook hook, struct ids_plain *plain)
{
	const __u8 *at = ids_frame_begin(ctx, hook), *end = ids_frame_end(ctx, hook);
	__u32 kind = IPPROTO_TCP, total, link = ETH_HLEN;
	__be16 type;

	plain->bytes = (__u64)(end - at);
	if (at + ETH_HLEN + 40 > end)
		return false;
	type = *(const __be16 *)(at + 12);
	if (hook == IDS_HOOK_TC) {
		const struct __sk_buff *skb = ctx;

		plain->bytes = skb->len;
		if (skb->vlan_present)
			kind |= (skb->vlan_tci & 0x0fff) << 16 | 1u << 31;
	}
	if (type == bpf_htons(ETH_P_8021Q)) {
		if (kind >> 31)
			return false;
		kind |= (bpf_ntohs(*(const __be16 *)(at + 14)) & 0x0fffu) << 16;
		type = *(const __be16 *)(at + 16);
		at += 4;
		link += 4;
	}
	kind &= ~(1u << 31);
	at += ETH_HLEN;
	if (type == bpf_htons(ETH_P_IP)) {
		if (at + 40 > end)
			return false;
		total = bpf_ntohs(*(const __be16 *)(at + 2));
		/* No options, no fragment; don't-fragment may be set. */
		if (at[0] != 0x45 || *(const __be16 *)(at + 6) & bpf_htons(0xbfff) || at[9] != IPPROTO_TCP ||
		    total < 40 || !ids_plain_reaches(ctx, hook, plain, link + total) ||
		    !ids_read_plain_tcp(plain, at + 20, end, total - 20))
			return false;
		plain->version6 = false;
		plain->swapped = ids_tuple_make(&plain->tuple, 0, ids_half4(*(const __be32 *)(at + 12)), 0,
						ids_half4(*(const __be32 *)(at + 16)), *(const __be16 *)(at + 20),
						*(const __be16 *)(at + 22), kind);
		return true;
	}
	if (type != bpf_htons(ETH_P_IPV6) || at + 60 > end)
		return false;
	total = bpf_ntohs(*(const __be16 *)(at + 4));
	if (at[0] >> 4 != 6 || at[6] != IPPROTO_TCP || total < 20 ||
	    !ids_plain_reaches(ctx, hook, plain, link + 40 + total) || !ids_read_plain_tcp(plain, at + 40, end, total))
		return false;
	plain->version6 = true;
	plain->swapped =
		ids_tuple_make(&plain->tuple, *(const __u32 *)(at + 8) | (__u64) * (const __u32 *)(at + 12) << 32,
			       *(const __u32 *)(at + 16) | (__u64) * (const __u32 *)(at + 20) << 32,
			       *(const __u32 *)(at + 24) | (__u64) * (const __u32 *)(at + 28) << 32,
			       *(const __u32 *)(at + 32) | (__u64) * (const __u32 *)(at + 36) << 32,
			       *(const __be16 *)(at + 40), *(const __be16 *)(at + 42), kind);
	return true;
}

/* Whether what is cached of a direction, under the generation in force, says that nothing applies to its packets. */
static __always_inline bool ids_cached(const struct ids_control *control, const enum ids_hook hook, __u32 cached)
{
	__u32 other = hook == IDS_HOOK_TC ? IDS_CACHED_LISTS_IN : IDS_CACHED_LISTS_OUT;
	__u32 all = IDS_CACHED_LISTS_IN | IDS_CACHED_LISTS_OUT | IDS_CACHED_RULES;

	return (cached | other) == (control->flow_generation << IDS_CACHED_SHIFT | all);
}

/*
 * Whether the segment is just the next one, or an acknowledgement, that changes nothing in the flow but counters. Times
 * of round trips are taken on the long way, at most once a tick of the clock.
 */
static __always_inline bool ids_goes_on(const struct ids_plain *plain, const struct ids_flow_dir *dir,
					const struct ids_flow_dir *peer, bool tick)
{
	__u32 end = plain->seq + plain->length;

	if (plain->seq != dir->next || plain->ack - dir->ack >= IDS_FLOW_AHEAD ||
	    (__s32)(plain->ack - peer->next) > 0 || (peer->packets && end - peer->ack >= IDS_FLOW_AHEAD))
		return false;
	if (peer->probe_us && (__s32)(plain->ack - peer->probe) >= 0)
		return false;
	return !tick || !plain->length || dir->probe_us;
}

/* Takes the packet into its flow; false if that needs the long way. */
static __always_inline bool ids_fast_flow(void *ctx, const enum ids_hook hook, const struct ids_plain *plain)
{
	const struct ids_control *control = ids_settings();
	__u32 index = 0, zero = 0, side, state;
	struct ids_flow_dir *dir, *peer;
	struct ids_packet *pkt;
	struct ids_flow *flow;
	__u64 now;
	bool tick;

	(void)ctx;
	if (!control)
		return false;
	flow = ids_flow_find(&plain->tuple, ids_tuple_hash(control, &plain->tuple, plain->version6), &index);
	if (!flow)
		return false;
	/* Established, and neither dropped nor passed by a rule. */
	state = *(volatile __u32 *)&flow->state;
	if ((state & (0xff | (IDS_FLOW_DROPPED | IDS_FLOW_REJECTED | IDS_FLOW_PASSED) << 16)) != IDS_FLOW_ESTABLISHED)
		return false;
	side = (state >> 16 & IDS_FLOW_CLIENT_SECOND ? 1 : 0) ^ plain->swapped;
	if (!ids_cached(control, hook, flow->cached[side & 1]))
		return false;
	pkt = bpf_map_lookup_elem(&ids_packets, &zero);
	if (!pkt)
		return false;
	pkt->now = 0;
	now = ids_coarse(pkt);
	tick = ids_flow_ticked(flow, now);
	if (tick && ids_flow_expired(control, flow, now))
		return false;
	dir = &flow->dir[side & 1];
	peer = &flow->dir[(side ^ 1) & 1];
	if (!ids_goes_on(plain, dir, peer, tick) ||
	    (plain->length && !ids_l7_passes_by(index, flow->id, side, plain->seq + plain->length, plain->length)))
		return false;
	dir->packets++;
	dir->bytes += plain->bytes;
	dir->next = plain->seq + plain->length;
	dir->ack = plain->ack;
	if (~dir->tcp_flags & plain->flags)
		dir->tcp_flags |= plain->flags;
	if (tick)
		flow->last = now;
	return true;
}

/* Whether the packet is done: passed and counted. */
static __always_inline bool ids_fast(void *ctx, const enum ids_hook hook)
{
	__u32 key = IDS_REASON_CLEAN;
	struct ids_verdict_count *count;
	struct ids_plain plain;

	if (!ids_read_plain(ctx, hook, &plain) || !ids_fast_flow(ctx, hook, &plain))
		return false;
	count = bpf_map_lookup_elem(&ids_verdicts, &key);
	if (count) {
		count->packets++;
		count->bytes += plain.bytes;
	}
	ids_count(IDS_STAT_FAST);
	return true;
}

/* Vectors of a plain packet of the flow in this direction, all of them at once. */
static __always_inline bool ids_no_rule(struct ids_packet *pkt, const struct ids_ruleset *set)
{
	const __u32 mask = IDS_MAX_VECTORS - 1;
	__u32 proto = set->proto[IPPROTO_TCP] & mask, plain = set->plain & mask;
	__u32 ack = set->l4[IDS_L4_TCP][0x10] & mask, push = set->l4[IDS_L4_TCP][0x18] & mask;
	__u32 sport = set->sport[bpf_ntohs(pkt->sport)] & mask, dport = set->dport[bpf_ntohs(pkt->dport)] & mask;
	__u32 word, words = set->words;

	pkt->live = 0;
#pragma clang loop unroll(disable)
	for (word = 0; word < IDS_RULE_WORDS; word++) {
		__u64 bits;

		if (word >= words)
			break;
		bits = set->vector[proto][word] & (set->vector[ack][word] | set->vector[push][word]) &
		       set->vector[sport][word] & set->vector[dport][word] & set->vector[plain][word];
		pkt->candidate[word] = bits;
		if (bits)
			pkt->live |= 1ULL << word;
	}
	if (pkt->live)
		ids_address_candidates(pkt, set);
	return !pkt->live;
}

/*
 * Notes in the flow what its addresses and ports have decided. pkt->flow_generation was read before anything was judged:
 * what has changed since is of another generation, and the note is void.
 */
__noinline int ids_fast_learn(struct ids_packet *pkt)
{
	const struct ids_ruleset *set;
	struct ids_flow *flow;
	__u32 cached, bits;

	if (!pkt)
		return 0;
	flow = ids_flow_at(pkt->flow);
	set = ids_ruleset(pkt);
	if (!flow || !set || flow->id != pkt->flow_id)
		return 0;
	bits = pkt->hook == IDS_HOOK_TC ? IDS_CACHED_LISTS_OUT : IDS_CACHED_LISTS_IN;
	cached = flow->cached[pkt->direction & 1];
	if (cached >> IDS_CACHED_SHIFT != (pkt->flow_generation & (~0u >> IDS_CACHED_SHIFT)))
		cached = 0;
	else if (cached & bits)
		return 0;
	bits |= pkt->flow_generation << IDS_CACHED_SHIFT | (cached & ~(~0u << IDS_CACHED_SHIFT));
	if (ids_no_rule(pkt, set))
		bits |= IDS_CACHED_RULES;
	flow->cached[pkt->direction & 1] = bits;
	return 0;
}

/* To be called when all stages have judged a packet of layer 0. */
static __always_inline void ids_fast_note(struct ids_packet *pkt)
{
	__u32 flags = pkt->field[IDS_FIELD_TCP_FLAGS];

	if (pkt->flow_id && pkt->proto_key == IPPROTO_TCP && (flags == 0x10 || flags == 0x18) && !pkt->layer &&
	    !pkt->assembled && pkt->verdict == IDS_VERDICT_PASS && pkt->reason == IDS_REASON_CLEAN && !pkt->listed &&
	    !pkt->expired && !ids_l7_never_quiet(pkt))
		ids_fast_learn(pkt);
}

#endif
