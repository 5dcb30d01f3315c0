/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the fast way asks of layer 7: whether there is anything for it to see in a segment. */
#ifndef IDS_L7_FAST_H
#define IDS_L7_FAST_H

#include "l7_state.h"

static __always_inline bool ids_l7_is_on(void)
{
	const struct ids_l7_settings *settings = ids_l7_setting();

	return settings && settings->flags & (IDS_L7_HTTP | IDS_L7_TLS | IDS_L7_DNS);
}

/*
 * Whether the rules that look into the payload have had all that they get of this direction: the rest is counted. The
 * first segment behind the depth goes the long way, which notes that it is behind.
 */
static __always_inline bool ids_l7_had_enough(const struct ids_l7_dir *dir, __u32 length)
{
	if (dir->flags & IDS_L7_INSPECT)
		return false;
	if (dir->flags & IDS_L7_BEYOND)
		ids_add(IDS_STAT_UNINSPECTED, length);
	return true;
}

/*
 * Whether `length` bytes of payload up to the sequence number `end` are nothing new: of a body, or of a direction that is
 * not looked at any more. One of which nothing is known yet is, where layer 7 is on.
 */
static __always_inline bool ids_l7_passes_by(__u32 index, __u64 id, __u32 side, __u32 end, __u32 length)
{
	const struct ids_l7 *l7 = bpf_map_lookup_elem(&ids_l7_flows, &index);
	const struct ids_l7_dir *dir;

	if (!l7)
		return false;
	if (l7->id != id)
		return !ids_l7_is_on();
	dir = &l7->dir[side & 1];
	if (!(dir->flags & IDS_L7_SYNCED))
		return false;
	if (dir->phase == IDS_PHASE_UNREAD ? !ids_l7_unread(l7)
					   : dir->phase != IDS_PHASE_QUIET && (__s32)(end - dir->next) > 0)
		return false;
	return ids_l7_had_enough(dir, length);
}

/* Rules on requests where nothing else turns layer 7 on: every segment is looked at. */
static __always_inline bool ids_l7_never_quiet(const struct ids_packet *pkt)
{
	return pkt->http && !ids_l7_is_on();
}

#endif
