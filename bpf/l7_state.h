/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What layer 7 keeps of a flow, its settings, and the notes that something is wrong with a stream. */
#ifndef IDS_L7_STATE_H
#define IDS_L7_STATE_H

#include "events.h"
#include "flow_table.h"
#include "io.h"
#include "wake.h"

/* By flow index, as many as ids_flows (set by the loader). Written by the layer-7 stage alone, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_FLOW_BUCKETS *IDS_FLOW_WAYS);
	__type(key, __u32);
	__type(value, struct ids_l7);
	__uint(map_flags, BPF_F_MMAPABLE);
} ids_l7_flows SEC(".maps");

/* Stands in for the state of a flow without an entry: such a packet is judged for itself. Written by layer 7 alone. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_l7);
} ids_l7_loose SEC(".maps");

/* Settings. Written by the engine, read by layer 7. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_l7_settings);
	__uint(map_flags, BPF_F_MMAPABLE);
} ids_l7_settings SEC(".maps");

static __always_inline const struct ids_l7_settings *ids_l7_setting(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ids_l7_settings, &zero);
}

static __always_inline struct ids_l7 *ids_l7_loosely(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ids_l7_loose, &zero);
}

/* The state of the packet's flow; null never happens. */
static __always_inline struct ids_l7 *ids_l7_of(const struct ids_packet *pkt)
{
	__u32 index = pkt->flow;

	if (!pkt->flow_id)
		return ids_l7_loosely();
	return bpf_map_lookup_elem(&ids_l7_flows, &index);
}

static __always_inline struct ids_l7_dir *ids_l7_dir(const struct ids_packet *pkt, struct ids_l7 *l7)
{
	return &l7->dir[pkt->direction & 1];
}

/* How far `a` lies behind `b`, both sequence numbers. */
static __always_inline __s32 ids_behind(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

static __always_inline void ids_add(enum ids_stat stat, __u64 count)
{
	__u32 key = stat;
	__u64 *sum = bpf_map_lookup_elem(&ids_stats, &key);

	if (sum)
		*sum += count;
}

/* Says on the flow's entry what layer 7 found out. */
static __always_inline void ids_flow_note(struct ids_packet *pkt, __u8 flags, __u8 app)
{
	struct ids_flow *flow = pkt->flow_id ? ids_flow_at(pkt->flow) : 0;

	if (app)
		pkt->app = app;
	if (!flow || flow->id != pkt->flow_id)
		return;
	if (app)
		flow->app = app;
	if (flags)
		ids_flow_flag(flow, flags);
}

/* Notes that something is wrong with a direction; the first time of each kind is an event. */
__noinline int ids_l7_anomaly(struct ids_packet *pkt, struct ids_l7 *l7, __u32 flag)
{
	struct ids_l7_dir *dir;

	if (!pkt || !l7)
		return 0;
	dir = ids_l7_dir(pkt, l7);
	if (dir->flags & flag)
		return 0;
	dir->flags |= flag;
	if (!ids_may_alert(pkt, 0, flag))
		ids_count(IDS_STAT_EVENTS_SUPPRESSED);
	else
		ids_write(pkt, IDS_EVENT_ANOMALY, flag, 0);
	return 0;
}

/* Gives up on what is open in this direction: where the next message begins has to be found out. */
__noinline int ids_l7_lose(struct ids_packet *pkt, struct ids_l7 *l7, __u32 flag)
{
	struct ids_l7_dir *dir;

	if (!pkt || !l7)
		return 0;
	dir = ids_l7_dir(pkt, l7);
	if (dir->phase != IDS_PHASE_LOST)
		ids_count(IDS_STAT_SECTIONS_WITHHELD);
	dir->phase = IDS_PHASE_LOST;
	dir->tries = 0;
	dir->flags |= flag;
	l7->remaining[pkt->direction & 1] = 0;
	ids_flow_note(pkt, IDS_FLOW_WITHHELD, 0);
	return 0;
}

/* Whether nobody asks for responses of HTTP on this flow, and none may change what is spoken on it. */
static __always_inline bool ids_l7_unread(const struct ids_l7 *l7)
{
	const struct ids_l7_settings *settings = ids_l7_setting();

	return !l7->switches && !(l7->dir[IDS_TO_CLIENT].flags & IDS_L7_INSPECT) && settings &&
	       !(settings->flags & (IDS_L7_LOG_HTTP | IDS_L7_ALL_RESPONSES | IDS_L7_RESPONSES));
}

#endif
