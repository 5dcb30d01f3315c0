/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Rate bounds: token buckets of one word each (GCRA), so that a flood costs counters and not events. */
#ifndef IDS_RATES_H
#define IDS_RATES_H

#include "clock.h"
#include "hash.h"

/* Tries before a bucket that others are taking from counts as empty. */
#define IDS_RATE_TRIES 4

/* The cell for a hash. */
static __always_inline __u32 ids_rate_cell(__u64 hash)
{
	return hash & (IDS_RATE_CELLS - 1);
}

/* The time at which a bucket will be full; one that lies too far ahead is a leftover of another clock. */
static __always_inline __u64 ids_full(__u64 seen, __u64 now)
{
	return seen > now && seen - now <= 2 * IDS_SECOND ? seen : now;
}

/* Whether a bucket has a token, which stays there. */
static __always_inline bool ids_may_take(__u32 index, __u64 now, __u32 rate)
{
	const __u64 *word = bpf_map_lookup_elem(&ids_rates, &index);

	return word && rate && ids_full(*(const volatile __u64 *)word, now) - now <= IDS_SECOND - IDS_SECOND / rate;
}

/*
 * Takes a token from a bucket of `rate` tokens that refills `rate` a second. Its word is the time at which it will be
 * full again.
 */
static __always_inline bool ids_take(__u32 index, __u64 now, __u32 rate)
{
	__u64 *word = bpf_map_lookup_elem(&ids_rates, &index);
	__u64 interval;
	int n;

	if (!word || !rate)
		return false;
	interval = IDS_SECOND / rate;
#pragma unroll
	for (n = 0; n < IDS_RATE_TRIES; n++) {
		__u64 seen = *(volatile __u64 *)word;
		__u64 full = ids_full(seen, now);

		if (full - now > IDS_SECOND - interval)
			return false;
		if (__sync_val_compare_and_swap(word, seen, full + interval) == seen)
			return true;
	}
	return false;
}

/*
 * Whether an event of this rule and the packet's source may be written. The source comes first: one that is held back
 * must not eat up what the rule has for the others.
 */
static __always_inline bool ids_may_alert(struct ids_packet *pkt, __u32 position, __u32 sid)
{
	const struct ids_control *control = ids_settings();
	__u64 now = ids_now(pkt);
	__u32 index = ids_rate_cell(ids_mix(ids_source_hash(pkt) + sid + 1));

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return true;
	return ids_take(index, now, control->source_rate) &&
	       ids_take(IDS_RATE_CELLS + position, now, control->rule_rate);
}

/* The cell that bounds the events of one origin of list entries, over all sources. */
static __always_inline __u32 ids_origin_cell(const struct ids_packet *pkt, const struct ids_control *control)
{
	return ids_rate_cell(ids_mix(control->secret[1] + pkt->origin));
}

/*
 * The cell of the packet's peer at a list stage. One that only reports may be an address rule of one protocol: a ping
 * must not eat up its alert. Nor must what goes to a peer eat up the events of what it sends: these have answers. Cheaper than SipHash: all that a collision costs is a shared bucket.
 */
static __always_inline __u32 ids_report_cell(const struct ids_packet *pkt, const struct ids_control *control)
{
	__u64 key = (pkt->event_type == IDS_EVENT_LISTED ? pkt->proto_key + 1 : 0) | (__u64)pkt->hook << 16;

	return ids_rate_cell(ids_mix(ids_mix(pkt->peer.half[0] ^ control->secret[0] ^ key) +
				     (pkt->peer.half[1] ^ control->secret[1])));
}

/* Whether no event of a list stage may be written for this source; takes nothing. */
static __always_inline bool ids_report_held(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	__u64 now = ids_coarse(pkt);

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return false;
	/* A flood from many sources ends here, at a word that stays in the cache. */
	return !ids_may_take(ids_origin_cell(pkt, control), now, control->rule_rate) ||
	       !ids_may_take(ids_report_cell(pkt, control), now, control->blocked_rate);
}

/* Whether an event of a list stage may be written for this source. */
static __always_inline bool ids_may_report(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	__u64 now = ids_coarse(pkt);

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return true;
	return ids_may_take(ids_origin_cell(pkt, control), now, control->rule_rate) &&
	       ids_take(ids_report_cell(pkt, control), now, control->blocked_rate) &&
	       ids_take(ids_origin_cell(pkt, control), now, control->rule_rate);
}

#endif
