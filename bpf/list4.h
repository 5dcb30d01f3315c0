/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The IPv4 blocklist. Most addresses end at the filter bit of their /24, most others at one line of entries: exactly the
 * lengths that are present are asked for, the longest first.
 */
#ifndef IDS_LIST4_H
#define IDS_LIST4_H

#include "list_entry.h"

static __always_inline __u32 ids_list4_home(const struct ids_list_root *root, __u32 addr, __u32 length)
{
	__u32 hash = ids_list_mix(addr ^ ids_list_start(root, length), root->seed[1]);

	return ids_list_home(root, hash, root->lines4);
}

/*
 * Looks into the line at pkt->line for the entry of exactly this prefix, and goes on to the next; enum ids_step. Verified
 * once, not once a step.
 */
__noinline int ids_list4_line(struct ids_packet *pkt, __u32 addr, __u32 length, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	const __u32 key = length | IDS_ENTRY_USED;
	const struct ids_line4 *line;
	__u32 at;
	int i;

	if (!pkt || !root)
		return IDS_STEP_NONE;
	at = pkt->line;
	line = bpf_map_lookup_elem(&ids_entries4, &at);
	if (!line)
		return IDS_STEP_NONE;
#pragma unroll
	for (i = 0; i < IDS_LINE_ENTRIES; i++) {
		const struct ids_entry4 *entry = &line->entry[i];

		if (entry->addr == addr && (entry->meta & IDS_ENTRY_KEY) == key)
			return ids_list_consider(pkt, entry->meta, entry->expires, at << IDS_PLACE_SHIFT | i, want)
				       ? IDS_STEP_FOUND
				       : IDS_STEP_NONE;
	}
	pkt->line = at + 1 < root->lines4 ? at + 1 : 0;
	return line->overflow ? IDS_STEP_ON : IDS_STEP_NONE;
}

/* Looks for the entry of exactly this prefix from its home on; returns whether it ends the search. */
__noinline int ids_list4_chain(struct ids_packet *pkt, __u32 addr, __u32 length, __u32 at, __u32 want)
{
	int n;

	if (!pkt)
		return 0;
	pkt->line = at;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_CHAIN; n++) {
		int step = ids_list4_line(pkt, addr, length, want);

		if (step != IDS_STEP_ON)
			return step == IDS_STEP_FOUND;
	}
	return 0;
}

__noinline int ids_list4_probe(struct ids_packet *pkt, __u32 addr, __u32 length, __u32 want)
{
	const struct ids_list_root *root = ids_lists();

	if (!pkt || !root)
		return 0;
	return ids_list4_chain(pkt, addr, length, ids_list4_home(root, addr, length), want);
}

/* Asks for the lengths of `lengths`, of which bit 0 is `base`: the longest first. */
__noinline int ids_list4_lengths(struct ids_packet *pkt, __u32 addr, __u32 base, __u32 lengths, __u32 want)
{
	int n;

	if (!pkt)
		return 0;
	pkt->cursor = lengths;
#pragma clang loop unroll(disable)
	for (n = 0; n < 32; n++) {
		__u32 rest = pkt->cursor, bit, length;

		if (!rest)
			return 0;
		bit = ids_highest(rest);
		pkt->cursor = rest & ~(1u << bit);
		length = base + bit;
		if (ids_list4_probe(pkt, length ? addr & ~0u << (32 - length) : 0, length, want))
			return 1;
	}
	return 0;
}

/* The long way: every length that may hold this address. */
__noinline int ids_list4_walk(struct ids_packet *pkt, __u32 addr, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	__u32 index = addr >> 10, word = 0, cover;
	const struct ids_front *front = bpf_map_lookup_elem(&ids_front4, &index);

	if (!pkt || !root)
		return 0;
	if (front)
		word = front->word[addr >> 8 & 3];
	if (word & IDS_FRONT_COUNT && ids_list4_probe(pkt, addr, 32, want))
		return 1;
	if (word >> IDS_FRONT_LENGTHS_SHIFT && ids_list4_lengths(pkt, addr, 25, word >> IDS_FRONT_LENGTHS_SHIFT, want))
		return 1;
	/* The cover itself comes first; the shorter ones are asked for if it does not decide. */
	cover = word & IDS_FRONT_COVER;
	return ids_list4_lengths(pkt, addr, 0, root->lengths4 & (cover ? (2u << cover) - 1 : IDS_SHORT_LENGTHS), want);
}

/* Finds the entry that decides on an address, if there is one: in pkt->listed and pkt->entry. */
static __always_inline void ids_list4_find(struct ids_packet *pkt, __u32 addr, __u32 want)
{
	const struct ids_list_root *root = ids_lists();
	__u32 index = addr >> 14, group = addr >> 16, at;
	const __u64 *filter = bpf_map_lookup_elem(&ids_filter4, &group);
	const __u64 *mixed = bpf_map_lookup_elem(&ids_mixed4, &group);
	const __u64 *any = bpf_map_lookup_elem(&ids_any4, &index);
	const volatile struct ids_line4 *line;
	bool shorts;

	if (!root || !filter || !mixed || !any)
		return;
	shorts = root->lengths4 & IDS_SHORT_LENGTHS;
	if (!shorts && (!(*filter >> (addr >> 10 & 63) & 1) || !(*any >> (addr >> 8 & 63) & 1)))
		return;
	/* Most likely needed, so its miss of the cache passes together with the others. */
	at = ids_list4_home(root, addr, 32);
	line = bpf_map_lookup_elem(&ids_entries4, &at);
	if (line)
		(void)line->overflow;
	if (shorts || *mixed >> (addr >> 10 & 63) & 1)
		ids_list4_walk(pkt, addr, want);
	else
		ids_list4_chain(pkt, addr, 32, at, want);
}

#endif
