/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sections that wait for more in flows that are over: nothing comes that could end them. A program of its own, which the
 * engine runs from time to time, hands them over as they are.
 */
#ifndef IDS_UNFINISHED_H
#define IDS_UNFINISHED_H

#include "stream.h"

/* First byte of the frame that the program is run over. */
enum ids_unfinished {
	IDS_UNFINISHED_ENDED = 0, /* of flows that have ended or timed out */
	IDS_UNFINISHED_ALL = 1,   /* of every flow: no packet comes any more */
};

/* Sections that one run hands over: it has the CPU to itself. */
#define IDS_UNFINISHED_MAX   32
/* Messages and what lies between them that one window may hold. */
#define IDS_UNFINISHED_TURNS 64

struct ids_unfinished_walk {
	struct ids_packet *pkt;
	__u32 what; /* enum ids_unfinished */
	__u32 done;
};

/* Whether nothing comes any more in the flow. */
static __always_inline bool ids_is_over(struct ids_packet *pkt, const struct ids_flow *flow, __u32 what)
{
	const struct ids_control *control = ids_settings();

	return what == IDS_UNFINISHED_ALL || (control && ids_flow_expired(control, flow, ids_coarse(pkt)));
}

/* Makes the packet one of the flow's direction `side` that brings nothing but its end. */
static __always_inline void ids_as_last(struct ids_packet *pkt, const struct ids_flow *flow, __u32 index, __u64 id,
					__u32 side)
{
	__u32 from = (!!(flow->flags & IDS_FLOW_CLIENT_SECOND) ^ side) & 1;
	const struct ids_ruleset *set;

	ids_clear_headers(pkt);
	ids_clear_decision(pkt);
	pkt->flow = index;
	pkt->flow_id = id;
	pkt->direction = side;
	pkt->app = flow->app;
	pkt->in_window = true;
	__builtin_memcpy(&pkt->saddr, flow->addr[from], sizeof(pkt->saddr));
	__builtin_memcpy(&pkt->daddr, flow->addr[from ^ 1], sizeof(pkt->daddr));
	pkt->sport = flow->port[from];
	pkt->dport = flow->port[from ^ 1];
	pkt->ip_version = pkt->saddr.half[0] || pkt->saddr.word[2] != bpf_htonl(0xffff) ? 6 : 4;
	pkt->proto_key = pkt->proto = flow->proto;
	pkt->ports = pkt->l4_read = true;
	pkt->layer = flow->layer;
	pkt->vlan[0] = flow->vlan;
	pkt->vlan[1] = flow->inner;
	pkt->vlans = flow->vlans;
	pkt->ifindex = flow->ifindex;
	pkt->frame_len = 0;
	/* For layer 7 alone: no packet has it. */
	pkt->field[IDS_FIELD_TCP_FLAGS] = IDS_TCP_FIN;
	ids_set(pkt, IDS_FIELD_FLOW, 0);
	ids_flow_bits(pkt, flow->proven);
	set = ids_ruleset(pkt);
	pkt->generation = set ? set->generation : 0;
	pkt->http = set && set->flags & IDS_RULESET_HTTP;
}

static long ids_unfinished_turn(__u32 index, void *data)
{
	struct ids_packet *pkt = *(struct ids_packet **)data;
	struct ids_l7 *l7 = ids_l7_of(pkt);
	struct ids_io *scratch = ids_io();
	struct ids_window *window;
	struct ids_l7_dir *dir;
	int look, step;

	(void)index;
	if (!l7 || !scratch || l7->id != pkt->flow_id)
		return 1;
	dir = ids_l7_dir(pkt, l7);
	window = dir->window ? ids_window_of(pkt, dir) : 0;
	if (!window || !window->io.length)
		return 1;
	window->io.flags |= IDS_IO_LAST;
	look = ids_l7_look(pkt, l7, &window->io);
	if (look == IDS_LOOK_MORE)
		return 1;
	step = ids_window_after(pkt, l7, scratch, look);
	/* What the compiler knows of the result the verifier does not. */
	barrier_var(step);
	return step != IDS_TURN_AGAIN;
}

/* Hands over what a window holds; it is free then. */
static long ids_unfinished_window(__u32 index, void *data)
{
	struct ids_unfinished_walk *walk = data;
	struct ids_window_owner *owner = ids_window_owner(index);
	struct ids_packet *pkt = walk->pkt;
	const struct ids_window *window = bpf_map_lookup_elem(&ids_windows, &index);
	const struct ids_flow *flow;
	__u64 key;

	if (!owner || !window || walk->done >= IDS_UNFINISHED_MAX)
		return 1;
	key = *(volatile __u64 *)&owner->key;
	if (!key)
		return 0;
	flow = ids_flow_at(window->flow);
	if (!flow)
		return 0;
	if (*(volatile __u64 *)&flow->id != key >> 1) {
		/* Another flow has taken its place, and nobody knows whose it was; or this is about to be written. */
		if (!ids_window_idle(owner, ids_coarse(pkt)))
			return 0;
		ids_count(IDS_STAT_SECTIONS_WITHHELD);
	} else {
		if (!ids_is_over(pkt, flow, walk->what))
			return 0;
		walk->done++;
		ids_as_last(pkt, flow, window->flow, key >> 1, key & 1);
		pkt->seq = window->io.begin + window->io.length;
		pkt->put = pkt->raw = pkt->plain = 0;
		if (!(flow->flags & IDS_FLOW_DROPPED) || pkt->control & IDS_CONTROL_MONITOR)
			bpf_loop(IDS_UNFINISHED_TURNS, ids_unfinished_turn, &pkt, 0);
	}
	__sync_val_compare_and_swap(&owner->key, key, 0);
	return 0;
}

/* Goes through the windows. */
static __always_inline void ids_unfinished(struct xdp_md *ctx)
{
	struct ids_unfinished_walk walk = { .pkt = ids_open(ctx, IDS_HOOK_XDP) };
	const __u8 *what = ids_frame_begin(ctx, IDS_HOOK_XDP);
	struct ids_pattern_room *room;
	__u32 zero = 0;

	if (!walk.pkt || (void *)(what + 1) > ids_frame_end(ctx, IDS_HOOK_XDP))
		return;
	walk.what = *what;
	bpf_loop(((struct bpf_map *)&ids_windows)->max_entries, ids_unfinished_window, &walk, 0);
	/* What rules of the kernel could find was found when the bytes came. */
	room = bpf_map_lookup_elem(&ids_pattern_scratch, &zero);
	if (room)
		room->live = 0;
}

#endif
