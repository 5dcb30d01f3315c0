/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How a flow gets its entry: which place of the bucket, who has to give way, and what becomes of that one. */
#ifndef IDS_FLOW_PLACE_H
#define IDS_FLOW_PLACE_H

#include "flow_record.h"

#define IDS_FLOW_TRIES 2

/* What stands in a place, the lowest is taken first; IDS_PLACE_KEPT never. Of equal ones the one that is idle longest. */
enum ids_place {
	IDS_PLACE_FREE = 0,
	IDS_PLACE_EXPIRED = 1,
	IDS_PLACE_CLOSED = 2,
	IDS_PLACE_HALF_OPEN = 3,
	IDS_PLACE_KEPT = 4,
};

static __always_inline __u32 ids_flow_standing(const struct ids_control *control, const struct ids_flow *flow, __u64 id,
					       __u64 now)
{
	if (!id)
		return IDS_PLACE_FREE;
	if (id == IDS_FLOW_BUSY)
		return IDS_PLACE_KEPT;
	if (ids_flow_expired(control, flow, now))
		return IDS_PLACE_EXPIRED;
	/* What was dropped stays known: else the rest of it would come back as something new. */
	if (flow->flags & IDS_FLOW_DROPPED)
		return IDS_PLACE_KEPT;
	if (flow->state == IDS_FLOW_CLOSED)
		return IDS_PLACE_CLOSED;
	return flow->state < IDS_FLOW_ESTABLISHED ? IDS_PLACE_HALF_OPEN : IDS_PLACE_KEPT;
}

/* The number of a new flow. */
static __always_inline __u64 ids_flow_number(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&ids_flow_ids, &zero);

	if (!count)
		return 0;
	return ++*count << IDS_FLOW_CPU_BITS | (bpf_get_smp_processor_id() & ((1 << IDS_FLOW_CPU_BITS) - 1));
}

/* Takes the place with that id for the packet's flow and writes the entry; false if another CPU was faster. */
static __always_inline bool ids_flow_write(struct ids_packet *pkt, struct ids_flow *flow, __u32 *tag, __u64 id,
					   __u32 end)
{
	struct ids_tuple *key = (struct ids_tuple *)flow->addr;
	__u64 now = ids_now(pkt), number = ids_flow_number();

	if (!number || __sync_val_compare_and_swap(&flow->id, id, IDS_FLOW_BUSY) != id)
		return false;
	if (id)
		ids_flow_replaced(pkt, flow, id, end);
	if (tag)
		*(volatile __u32 *)tag = ids_flow_tag(pkt->flow_hash);
	ids_tuple_make(key, pkt->saddr.half[0], pkt->saddr.half[1], pkt->daddr.half[0], pkt->daddr.half[1], pkt->sport,
		       pkt->dport, ids_flow_kind(pkt));
	flow->start = flow->last = now;
	flow->cached[0] = flow->cached[1] = 0;
	flow->ifindex = pkt->ifindex;
	flow->sid = flow->rtt_us = flow->server_us = flow->client_us = 0;
	flow->first[0] = ids_get(pkt, IDS_FIELD_ICMP_TYPE);
	flow->first[1] = ids_get(pkt, IDS_FIELD_ICMP_CODE);
	flow->vlans = pkt->vlans;
	flow->inner = pkt->vlan[1];
	flow->proven = 0;
	flow->told[0] = flow->told[1] = 0;
	__builtin_memset(flow->dir, 0, sizeof(flow->dir));
	/* The source is the client, unless the caller turns it round. */
	*(volatile __u32 *)&flow->state = IDS_FLOW_NEW | (pkt->swapped ? IDS_FLOW_CLIENT_SECOND << 16 : 0);
	/* A full barrier: whoever sees the id sees what it stands for. */
	__sync_lock_test_and_set(&flow->id, number);
	pkt->flow_id = number;
	ids_count(IDS_STAT_FLOWS);
	return true;
}

/* Begins the packet's flow anew in the entry that it has. */
static __always_inline void ids_flow_restart(struct ids_packet *pkt, struct ids_flow *flow, __u32 end)
{
	pkt->flow_id = 0;
	ids_flow_write(pkt, flow, 0, *(volatile __u64 *)&flow->id, end);
}

/*
 * Finds a place for the packet's flow: pkt->flow and flow_id, or flow_id 0 if every place of the bucket is kept. Which
 * place is the best one so far lies in the packet.
 */
__noinline int ids_flow_begin(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	__u32 bucket, try, n;
	struct ids_flow_line *line;

	if (!pkt || !control)
		return 0;
	bucket = pkt->flow_hash & (ids_flow_buckets() - 1);
	line = bpf_map_lookup_elem(&ids_flow_tags, &bucket);
	if (!line)
		return 0;
#pragma clang loop unroll(disable)
	for (try = 0; try < IDS_FLOW_TRIES; try++) {
		__u64 now = ids_coarse(pkt);
		struct ids_flow *flow;

		pkt->seen = IDS_PLACE_KEPT;
		pkt->best_id = 0;
		pkt->best_last = 0;
#pragma clang loop unroll(disable)
		for (n = 0; n < IDS_FLOW_WAYS; n++) {
			__u32 standing;
			__u64 id;

			flow = ids_flow_at(bucket * IDS_FLOW_WAYS + n);
			if (!flow)
				break;
			id = *(volatile __u64 *)&flow->id;
			standing = ids_flow_standing(control, flow, id, now);
			if (standing > pkt->seen || standing == IDS_PLACE_KEPT ||
			    (standing == pkt->seen && flow->last >= pkt->best_last))
				continue;
			pkt->seen = standing;
			pkt->cursor = n;
			pkt->best_id = id;
			pkt->best_last = flow->last;
			if (standing == IDS_PLACE_FREE)
				break;
		}
		if (pkt->seen == IDS_PLACE_KEPT)
			break;
		n = pkt->cursor & (IDS_FLOW_WAYS - 1);
		pkt->flow = bucket * IDS_FLOW_WAYS + n;
		flow = ids_flow_at(pkt->flow);
		if (!flow)
			break;
		if (ids_flow_write(pkt, flow, &line->tag[n], pkt->best_id,
				   pkt->seen == IDS_PLACE_HALF_OPEN ? IDS_FLOW_END_EVICTED : IDS_FLOW_END_TIMEOUT))
			return 0;
	}
	ids_count(IDS_STAT_FLOWS_FULL);
	return 0;
}

#endif
