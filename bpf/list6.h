/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The IPv6 blocklist: the first 24 bits as in IPv4, then the lengths that are present under the first 32 bits, the longest
 * first.
 */
#ifndef IDS_LIST6_H
#define IDS_LIST6_H

#include "list_entry.h"

static __always_inline __u32 ids_mask6(__u32 length, __u32 word)
{
	__u32 from = 32 * word;

	return length <= from ? 0 : length >= from + 32 ? ~0u : ~0u << (from + 32 - length);
}

/* As ids_list4_line, of the prefix in pkt->masked. */
__noinline int ids_list6_line(struct ids_packet *pkt, __u32 length, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	const __u32 key = length | IDS_ENTRY_USED;
	const struct ids_line6 *line;
	__u32 at;
	int i;

	if (!pkt || !root)
		return IDS_STEP_NONE;
	at = pkt->line;
	line = bpf_map_lookup_elem(&ids_entries6, &at);
	if (!line)
		return IDS_STEP_NONE;
#pragma unroll
	for (i = 0; i < IDS_LINE_ENTRIES; i++) {
		const struct ids_entry6 *entry = &line->entry[i];

		if (entry->addr[3] == pkt->masked[3] && entry->addr[2] == pkt->masked[2] &&
		    entry->addr[1] == pkt->masked[1] && entry->addr[0] == pkt->masked[0] &&
		    (entry->meta & IDS_ENTRY_KEY) == key)
			return ids_list_consider(pkt, entry->meta, entry->expires, at << IDS_PLACE_SHIFT | i, want)
				       ? IDS_STEP_FOUND
				       : IDS_STEP_NONE;
	}
	pkt->line = at + 1 < root->lines6 ? at + 1 : 0;
	return line->overflow ? IDS_STEP_ON : IDS_STEP_NONE;
}

/* As ids_list4_probe; the host bits of the address are cleared here. */
__noinline int ids_list6_probe(struct ids_packet *pkt, __u32 length, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	const struct ids_line6 *home;
	__u32 at, hash;
	int n;

	if (!pkt || !root)
		return 0;
	hash = ids_list_start(root, length);
#pragma unroll
	for (n = 0; n < 4; n++) {
		__u32 word = bpf_ntohl(pkt->peer.word[n]) & ids_mask6(length, n);

		pkt->masked[n] = word;
		hash = ids_list_mix(hash ^ word, root->seed[1]);
	}
	at = pkt->line = ids_list_home(root, hash, root->lines6);
	home = bpf_map_lookup_elem(&ids_entries6, &at);
	/* Both cache lines at a time. */
	if (home)
		(void)*(const volatile __u64 *)&home->hits[0];
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_CHAIN; n++) {
		int step = ids_list6_line(pkt, length, want);

		if (step != IDS_STEP_ON)
			return step == IDS_STEP_FOUND;
	}
	return 0;
}

/* The lengths that addresses with these first 32 bits may have, or null. */
static __always_inline const struct ids_length_set *ids_list6_set(const struct ids_list_root *root, __u32 top)
{
	__u32 bucket = ids_list_home(root, ids_list_mix(top ^ root->seed[0], root->seed[1]), IDS_LENGTH_BUCKETS);
	__u32 line = bucket >> 6, set;
	const struct ids_length_buckets *buckets = bpf_map_lookup_elem(&ids_buckets6, &line);

	if (!buckets)
		return 0;
	set = buckets->set[bucket & 63];
	return set ? bpf_map_lookup_elem(&ids_length_sets, &set) : 0;
}

/* As ids_list4_lengths. */
__noinline int ids_list6_lengths(struct ids_packet *pkt, __u32 base, __u32 lengths, __u32 want)
{
	int n;

	if (!pkt)
		return 0;
	pkt->cursor = lengths;
#pragma clang loop unroll(disable)
	for (n = 0; n < 32; n++) {
		__u32 rest = pkt->cursor, bit;

		if (!rest)
			return 0;
		bit = ids_highest(rest);
		pkt->cursor = rest & ~(1u << bit);
		if (ids_list6_probe(pkt, base + bit, want))
			return 1;
	}
	return 0;
}

/* Prefixes of 32 bits and more. */
__noinline int ids_list6_deep(struct ids_packet *pkt, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	const struct ids_length_set *set;
	__u32 first, second, third, last;

	if (!pkt || !root)
		return 0;
	set = ids_list6_set(root, bpf_ntohl(pkt->peer.word[0]));
	if (!set)
		return 0;
	first = set->word[0];
	second = set->word[1];
	third = set->word[2];
	last = set->word[3];
	if (last & 1 && ids_list6_probe(pkt, 128, want))
		return 1;
	return ids_list6_lengths(pkt, 96, third, want) || ids_list6_lengths(pkt, 64, second, want) ||
	       ids_list6_lengths(pkt, 32, first, want);
}

/* As ids_list4_walk. */
__noinline int ids_list6_walk(struct ids_packet *pkt, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	const struct ids_front *front;
	__u32 top, index, word = 0, cover;

	if (!pkt || !root)
		return 0;
	top = bpf_ntohl(pkt->peer.word[0]);
	index = top >> 10;
	front = bpf_map_lookup_elem(&ids_front6, &index);
	if (front)
		word = front->word[top >> 8 & 3];
	if (word & IDS_FRONT_COUNT && ids_list6_deep(pkt, want))
		return 1;
	if (ids_list6_lengths(pkt, 25, word >> IDS_FRONT_LENGTHS_SHIFT, want))
		return 1;
	cover = word & IDS_FRONT_COVER;
	return ids_list6_lengths(pkt, 0, root->lengths6 & (cover ? (2u << cover) - 1 : IDS_SHORT_LENGTHS), want);
}

/* As ids_list4_find. */
static __always_inline void ids_list6_find(struct ids_packet *pkt, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	__u32 top = bpf_ntohl(pkt->peer.word[0]), index = top >> 14, group = top >> 16;
	const __u64 *filter = bpf_map_lookup_elem(&ids_filter6, &group);
	const __u64 *mixed = bpf_map_lookup_elem(&ids_mixed6, &group);
	const __u64 *any = bpf_map_lookup_elem(&ids_any6, &index);
	bool shorts;

	if (!root || !filter || !mixed || !any)
		return;
	shorts = root->lengths6 & IDS_SHORT_LENGTHS;
	if (!shorts && (!(*filter >> (top >> 10 & 63) & 1) || !(*any >> (top >> 8 & 63) & 1)))
		return;
	if (shorts || *mixed >> (top >> 10 & 63) & 1)
		ids_list6_walk(pkt, want);
	else
		ids_list6_deep(pkt, want);
}

#endif
