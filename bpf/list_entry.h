/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the IPv4 and the IPv6 blocklist share: the hash, the question to one entry, the counters of a hit. */
#ifndef IDS_LIST_ENTRY_H
#define IDS_LIST_ENTRY_H

#include "clock.h"

/* What two entries of one prefix would have in common. */
#define IDS_ENTRY_KEY     (IDS_ENTRY_LENGTH | IDS_ENTRY_USED)
/* Lengths that only ids_list_root.lengths tells. */
#define IDS_SHORT_LENGTHS ((1u << IDS_SHORT) - 1)

/* What a look into one line says. */
enum ids_step {
	IDS_STEP_ON,    /* the entry may lie in the next one */
	IDS_STEP_NONE,  /* there is no such entry that decides */
	IDS_STEP_FOUND, /* it ends the search */
};

static __always_inline const struct ids_list_root *ids_lists(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ids_list_root, &zero);
}

/* Keyed, so that nobody who chooses what gets listed can aim at one line. */
static __always_inline __u32 ids_list_mix(__u32 hash, __u32 seed)
{
	hash *= seed;
	return hash ^ hash >> 15;
}

static __always_inline __u32 ids_list_start(const struct ids_list_root *root, __u32 length)
{
	return root->seed[0] + length * 0x9e3779b9u;
}

/* The line where the search begins. */
static __always_inline __u32 ids_list_home(const struct ids_list_root *root, __u32 hash, __u32 lines)
{
	return (__u64)ids_list_mix(hash, root->seed[2]) * lines >> 32;
}

/* Position of the highest bit that is set, by de Bruijn's sequence: without branches, which the verifier would all walk. */
static __always_inline __u32 ids_highest(__u32 bits)
{
	static const __u8 place[32] = { 0, 9,  1,  10, 13, 21, 2,  29, 11, 14, 16, 18, 22, 25, 3, 30,
					8, 12, 20, 28, 15, 17, 24, 7,  19, 27, 23, 6,  26, 5,  4, 31 };

	bits |= bits >> 1;
	bits |= bits >> 2;
	bits |= bits >> 4;
	bits |= bits >> 8;
	bits |= bits >> 16;
	return place[bits * 0x07c4acddu >> 27 & 31];
}

/* Whether this entry ends the search: it acts, has the bits that are wanted, and drops. One that alerts is kept in mind. */
static __always_inline int ids_list_consider(struct ids_packet *pkt, __u32 meta, __u32 expires, __u32 place, __u32 want)
{
	if (expires && ids_coarse(pkt) >= expires * IDS_SECOND) {
		pkt->expired = true;
		return 0;
	}
	if (want & ~meta || (meta & IDS_ENTRY_ALERT && pkt->listed))
		return 0;
	pkt->listed = meta;
	pkt->entry = place;
	return !(meta & IDS_ENTRY_ALERT);
}

#define IDS_HIT_TIME ((1ULL << IDS_HIT_TIME_BITS) - 1)
#define IDS_HIT_ONE  (1ULL << IDS_HIT_TIME_BITS)

/* Two words in one: if another CPU was faster, the time is its time as well. */
static __always_inline void ids_list_count(__u64 *hit, __u64 time)
{
	__u64 seen = *(volatile __u64 *)hit;

	if (__sync_val_compare_and_swap(hit, seen, ((seen & ~IDS_HIT_TIME) + IDS_HIT_ONE) | time) != seen)
		__sync_fetch_and_add(hit, IDS_HIT_ONE);
}

/* Names the primary origin of the set of the entry that was found. */
static __always_inline void ids_list_origin(struct ids_packet *pkt)
{
	__u32 set = pkt->listed >> IDS_ENTRY_SET_SHIFT;
	const struct ids_set *origins = bpf_map_lookup_elem(&ids_sets, &set);

	pkt->origin = origins ? origins->origin : 0;
}

/* Counts a packet of the entry that was found, and of its origin, which has been named. */
static __always_inline void ids_list_hit(struct ids_packet *pkt)
{
	__u32 at = pkt->entry >> IDS_PLACE_SHIFT, i = pkt->entry & ((1u << IDS_PLACE_SHIFT) - 1);
	__u64 now = ids_coarse(pkt), time = now >> IDS_HIT_TIME_SHIFT & IDS_HIT_TIME;
	__u32 origin = pkt->origin;
	struct ids_hits *sum;

	if (i >= IDS_LINE_ENTRIES)
		return;
	if (pkt->ip_version == 4) {
		struct ids_line4 *line = bpf_map_lookup_elem(&ids_entries4, &at);

		if (line)
			ids_list_count(&line->hits[i], time);
	} else {
		struct ids_line6 *line = bpf_map_lookup_elem(&ids_entries6, &at);

		if (line)
			ids_list_count(&line->hits[i], time);
	}
	sum = bpf_map_lookup_elem(&ids_origin_hits, &origin);
	if (sum) {
		sum->packets++;
		sum->bytes += pkt->frame_len;
		sum->last_seen = now;
	}
}

#endif
