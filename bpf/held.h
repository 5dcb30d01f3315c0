/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Requests that wait for the response that decides whether they are logged: as records, masked like all that leaves. */
#ifndef IDS_HELD_H
#define IDS_HELD_H

#include "http_record.h"

#define IDS_HELD_WAYS 8
/* A request that waited so long gives its place away: the engine waits no longer either. */
#define IDS_HELD_IDLE (120 * IDS_SECOND)
#define IDS_HELD_BUSY 1 /* owner: being written */

struct ids_held {
	__u64 owner; /* flow id << 3 | place in its queue; 0: free */
	__u64 since; /* nanoseconds of now(), coarse */
	__u32 flow;
	__u32 size; /* of the record */
	__u8 record[IDS_HELD_MAX];
};

_Static_assert(IDS_QUEUE == 8, "an owner has three bits for the place in the queue");

/*
 * Written and read by layer 7 alone. The size: a server with 1,000 requests under way at once; 3 MB. What finds no place
 * goes to the engine, which selects as well.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_HELD);
	__type(key, __u32);
	__type(value, struct ids_held);
} ids_held SEC(".maps");

static __always_inline __u64 ids_held_owner(const struct ids_packet *pkt, __u32 queued)
{
	return pkt->flow_id << 3 | ((queued - 1) & (IDS_QUEUE - 1));
}

/* Whether nobody comes for the request any more: its flow is another one, has ended, or has it no longer in its queue. */
static __always_inline bool ids_held_over(struct ids_packet *pkt, const struct ids_held *held, __u64 owner, __u32 index)
{
	__u32 at = held->flow;
	const struct ids_l7 *l7 = bpf_map_lookup_elem(&ids_l7_flows, &at);
	const struct ids_flow *flow = ids_flow_at(at);

	if (!l7 || !flow || l7->id != owner >> 3 || flow->id != owner >> 3)
		return true;
	if (l7->chosen[owner & (IDS_QUEUE - 1)] != IDS_CHOSEN_HELD + index)
		return true;
	if (flow->state == IDS_FLOW_CLOSED)
		return true;
	return ids_coarse(pkt) - held->since > IDS_HELD_IDLE;
}

/* Lets the section wait as a record with these flags. Returns 0 if it does not fit or there is no place. */
__noinline int ids_held_keep(struct ids_packet *pkt, struct ids_io *io, __u32 length, __u32 flags)
{
	struct ids_held *held = 0;
	struct bpf_dynptr record;
	__u32 n, first, index = 0;
	struct ids_l7 *l7;
	__u64 owner;

	if (!pkt || !io)
		return 0;
	l7 = ids_l7_of(pkt);
	barrier_var(length);
	if (!l7 || !pkt->flow_id || length == 0 || length > IDS_HELD_MAX - sizeof(struct ids_http) ||
	    ids_http_size(io, length) > IDS_HELD_MAX) {
		ids_count(IDS_STAT_HTTP_HELD_FULL);
		return 0;
	}
	owner = ids_held_owner(pkt, io->message.queued);
	first = ids_mix(owner);
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_HELD_WAYS; n++) {
		__u64 before;

		index = (first + n) & (IDS_HELD - 1);
		held = bpf_map_lookup_elem(&ids_held, &index);
		if (!held)
			return 0;
		before = *(volatile __u64 *)&held->owner;
		if (before != IDS_HELD_BUSY && (!before || ids_held_over(pkt, held, before, index)) &&
		    __sync_val_compare_and_swap(&held->owner, before, IDS_HELD_BUSY) == before)
			break;
		held = 0;
	}
	if (!held) {
		ids_count(IDS_STAT_HTTP_HELD_FULL);
		return 0;
	}
	held->since = ids_coarse(pkt);
	held->flow = pkt->flow;
	held->size = ids_http_size(io, length);
	bpf_dynptr_from_mem(held->record, sizeof(held->record), 0, &record);
	ids_http_fill(pkt, io, length, flags, &record);
	l7->chosen[owner & (IDS_QUEUE - 1)] = IDS_CHOSEN_HELD + index;
	/* Only now may anybody ask whether it is still waited for. */
	__sync_lock_test_and_set(&held->owner, owner);
	ids_count(IDS_STAT_HTTP_HELD);
	return 1;
}

/* The response of a request that waits is there: `wanted` says whether the request is handed over. 0 if it is gone. */
__noinline int ids_held_settle(struct ids_packet *pkt, __u32 queued, __u32 index, int wanted)
{
	struct ids_held *held;
	struct ids_l7 *l7;
	__u64 owner;
	__u32 size;
	int found;

	if (!pkt)
		return 0;
	owner = ids_held_owner(pkt, queued);
	held = bpf_map_lookup_elem(&ids_held, &index);
	l7 = ids_l7_of(pkt);
	if (!held || !l7)
		return 0;
	found = *(volatile __u64 *)&held->owner == owner;
	size = held->size;
	barrier_var(size);
	if (found && wanted && size && size <= IDS_HELD_MAX) {
		/* The record of its response follows. */
		if (bpf_ringbuf_output(&ids_bulk, held->record, size, BPF_RB_NO_WAKEUP))
			ids_count(IDS_STAT_BULK_LOST);
		else
			ids_count(IDS_STAT_BULK);
	}
	l7->chosen[owner & (IDS_QUEUE - 1)] = IDS_CHOSEN_NOT;
	if (found)
		__sync_val_compare_and_swap(&held->owner, owner, 0);
	else
		ids_count(IDS_STAT_HTTP_HELD_LOST);
	return found;
}

#endif
