/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The pool in which sections wait for the rest of their bytes: who holds a window, and when it may be taken away. */
#ifndef IDS_WINDOW_H
#define IDS_WINDOW_H

#include "l7_state.h"

/* Windows unless the loader makes the maps of another size, both of them: a power of two. 18 KB each. */
#define IDS_WINDOWS     512
#define IDS_WINDOW_WAYS 8
/* A window that nothing came for in so long may be taken by another section. */
#define IDS_WINDOW_IDLE (2 * IDS_SECOND)

/* A piece that came before what it follows: offsets in the section. */
struct ids_range {
	__u32 from;
	__u32 to;
};

struct ids_window {
	__u32 ranges; /* in use of range[]: ascending, apart, none touches the contiguous part */
	__u32 flow;   /* index of the flow's entry */
	struct ids_range range[IDS_WINDOW_RANGES];
	struct ids_io io; /* its contiguous part is `length`; pieces lie at their places behind it */
};

struct ids_window_owner {
	__u64 key;  /* flow id << 1 | direction; 0: free */
	__u64 last; /* nanoseconds of now(), coarse */
};

/* Sections that wait. Written and read by layer 7 alone; bounded, whoever sends what. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_WINDOWS);
	__type(key, __u32);
	__type(value, struct ids_window);
} ids_windows SEC(".maps");

/* Who holds them, IDS_WINDOW_WAYS candidates a key: apart, so that a search touches two cache lines. As many. */
struct ids_window_set {
	struct ids_window_owner way[IDS_WINDOW_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_WINDOWS / IDS_WINDOW_WAYS);
	__type(key, __u32);
	__type(value, struct ids_window_set);
} ids_window_sets SEC(".maps");

static __always_inline __u64 ids_window_key(const struct ids_packet *pkt)
{
	return pkt->flow_id << 1 | (pkt->direction & 1);
}

static __always_inline struct ids_window_owner *ids_window_owner(__u32 index)
{
	__u32 line = index / IDS_WINDOW_WAYS;
	struct ids_window_set *set = bpf_map_lookup_elem(&ids_window_sets, &line);

	return set ? &set->way[index % IDS_WINDOW_WAYS] : 0;
}

/* The window of the packet's direction, or null if it was taken away meanwhile. */
static __always_inline struct ids_window *ids_window_of(struct ids_packet *pkt, const struct ids_l7_dir *dir)
{
	__u32 index = (__u32)dir->window - 1;
	struct ids_window_owner *owner = ids_window_owner(index);

	if (!owner || *(volatile __u64 *)&owner->key != ids_window_key(pkt))
		return 0;
	owner->last = ids_coarse(pkt);
	return bpf_map_lookup_elem(&ids_windows, &index);
}

static __always_inline void ids_window_release(struct ids_packet *pkt, struct ids_l7_dir *dir)
{
	struct ids_window_owner *owner = ids_window_owner((__u32)dir->window - 1);

	dir->window = 0;
	if (owner)
		__sync_val_compare_and_swap(&owner->key, ids_window_key(pkt), 0);
}

/* Whether nothing came for a window for so long that it may be taken. Another CPU's `last` may lie a little ahead of ours. */
static __always_inline bool ids_window_idle(const struct ids_window_owner *owner, __u64 now)
{
	return (__s64)(now - owner->last) >= (__s64)IDS_WINDOW_IDLE;
}

/* Takes a window for the packet's direction, free or idle: dir->window. Returns 1, or 0 if all are in use. */
__noinline int ids_window_claim(struct ids_packet *pkt, struct ids_l7 *l7)
{
	struct ids_l7_dir *dir;
	struct ids_window_set *set;
	struct ids_window *window;
	__u32 line, n, index;
	__u64 now, key;

	if (!pkt || !l7)
		return 0;
	dir = ids_l7_dir(pkt, l7);
	key = ids_window_key(pkt);
	now = ids_coarse(pkt);
	line = ids_mix(key) & (((struct bpf_map *)&ids_window_sets)->max_entries - 1);
	set = bpf_map_lookup_elem(&ids_window_sets, &line);
	if (!set || !pkt->flow_id)
		return 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < 2 * IDS_WINDOW_WAYS; n++) {
		struct ids_window_owner *owner = &set->way[n % IDS_WINDOW_WAYS];
		__u64 held = *(volatile __u64 *)&owner->key;

		/* First the free ones, then those that nobody asks for. */
		if (held && held != key && (n < IDS_WINDOW_WAYS || !ids_window_idle(owner, now)))
			continue;
		if (__sync_val_compare_and_swap(&owner->key, held, key) != held)
			continue;
		owner->last = now;
		index = line * IDS_WINDOW_WAYS + n % IDS_WINDOW_WAYS;
		dir->window = index + 1;
		window = bpf_map_lookup_elem(&ids_windows, &index);
		if (window)
			window->flow = pkt->flow;
		return 1;
	}
	ids_count(IDS_STAT_WINDOWS_FULL);
	return 0;
}

#endif
