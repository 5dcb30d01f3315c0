/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Rate bounds: token buckets of one word each (GCRA), so that a flood costs counters and not events. */
#ifndef IDS_RATES_H
#define IDS_RATES_H

#include "clock.h"
#include "hash.h"

/* Tries before a bucket that others are taking from counts as empty. */
#define IDS_RATE_TRIES 4

/* The cell that bounds the events of the list stages as a whole. */
#define IDS_RATE_LISTS 0

/* The cell for a hash: any but that one. */
static __always_inline __u32 ids_rate_cell(__u64 hash)
{
	__u32 cell = hash & (IDS_RATE_CELLS - 1);

	return cell == IDS_RATE_LISTS ? IDS_RATE_LISTS + 1 : cell;
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

/* Whether an event of a list stage may be written for this source. */
static __always_inline bool ids_may_report(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	__u64 now = ids_now(pkt);
	__u64 hash;

	if (pkt->control & IDS_CONTROL_UNLIMITED || !control)
		return true;
	/* A flood from many sources ends here, at a word that stays in the cache. */
	if (!ids_may_take(IDS_RATE_LISTS, now, control->rule_rate))
		return false;
	/* Cheaper than SipHash, as all that a collision costs is a shared bucket. */
	hash = ids_mix(ids_mix(pkt->saddr.half[0] ^ control->secret[0]) + (pkt->saddr.half[1] ^ control->secret[1]));
	return ids_take(ids_rate_cell(hash), now, control->blocked_rate) &&
	       ids_take(IDS_RATE_LISTS, now, control->rule_rate);
}

#endif
