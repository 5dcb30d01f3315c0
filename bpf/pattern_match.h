/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a hit of the pattern automaton means: whether the pattern stands where it is wanted, and which rules are met. */
#ifndef IDS_PATTERN_MATCH_H
#define IDS_PATTERN_MATCH_H

#include "pattern_room.h"

/* 1 if the pattern was hit in this message. Without a branch: the verifier would follow each from here on. */
static __always_inline __u32 ids_pattern_has(const struct ids_io *io, __u32 pattern)
{
	__u32 hits = io->hits, found = 0;

#pragma clang loop unroll(disable)
	for (__u32 n = 0; n < IDS_HITS; n++) {
		__u32 same = (io->hit[n] ^ pattern) - 1, there = n - hits;

		barrier_var(same);
		barrier_var(there);
		found |= same & there;
	}
	return found >> 31;
}

struct ids_comparison {
	const struct ids_io *io;
	const struct ids_patterns *set;
	__u32 at;
	__u32 text;
	__u32 length;
	__u32 nocase;
	__u32 differs;
};

static long ids_pattern_compare(__u32 index, void *data)
{
	struct ids_comparison *pair = data;
	__u32 at = pair->at + index, text = pair->text + index;
	__u8 byte;

	if (index >= pair->length)
		return 1;
	barrier_var(at);
	barrier_var(text);
	if (at >= IDS_SECTION_MAX || text >= IDS_PATTERN_TEXT)
		return 1;
	byte = pair->io->bytes[at];
	if (pair->nocase && byte >= 'A' && byte <= 'Z')
		byte |= 0x20;
	if (byte == pair->set->text[text])
		return 0;
	pair->differs = 1;
	return 1;
}

/* True if the pattern's own bytes end before offset `end`; of one that begins with a dot before the buffer, the others. */
static __always_inline bool ids_pattern_same(const struct ids_io *io, const struct ids_patterns *set,
					     const struct ids_pattern *pattern, __u32 end, __u32 before)
{
	struct ids_comparison pair = {
		.io = io,
		.set = set,
		.at = end - pattern->length + before,
		.text = pattern->text + before,
		.length = pattern->length - before,
		.nocase = pattern->flags & IDS_PATTERN_NOCASE,
	};

	bpf_loop(IDS_SECTION_MAX, ids_pattern_compare, &pair, 0);
	return !pair.differs;
}

/* A pattern that the automaton has found at room->place, or at the end of the buffer that is being closed. */
__noinline int ids_pattern_found(struct ids_io *io, const struct ids_patterns *set, struct ids_pattern_room *room,
				 __u32 number)
{
	const struct ids_pattern *pattern;
	__u32 end, start, dot, hits, flags;

	if (!io || !set || !room)
		return 0;
	number &= IDS_PATTERNS - 1;
	pattern = &set->pattern[number];
	flags = pattern->flags;
	if (!(flags & IDS_PATTERN_ENDS) != !room->closing)
		return 0;
	dot = !!(flags & IDS_PATTERN_DOT);
	end = (room->closing ? io->span[room->slot & (IDS_SPANS - 1)].length : room->position + room->place + 1) + dot;
	start = end - pattern->length;
	if (end < pattern->length || start < pattern->from || end > pattern->until)
		return 0;
	if (flags & IDS_PATTERN_VERIFY) {
		__u32 behind = room->base + room->place + 1;

		if (room->closing)
			behind = io->span[room->slot & (IDS_SPANS - 1)].end;

		if (!ids_pattern_same(io, set, pattern, behind, dot && start == 0))
			return 0;
	}
	if (flags & IDS_PATTERN_ENGINE)
		io->wanted = 1;
	/* In a query behind an escape it is the engine that judges, and in a masked value it is told by the hits. */
	if (room->region == IDS_REGION_URI_ODD || !(flags & IDS_PATTERN_RULES)) {
		if (!(room->region & IDS_REGION_MASKED))
			return 0;
		flags &= ~IDS_PATTERN_RULES;
	}
	if (ids_pattern_has(io, number))
		return 0;
	hits = io->hits;
	if (hits >= IDS_HITS) {
		/* The engine judges what was lost here. */
		ids_count(IDS_STAT_PATTERN_HITS_LOST);
		io->wanted = 1;
		io->unsure = ~0;
		return 0;
	}
	io->hit[hits] = number;
	io->hits = hits + 1;
	/* While a buffer is closed, all that was hit is gone through. */
	if (flags & IDS_PATTERN_RULES && !room->closing) {
		room->pair = pattern->first;
		room->pairs = pattern->pairs;
	}
	return 0;
}

/* True if what a rule with these enum ids_l7_rule_flag sees of this buffer is what was judged here. */
static __always_inline bool ids_pattern_sure(const struct ids_io *io, __u32 region, __u32 flags)
{
	if (io->unsure >> region & 1)
		return false;
	switch (region) {
	case IDS_REGION_URI:
		return !(io->odd & IDS_STRUCTURE_ODD_LINE);
	case IDS_REGION_HEADERS:
		/* No content has a line end in it. */
		if (io->odd & IDS_STRUCTURE_BARE && flags & IDS_L7RULE_PLACED)
			return false;
		return !(io->odd & IDS_STRUCTURE_ODD_HEADERS);
	case IDS_REGION_HOST:
	case IDS_REGION_USER_AGENT:
		return !(io->odd & IDS_STRUCTURE_ODD_HEADERS);
	}
	return true;
}

/* Asks a rule of the kernel; if all of its contents are there, its position is noted. */
__noinline int ids_pattern_ask(struct ids_packet *pkt, struct ids_io *io, const struct ids_patterns *set,
			       struct ids_pattern_room *room, __u32 number)
{
	const struct ids_l7_rule *rule;
	__u32 flags, n, position;

	if (!pkt || !io || !set || !room)
		return 0;
	rule = &set->rule[number & (IDS_L7_RULES_MAX - 1)];
	flags = rule->flags;
	if (!(flags & IDS_L7RULE_AT_END) != !room->closing)
		return 0;
	if (!(flags & (pkt->direction == IDS_TO_SERVER ? IDS_L7RULE_TO_SERVER : IDS_L7RULE_TO_CLIENT)))
		return 0;
	if (flags & IDS_L7RULE_AT_END) {
		__u32 length = io->span[room->slot & (IDS_SPANS - 1)].length;

		if (rule->region != io->span[room->slot & (IDS_SPANS - 1)].region)
			return 0;
		if (length < rule->size_min || length > rule->size_max || io->unsure >> (rule->region & 31) & 1)
			return 0;
	}
	if (!ids_pattern_sure(io, rule->region & (IDS_REGIONS - 1), flags))
		return 0;
	if (rule->terms > 1 || flags & IDS_L7RULE_AT_END) {
#pragma clang loop unroll(disable)
		for (n = 0; n < IDS_L7_TERMS; n++) {
			__u32 term = rule->term[n];

			if (n >= rule->terms)
				break;
			if (ids_pattern_has(io, term & IDS_TERM_PATTERN) == term >> 15)
				return 0;
		}
	}
	position = rule->position & (IDS_MAX_RULES - 1);
	if (!(room->live >> (position >> 6) & 1))
		room->word[position >> 6] = 0;
	if (room->word[position >> 6] >> (position & 63) & 1)
		return 0;
	room->word[position >> 6] |= 1ULL << (position & 63);
	room->live |= 1ULL << (position >> 6);
	if (io->decided < IDS_DECIDED)
		io->rule[io->decided] = position;
	io->decided++;
	return 0;
}

#endif
