/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is told of a flow whose entry goes to another one, and the histograms of times. */
#ifndef IDS_FLOW_RECORD_H
#define IDS_FLOW_RECORD_H

#include "flow_table.h"
#include "rates.h"
#include "wake.h"

/* Histograms of times, IDS_TIMES times IDS_TIME_BUCKETS. Written by the flow stage alone, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IDS_TIMES *IDS_TIME_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} ids_flow_times SEC(".maps");

/* Two buckets for each power of two of microseconds. */
static __always_inline void ids_flow_note_time(enum ids_flow_time kind, __u32 us)
{
	__u32 exponent = 0, rest = us, key;
	__u64 *count;
	int shift;

#pragma unroll
	for (shift = 16; shift; shift >>= 1) {
		if (rest >> shift) {
			rest >>= shift;
			exponent += shift;
		}
	}
	key = kind * IDS_TIME_BUCKETS + 2 * exponent + (exponent ? us >> (exponent - 1) & 1 : 0);
	count = bpf_map_lookup_elem(&ids_flow_times, &key);
	if (count)
		(*count)++;
}

/* Microseconds since the flow's start, never 0. */
static __always_inline __u32 ids_flow_us(const struct ids_flow *flow, __u64 now)
{
	return now > flow->start ? (__u32)((now - flow->start) / 1000) + 1 : 1;
}

/* The bucket of records of half-open flows: a flood of SYNs ends as many flows as it has packets. */
static __always_inline bool ids_flow_may_tell(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return true;
	return ids_take(ids_rate_cell(ids_mix(control->secret[0] + 1)), ids_coarse(pkt), control->rule_rate);
}

/* Writes the record of the flow whose entry the packet has taken over, before anything of it is overwritten. */
__noinline int ids_flow_tell(struct ids_packet *pkt, __u64 id, __u32 end)
{
	const struct ids_flow_orders *orders;
	struct ids_flow_record *record;
	const struct ids_flow *flow;
	__u32 index;

	if (!pkt)
		return 0;
	index = pkt->flow;
	flow = ids_flow_at(index);
	orders = bpf_map_lookup_elem(&ids_flow_orders, &index);
	if (!flow || !orders || orders->told == id)
		return 0;
	if (flow->state < IDS_FLOW_ESTABLISHED && end == IDS_FLOW_END_EVICTED && !ids_flow_may_tell(pkt)) {
		ids_count(IDS_STAT_FLOW_RECORDS_HELD);
		return 0;
	}
	record = bpf_ringbuf_reserve(&ids_bulk, sizeof(*record), 0);
	if (!record) {
		ids_count(IDS_STAT_FLOW_RECORDS_LOST);
		return 0;
	}
	__builtin_memset(&record->event, 0, sizeof(record->event));
	record->event.time = ids_coarse(pkt);
	record->event.type = IDS_EVENT_FLOW;
	record->event.flow_id = id;
	record->event.flow = pkt->flow;
	__builtin_memcpy(&record->flow, flow, sizeof(record->flow));
	record->flow.id = id;
	if (!record->flow.end)
		record->flow.end = end;
	bpf_ringbuf_submit(record, ids_wake(pkt, false));
	ids_count(IDS_STAT_FLOW_RECORDS);
	return 0;
}

/* The flow with that id has ended, and its place goes to the packet's flow. */
static __always_inline void ids_flow_replaced(struct ids_packet *pkt, const struct ids_flow *flow, __u64 id, __u32 end)
{
	if (flow->state == IDS_FLOW_ANSWERED)
		ids_count(IDS_STAT_HALF_OPEN);
	else if (flow->state == IDS_FLOW_NEW && flow->dir[IDS_TO_SERVER].tcp_flags & IDS_TCP_SYN)
		ids_count(IDS_STAT_UNANSWERED);
	if (end == IDS_FLOW_END_EVICTED)
		ids_count(IDS_STAT_FLOWS_EVICTED);
	if (pkt->control & IDS_CONTROL_LOG_FLOWS)
		ids_flow_tell(pkt, id, end);
}

#endif
