/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Thresholds of rules, with the semantics of Suricata 8, in one table that all CPUs share: counts are exact. */
#ifndef IDS_THRESHOLDS_H
#define IDS_THRESHOLDS_H

#include "clock.h"
#include "hash.h"
#include "sets.h"

/* A backoff has no window; its entry is kept this long after the last match, as a flow would be. */
#define IDS_BACKOFF_IDLE (3600 * IDS_SECOND)

/* What a threshold makes of a match. */
enum ids_threshold_result {
	IDS_RESULT_NONE = 0,   /* no match at all */
	IDS_RESULT_ALERT = 1,  /* acts and alerts */
	IDS_RESULT_SILENT = 2, /* acts, but does not alert */
	IDS_RESULT_RATED = 3,  /* acts by the action of the rate_filter, and alerts */
};

/* Names the state of this rule for what it tracks; never 0. */
static __always_inline __u64 ids_threshold_key(struct ids_packet *pkt, const struct ids_rule *rule)
{
	__u64 tracked = 0;

	switch (rule->track) {
	case IDS_TRACK_SRC:
		tracked = ids_source_hash(pkt);
		break;
	case IDS_TRACK_DST:
		tracked = ids_target_hash(pkt);
		break;
	case IDS_TRACK_BOTH:
		/* The same in both directions. */
		tracked = ids_source_hash(pkt) + ids_target_hash(pkt);
		break;
	case IDS_TRACK_FLOW:
		tracked = ids_mix(ids_source_hash(pkt) + pkt->sport) + ids_mix(ids_target_hash(pkt) + pkt->dport) +
			  pkt->proto;
		break;
	}
	return ids_mix(tracked ^ ids_mix(rule->key + 1ULL)) | 1;
}

/* Where the state is, or where it may be put: of a full bucket an expired entry goes first, then the lowest count. */
static __always_inline __u32 ids_find_way(const struct ids_bucket *bucket, __u64 key, __u64 now, bool *evicted)
{
	__u64 least = ~0ULL;
	__u32 victim = 0;
	__u32 way;

	for (way = 0; way < IDS_BUCKET_WAYS; way++) {
		const struct ids_slot *slot = &bucket->way[way];
		__u64 worth = 0;

		if (slot->key == key)
			return way;
		if (slot->key && now <= slot->expires)
			worth = 1 + ((__u64)slot->count << 32 | slot->expires >> 30);
		if (worth < least) {
			least = worth;
			victim = way;
		}
	}
	*evicted = least;
	return victim;
}

/* The next step of a window that is open (`fresh`: opened by this packet, which is counted). */
static __always_inline int ids_threshold_step(struct ids_slot *slot, const struct ids_rule *rule, bool fresh)
{
	__u32 count = rule->count;

	switch (rule->threshold) {
	case IDS_THRESHOLD_LIMIT:
		return fresh || slot->count <= count ? IDS_RESULT_ALERT : IDS_RESULT_SILENT;
	case IDS_THRESHOLD_THRESHOLD:
		if (slot->count < count || fresh)
			return IDS_RESULT_NONE;
		slot->count = 0;
		return IDS_RESULT_ALERT;
	case IDS_THRESHOLD_BOTH:
		if (slot->count == count)
			return IDS_RESULT_ALERT;
		return slot->count > count && !fresh ? IDS_RESULT_SILENT : IDS_RESULT_NONE;
	case IDS_THRESHOLD_DETECTION:
		return slot->count > count && !fresh ? IDS_RESULT_ALERT : IDS_RESULT_NONE;
	case IDS_THRESHOLD_BACKOFF:
		if (fresh)
			slot->next = count;
		if (slot->count == slot->next) {
			__u64 next = (__u64)slot->next * rule->multiplier;

			slot->next = next > 0xffffffff ? 0xffffffff : next;
			return IDS_RESULT_ALERT;
		}
		return fresh ? IDS_RESULT_NONE : IDS_RESULT_SILENT;
	}
	return IDS_RESULT_ALERT;
}

/*
 * rate_filter. Until `expires` matches are counted; `next` is the second behind the one in which they became too many.
 * From then on `expires` keeps the entry for as long as the filter is in force, in whole seconds as in Suricata, and
 * `count` is what was left of the window at the beginning of that second, in units of 2^20 ns.
 */
static __always_inline int ids_rate_step(struct ids_slot *slot, const struct ids_rule *rule, bool known, __u64 now)
{
	__u64 seconds = now / IDS_SECOND, left;

	if (!known || (!slot->next && now > slot->expires)) {
		slot->count = 1;
		slot->next = 0;
		slot->expires = now + rule->seconds * IDS_SECOND;
		return IDS_RESULT_ALERT;
	}
	if (slot->next) {
		if (seconds + 1 - slot->next <= rule->timeout)
			return IDS_RESULT_RATED;
		/* The match that ends it is not counted; the next one is too many again, if the window is still open. */
		slot->expires = (slot->next - 1ULL) * IDS_SECOND + ((__u64)slot->count << 20);
		slot->next = 0;
		slot->count = rule->count;
		return IDS_RESULT_ALERT;
	}
	if (slot->count != 0xffffffff)
		slot->count++;
	if (slot->count <= rule->count)
		return IDS_RESULT_ALERT;
	slot->next = seconds + 1;
	left = (slot->expires - seconds * IDS_SECOND + (1 << 20) - 1) >> 20;
	slot->count = left > 0xffffffff ? 0xffffffff : left;
	slot->expires = now + (rule->timeout + 1ULL) * IDS_SECOND;
	return IDS_RESULT_RATED;
}

/* Counts a distinct value; as detection_filter does: nothing matches until the count is exceeded. */
static __always_inline int ids_unique(struct ids_packet *pkt, const struct ids_rule *rule, struct ids_bucket *bucket,
				      __u64 key, __u32 number, __u32 epoch)
{
	__u32 way = number % IDS_BUCKET_WAYS;
	__u32 count = 0;

	if (ids_insert(rule, number, epoch, ids_distinct(pkt, rule->unique)) != IDS_SET_NEW)
		return IDS_RESULT_NONE;
	bpf_spin_lock(&bucket->lock);
	/* Whoever opened another window in between has forgotten this value. */
	if (bucket->way[way].key == key && bucket->way[way].next == epoch)
		count = ++bucket->way[way].count;
	bpf_spin_unlock(&bucket->lock);
	pkt->window = count;
	return count > rule->count ? IDS_RESULT_ALERT : IDS_RESULT_NONE;
}

/* Judges a match of a rule that has a threshold; pkt->window gets the count. */
__noinline int ids_threshold(struct ids_packet *pkt, const struct ids_rule *rule)
{
	bool evicted = false, fresh, unique, rate;
	struct ids_bucket *bucket;
	__u32 index, offset, way, epoch = 0, zero = 0;
	struct ids_slot *slot;
	__u64 key, now, idle, *epochs;
	int result;

	if (!pkt || !rule)
		return IDS_RESULT_ALERT;
	pkt->window = 1;
	if (rule->threshold == IDS_THRESHOLD_THRESHOLD && rule->count == 1)
		return IDS_RESULT_ALERT;
	now = ids_now(pkt);
	key = ids_threshold_key(pkt, rule);
	idle = rule->threshold == IDS_THRESHOLD_BACKOFF ? IDS_BACKOFF_IDLE : rule->seconds * IDS_SECOND;
	unique = rule->threshold == IDS_THRESHOLD_DETECTION && rule->unique && rule->set_buckets;
	offset = key >> 32 & ((rule->set_buckets ? rule->set_buckets : IDS_COMMON_BUCKETS) - 1);
	index = rule->set_buckets ? rule->set_first + offset : offset;
	bucket = bpf_map_lookup_elem(&ids_thresholds, &index);
	epochs = bpf_map_lookup_elem(&ids_epoch, &zero);
	if (!bucket || !epochs) {
		ids_count(IDS_STAT_THRESHOLD_FULL);
		return rule->threshold == IDS_THRESHOLD_LIMIT || rule->threshold == IDS_THRESHOLD_RATE
			       ? IDS_RESULT_ALERT
			       : IDS_RESULT_NONE;
	}

	bpf_spin_lock(&bucket->lock);
	way = ids_find_way(bucket, key, now, &evicted) & (IDS_BUCKET_WAYS - 1);
	slot = &bucket->way[way];
	fresh = slot->key != key || now > slot->expires;
	rate = rule->threshold == IDS_THRESHOLD_RATE;
	if (fresh && !rate) {
		slot->count = 0;
		slot->expires = now + idle;
		if (unique)
			slot->next = __sync_fetch_and_add(epochs, 1) + 1;
	}
	fresh = rate ? slot->key != key : fresh;
	slot->key = key;
	if (rule->threshold == IDS_THRESHOLD_BACKOFF)
		slot->expires = now + idle;
	if (unique) {
		epoch = slot->next;
		result = slot->count > rule->count ? IDS_RESULT_ALERT : IDS_RESULT_NONE;
		pkt->window = slot->count;
	} else if (rate) {
		result = ids_rate_step(slot, rule, !fresh, now);
		pkt->window = result == IDS_RESULT_RATED ? rule->count + 1 : slot->count;
	} else {
		if (slot->count != 0xffffffff)
			slot->count++;
		pkt->window = slot->count;
		result = ids_threshold_step(slot, rule, fresh);
	}
	bpf_spin_unlock(&bucket->lock);

	if (evicted)
		ids_count(IDS_STAT_THRESHOLD_EVICTED);
	if (unique && result == IDS_RESULT_NONE)
		result = ids_unique(pkt, rule, bucket, key, offset * IDS_BUCKET_WAYS + way, epoch);
	return result;
}

#endif
