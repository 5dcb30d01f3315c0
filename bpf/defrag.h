/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Puts the fragments of a datagram together, so that it is judged as the host will see it. A fragment goes on to its host
 * once its bytes were copied; the verdict on the datagram falls on the fragment that completes it, without which the
 * others are of no use there.
 */
#ifndef IDS_DEFRAG_H
#define IDS_DEFRAG_H

#include "clock.h"
#include "fragment_copy.h"
#include "hash.h"
#include "lists.h"

/* Tries to get the lock of a set; whoever has it copies one packet. */
#define IDS_DEFRAG_TRIES   8192
/* Seconds, unless set: no host waits longer for the rest (RFC 1122 3.3.2). */
#define IDS_DEFRAG_TIMEOUT 60

static __always_inline __u64 ids_defrag_timeout(void)
{
	const struct ids_control *control = ids_settings();
	__u32 seconds = control ? control->timeout[IDS_TIMEOUT_FRAGMENTS] : 0;

	return (seconds ?: IDS_DEFRAG_TIMEOUT) * IDS_SECOND;
}

/* What the fragments of a datagram have in common. Those of IPv6 may differ in what they say is inside. */
static __always_inline __u64 ids_defrag_key(struct ids_packet *pkt)
{
	__u64 what = pkt->fragment_id | (__u64)pkt->vlan[0] << 32 | (__u64)pkt->layer << 48;

	if (pkt->ip_version == 4)
		what |= 1ULL << 52 | (__u64)pkt->proto << 56;
	return ids_siphash(ids_rotate(ids_source_hash(pkt), 1) + ids_target_hash(pkt), what) | 2;
}

struct ids_defrag_lock {
	struct ids_datagram_set *set;
	__u64 held;
};

static long ids_defrag_try(__u32 index, void *data)
{
	struct ids_defrag_lock *lock = data;

	(void)index;
	lock->held = __sync_val_compare_and_swap(&lock->set->busy, 0, 1) == 0;
	return lock->held;
}

/* What the fragment is; false of one that no datagram can hold. */
static __always_inline bool ids_fragment_open(struct ids_packet *pkt, struct ids_fragment *fragment)
{
	__u32 from = ids_get(pkt, IDS_FIELD_FRAGOFFSET) * 8;
	__u32 length = pkt->end - pkt->fragment_at;
	bool more = ids_get(pkt, IDS_FIELD_FRAGBITS) & 1;

	/* Hosts cut all but the last to whole units. */
	if (more)
		length &= ~7u;
	if (!pkt->fragment_at || pkt->fragment_at > pkt->end || !length || from + length > 65535)
		return false;
	if (pkt->ip_version == 4 && pkt->fragment_at - pkt->l3 + from + length > 65535)
		return false;
	fragment->from = from;
	fragment->length = length;
	fragment->at = pkt->fragment_at;
	fragment->more = more;
	fragment->done = fragment->overlap = fragment->conflict = 0;
	fragment->key = ids_defrag_key(pkt);
	return true;
}

/*
 * The place of the fragment's datagram: `known`, or else a free one, one that has timed out, or the oldest. With `hold`
 * nothing is displaced: the host might complete what we have forgotten. IDS_DATAGRAM_WAYS: there is none.
 */
static __always_inline __u32 ids_defrag_find(const struct ids_packet *pkt, const struct ids_datagram_set *set,
					     __u64 key, __u64 now, bool *known)
{
	__u64 timeout = ids_defrag_timeout(), least = ~0ULL;
	__u32 way, found = IDS_DATAGRAM_WAYS;

#pragma clang loop unroll(disable)
	for (way = 0; way < IDS_DATAGRAM_WAYS; way++) {
		__u64 since = set->since[way], worth = since + 1;
		bool outlived = now > since && now - since > timeout;

		if (set->key[way] == key) {
			*known = !outlived;
			return way;
		}
		if (set->key[way] == IDS_DATAGRAM_FREE || outlived)
			worth = 0;
		else if (set->key[way] == IDS_DATAGRAM_TAKEN || pkt->control & IDS_CONTROL_HOLD_FRAGMENTS)
			continue;
		if (worth < least) {
			least = worth;
			found = way;
		}
	}
	return found;
}

/* Empties a place, whose datagram was not completed. */
static __always_inline void ids_datagram_begin(struct ids_datagram *datagram)
{
	__u32 word;

	ids_count_more(IDS_STAT_FRAGMENTS_LOST, datagram->fragments);
	/* Too long for the compiler's memset. */
#pragma clang loop unroll(disable)
	for (word = 0; word < IDS_DATAGRAM_WORDS; word++)
		*(volatile __u64 *)&datagram->held[word] = 0;
	datagram->units = datagram->total = datagram->extent = datagram->fragments = 0;
	datagram->tolds = 0;
}

/* Keeps of the first fragment what the datagram is judged by. */
static __always_inline void ids_datagram_head(struct ids_packet *pkt, struct ids_datagram *datagram)
{
	__u32 n;

	datagram->head = pkt->fragment_at - pkt->l3 - (pkt->ip_version == 6 ? 8 : 0);
	datagram->proto = pkt->fragment_proto;
	datagram->ttl = ids_get(pkt, IDS_FIELD_TTL);
	datagram->tos = ids_get(pkt, IDS_FIELD_TOS);
	datagram->ipopts = ids_get(pkt, IDS_FIELD_IPOPTS);
	datagram->generation = pkt->generation;
	datagram->tolds = pkt->tolds;
	for (n = 0; n < IDS_MATCHES; n++)
		datagram->told[n] = pkt->told[n];
}

enum ids_defrag_result {
	IDS_DEFRAG_LOST = 0, /* the fragment found no room or is of no use */
	IDS_DEFRAG_KEPT = 1,
	IDS_DEFRAG_COMPLETE = 2,
};

/* Under the lock of the set: copies the fragment, or looks (fragment->looking) with what it conflicts. */
static __always_inline int ids_defrag_keep(void *ctx, const enum ids_hook hook, struct ids_packet *pkt,
					   struct ids_fragment *fragment, struct ids_datagram_set *set, __u32 number)
{
	struct ids_units units = { .first = fragment->from >> 3, .last = (fragment->from + fragment->length - 1) >> 3 };
	__u32 end = fragment->from + fragment->length;
	__u64 now = ids_now(pkt);
	bool known = false, first;
	__u32 n, way = ids_defrag_find(pkt, set, fragment->key, now, &known);
	struct ids_datagram *datagram;

	barrier_var(way);
	if (way >= IDS_DATAGRAM_WAYS || (fragment->looking && !known))
		return IDS_DEFRAG_LOST;
	fragment->index = number * IDS_DATAGRAM_WAYS + way;
	datagram = ids_datagram(fragment->index);
	if (!datagram)
		return IDS_DEFRAG_LOST;
	if (!known) {
		ids_datagram_begin(datagram);
		set->key[way] = fragment->key;
		set->since[way] = now;
	}
	/* The end of a datagram is where the first fragment without a follower has put it. */
	if (datagram->total ? end > datagram->total || (!fragment->more && end != datagram->total)
			    : !fragment->more && datagram->extent > end) {
		fragment->conflict = 1;
		return IDS_DEFRAG_LOST;
	}
	units.datagram = datagram;
	bpf_loop(IDS_DATAGRAM_WORDS, ids_count_units, &units, 0);
	fragment->overlap = units.found;
	if (fragment->looking && !units.found)
		return IDS_DEFRAG_KEPT;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_DATAGRAM_MAX / IDS_DATAGRAM_STEP; n++) {
		if (!ids_fragment_step(ctx, hook, pkt))
			break;
	}
	if (fragment->looking)
		return IDS_DEFRAG_KEPT;
	if (fragment->done < fragment->length)
		return IDS_DEFRAG_LOST;
	first = !fragment->from && !(datagram->held[0] & 1);
	units.found = 0;
	bpf_loop(IDS_DATAGRAM_WORDS, ids_mark_units, &units, 0);
	datagram->units += units.found;
	datagram->fragments++;
	if (end > datagram->extent)
		datagram->extent = end;
	if (!fragment->more)
		datagram->total = end;
	if (first)
		ids_datagram_head(pkt, datagram);
	if (!datagram->total || datagram->units != (datagram->total + 7) >> 3)
		return IDS_DEFRAG_KEPT;
	set->key[way] = IDS_DATAGRAM_TAKEN;
	datagram->fragments = 0;
	return IDS_DEFRAG_COMPLETE;
}

/* Keeps the fragment at ids_fragment_scratch, or looks. */
IDS_OUTLINE(ids_defrag_locked)
{
	const struct ids_control *control = ids_settings();
	struct ids_fragment *fragment = ids_fragment();
	struct ids_defrag_lock lock = {};
	__u32 number;
	int result;

	if (!control || !fragment)
		return IDS_DEFRAG_LOST;
	number = fragment->key >> 2 & (control->datagram_sets - 1);
	lock.set = bpf_map_lookup_elem(&ids_datagram_sets, &number);
	if (!lock.set)
		return IDS_DEFRAG_LOST;
	bpf_loop(IDS_DEFRAG_TRIES, ids_defrag_try, &lock, 0);
	if (!lock.held)
		return IDS_DEFRAG_LOST;
	result = ids_defrag_keep(ctx, hook, pkt, fragment, lock.set, number);
	__sync_lock_test_and_set(&lock.set->busy, 0);
	return result;
}

/* Before the fragment is judged: notes whether it overlaps with other content than that of fragments before it. */
IDS_OUTLINE(ids_defrag_look)
{
	struct ids_fragment *fragment = ids_fragment();

	if (!fragment || !ids_fragment_open(pkt, fragment))
		return 0;
	fragment->looking = true;
	ids_defrag_locked(ctx, hook, pkt);
	if (fragment->conflict) {
		ids_count(IDS_STAT_FRAGMENT_CONFLICTS);
		ids_decode(pkt, pkt->ip_version == 4 ? IDS_DECODE_IP4_FRAG_OVERLAP : IDS_DECODE_IP6_FRAG_OVERLAP);
	}
	return 0;
}

/* Drops the fragment, unless its source is on the operator's allowlist. */
static __always_inline void ids_fragment_drop(struct ids_packet *pkt)
{
	pkt->verdict = IDS_VERDICT_DROP;
	pkt->reason = IDS_REASON_FRAGMENT;
	ids_spared(pkt, ids_allowed(pkt));
}

/* The entry under which a dropped datagram is remembered. */
static __always_inline struct ids_datagram_drop *ids_datagram_dropped(__u64 key)
{
	__u32 index = key >> 32 & (IDS_DATAGRAM_DROPS - 1);

	return bpf_map_lookup_elem(&ids_datagram_drops, &index);
}

/*
 * Keeps a fragment that was judged and may pass. The datagram's index + 1 if it is complete now, else 0. What cannot be
 * kept goes unjudged to a host that may be able to: it passes, or with `hold` it is dropped.
 */
IDS_OUTLINE(ids_defrag)
{
	struct ids_fragment *fragment = ids_fragment();
	const struct ids_datagram_drop *drop;
	int result = IDS_DEFRAG_LOST;

	if (!fragment)
		return 0;
	if (ids_fragment_open(pkt, fragment)) {
		drop = ids_datagram_dropped(fragment->key);
		if (drop && drop->key == fragment->key && ids_now(pkt) < drop->until) {
			ids_fragment_drop(pkt);
			return 0;
		}
		fragment->looking = false;
		result = ids_defrag_locked(ctx, hook, pkt);
	}
	if (result == IDS_DEFRAG_COMPLETE) {
		ids_count(IDS_STAT_REASSEMBLED);
		return fragment->index + 1;
	}
	if (result == IDS_DEFRAG_LOST) {
		ids_count(IDS_STAT_FRAGMENTS_LOST);
		if (pkt->control & IDS_CONTROL_HOLD_FRAGMENTS)
			ids_fragment_drop(pkt);
	}
	return 0;
}

/* Gives back the datagrams that the packet has completed. Of dropped ones the host must not get the missing fragment. */
__noinline int ids_defrag_release(struct ids_packet *pkt)
{
	__u32 n;

	if (!pkt)
		return 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_LAYERS; n++) {
		struct ids_datagram_drop *drop;
		struct ids_datagram_set *set;
		__u32 number, way;

		if (n >= pkt->taken)
			break;
		number = pkt->taken_index[n] / IDS_DATAGRAM_WAYS;
		way = pkt->taken_index[n] % IDS_DATAGRAM_WAYS;
		drop = pkt->verdict == IDS_VERDICT_PASS ? 0 : ids_datagram_dropped(pkt->taken_key[n]);
		if (drop) {
			drop->until = ids_now(pkt) + ids_defrag_timeout();
			drop->key = pkt->taken_key[n];
		}
		set = bpf_map_lookup_elem(&ids_datagram_sets, &number);
		if (set)
			set->key[way] = IDS_DATAGRAM_FREE;
	}
	pkt->taken = 0;
	return 0;
}

#endif
