/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The IPv4 blocklist. Most addresses end at the class of their /24, most others at one line of entries: exactly the
 * lengths that are present are asked for, the longest first.
 */
#ifndef IDS_LIST4_H
#define IDS_LIST4_H

#include "list_entry.h"

/* Looks for the entry of exactly this prefix; returns whether it ends the search. */
__noinline int ids_list4_probe(struct ids_packet *pkt, __u32 addr, __u32 length, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	const __u32 key = length | IDS_ENTRY_USED;
	__u32 at;
	int n, i;

	if (!pkt || !root)
		return 0;
	at = ids_list_home(root, ids_list_mix(addr ^ ids_list_start(root, length), root->seed[1]), root->lines4);
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_CHAIN; n++) {
		const struct ids_line4 *line = bpf_map_lookup_elem(&ids_entries4, &at);

		if (!line)
			return 0;
#pragma unroll
		for (i = 0; i < IDS_LINE_ENTRIES; i++) {
			const struct ids_entry4 *entry = &line->entry[i];

			if (entry->addr == addr && (entry->meta & IDS_ENTRY_KEY) == key)
				return ids_list_consider(pkt, entry->meta, entry->expires, at * IDS_LINE_ENTRIES + i,
							 want);
		}
		if (!line->overflow)
			return 0;
		if (++at >= root->lines4)
			at = 0;
	}
	return 0;
}

static __always_inline __u32 ids_list4_front(__u32 addr)
{
	__u32 index = addr >> 10;
	const struct ids_front *front = bpf_map_lookup_elem(&ids_front4, &index);

	return front ? front->word[addr >> 8 & 3] : 0;
}

/* The long way: every length that may hold this address. */
__noinline int ids_list4_walk(struct ids_packet *pkt, __u32 addr, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	__u32 word = ids_list4_front(addr), cover = word & IDS_FRONT_COVER, lengths;
	int n;

	if (!pkt || !root)
		return 0;
	if (word & IDS_FRONT_COUNT && ids_list4_probe(pkt, addr, 32, want))
		return 1;
	lengths = word >> IDS_FRONT_LENGTHS_SHIFT;
#pragma clang loop unroll(disable)
	for (n = 31; n >= 25 && lengths; n--) {
		lengths <<= 1;
		if (lengths & 1u << 7 && ids_list4_probe(pkt, addr & ~0u << (32 - n), n, want))
			return 1;
		lengths &= 0x7f;
	}
	/* The cover itself comes first; the shorter ones are asked for if it does not decide. */
	lengths = root->lengths4 & (cover ? (2u << cover) - 1 : IDS_SHORT_LENGTHS);
#pragma clang loop unroll(disable)
	for (n = 24; n >= 0 && lengths; n--) {
		if (!(lengths & 1u << n))
			continue;
		lengths &= ~(1u << n);
		if (ids_list4_probe(pkt, n ? addr & ~0u << (32 - n) : 0, n, want))
			return 1;
	}
	return 0;
}

/* Finds the entry that decides on an address, if there is one: in pkt->listed and pkt->entry. */
static __always_inline void ids_list4_find(struct ids_packet *pkt, __u32 addr, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	__u32 index = addr >> 13, class;
	const __u64 *classes = bpf_map_lookup_elem(&ids_class4, &index);

	if (!root || !classes)
		return;
	class = *classes >> (addr >> 8 & 31) * 2 & 3;
	if (root->lengths4 & IDS_SHORT_LENGTHS || class == IDS_CLASS_MIXED)
		ids_list4_walk(pkt, addr, want);
	else if (class == IDS_CLASS_FULL)
		ids_list4_probe(pkt, addr, 32, want);
}

#endif
