/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Rate bounds: token buckets of one word each (GCRA), so that a flood costs counters and not events. */
#ifndef IDS_RATES_H
#define IDS_RATES_H

#include "clock.h"
#include "hash.h"

/* Tries before a bucket that others are taking from counts as empty. */
#define IDS_RATE_TRIES 4

/*
 * Takes a token from a bucket of `rate` tokens that refills `rate` a second. Its word is the time at which it will be
 * full again; a time that lies farther ahead than that is a leftover of another clock.
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
		__u64 full = seen > now && seen - now <= 2 * IDS_SECOND ? seen : now;

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
	__u32 index = ids_mix(ids_source_hash(pkt) + sid + 1) & (IDS_RATE_CELLS - 1);

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return true;
	return ids_take(index, now, control->source_rate) &&
	       ids_take(IDS_RATE_CELLS + position, now, control->rule_rate);
}

/* Whether an event of a list stage may be written for this source. */
static __always_inline bool ids_may_report(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	__u64 hash;

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return true;
	/* Every dropped packet comes by here: cheaper than SipHash, as all that a collision costs is a shared bucket. */
	hash = ids_mix(ids_mix(pkt->saddr.half[0] ^ control->secret[0]) + (pkt->saddr.half[1] ^ control->secret[1]));
	return ids_take(hash & (IDS_RATE_CELLS - 1), ids_now(pkt), control->blocked_rate);
}

#endif
