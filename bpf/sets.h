/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Exact sets of distinct values, without locks: how many ports or addresses somebody has touched in one window. */
#ifndef IDS_SETS_H
#define IDS_SETS_H

#include "hash.h"

/* A cell that is this little ahead belongs to whoever owns the set now; farther ahead it is a leftover. */
#define IDS_EPOCHS_AHEAD (1u << 20)

enum ids_set_result {
	IDS_SET_FULL,
	IDS_SET_NEW,
	IDS_SET_KNOWN,
	IDS_SET_LOST, /* the set belongs to another window by now */
};

struct ids_insertion {
	__u32 base; /* first cell of the set */
	__u32 mask; /* cells of the set - 1 */
	__u32 start;
	__u32 epoch;
	__u32 value;
	__u32 result; /* enum ids_set_result */
};

/* One probe; every CPU probes in the same order, so of two that insert one value one finds the other's. */
static long ids_probe(__u32 n, void *data)
{
	struct ids_insertion *set = data;
	__u32 index = set->base + ((set->start + n) & set->mask);
	__u64 wanted = (__u64)set->epoch << 32 | set->value;
	__u64 *cell;
	__u64 seen;

	if (n > set->mask)
		return 1;
	cell = bpf_map_lookup_elem(&ids_cells, &index);
	if (!cell)
		return 1;
	seen = *(volatile __u64 *)cell;
	if (seen >> 32 != set->epoch) {
		__u64 before = seen;

		set->result = IDS_SET_LOST;
		if ((__u32)(seen >> 32) - set->epoch < IDS_EPOCHS_AHEAD)
			return 1;
		seen = __sync_val_compare_and_swap(cell, before, wanted);
		if (seen == before) {
			set->result = IDS_SET_NEW;
			return 1;
		}
		if (seen >> 32 != set->epoch)
			return 1;
		set->result = IDS_SET_FULL;
	}
	if (seen == wanted) {
		set->result = IDS_SET_KNOWN;
		return 1;
	}
	return 0;
}

/* Puts `value` into set number `number` of the rule, as it is in `epoch`. */
static __always_inline enum ids_set_result ids_insert(const struct ids_rule *rule, __u32 number, __u32 epoch,
						      __u32 value)
{
	const struct ids_control *control = ids_settings();
	struct ids_insertion set = {
		.base = rule->set_base + number * rule->set_size,
		.mask = rule->set_size - 1,
		.start = ids_mix(value ^ (control ? control->secret[1] : 0)),
		.epoch = epoch,
		.value = value,
		.result = IDS_SET_FULL,
	};

	if (rule->set_size)
		bpf_loop(rule->set_size, ids_probe, &set, 0);
	if (set.result == IDS_SET_FULL)
		ids_count(IDS_STAT_SET_FULL);
	return set.result;
}

/* What the rule wants to see distinct; an IPv6 address as 32 bits of its keyed hash. */
static __always_inline __u32 ids_distinct(struct ids_packet *pkt, __u8 unique)
{
	switch (unique) {
	case IDS_UNIQUE_SRC_PORT:
		return bpf_ntohs(pkt->sport);
	case IDS_UNIQUE_DST_PORT:
		return bpf_ntohs(pkt->dport);
	case IDS_UNIQUE_SRC_IP:
		return pkt->ip_version == 4 ? pkt->saddr.word[3] : (__u32)ids_source_hash(pkt);
	default:
		return pkt->ip_version == 4 ? pkt->daddr.word[3] : (__u32)ids_target_hash(pkt);
	}
}

#endif
