/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Pass 2's working space, and its innermost loop: the pattern automaton over bytes, whatever they are. */
#ifndef IDS_PATTERN_ROOM_H
#define IDS_PATTERN_ROOM_H

#include "io.h"

#define IDS_SCAN_CHUNK 16
#define IDS_SCAN_MAX   256 /* bytes of one call: what lies between two looks at what was found */
#define IDS_SCAN_RAW   512 /* a power of two, more than IDS_SCAN_MAX + 16 */

/* What closes a buffer, step by step. */
enum ids_closing {
	IDS_CLOSING_NOT = 0,
	IDS_CLOSING_OUTPUT = 1, /* patterns that end the buffer */
	IDS_CLOSING_HITS = 2,   /* rules that ask at the end, by the patterns that were hit */
	IDS_CLOSING_RULES = 3,  /* rules that ask at the end in any case */
	IDS_CLOSING_TOLD = 4,
};

/* Where the pass stands between two of its steps. In memory, as the verifier would follow every value of a register. */
struct ids_pattern_room {
	volatile __u32 at; /* bytes[at..to) are to be scanned for slot `slot` */
	__u32 to;
	__u32 slot;
	__u32 piece;  /* HTTP: which scans of this piece are done */
	__u32 region; /* enum ids_region of the piece */
	__u32 base;   /* offset, and position in its buffer, of the first byte of what was scanned last */
	__u32 position;
	__u32 place;  /* offset in that of the byte that led to `output` */
	__u32 raws;   /* in use of raw[] */
	__u32 next;   /* of raw[] */
	__u32 output; /* of outputs[]; 0: none is being looked at */
	__u32 pair;   /* of pair[], and how many are left */
	__u32 pairs;
	__u32 closing; /* enum ids_closing */
	__u32 cursor;  /* of hit[] while closing */
	__u32 last;    /* close the buffer behind this piece, and that is all (a buffer that is there at once) */
	__u32 wanted;  /* bit n: patterns look into a buffer that region n is of */
	volatile __u32 left;
	__u64 live;                 /* bit w: word[w] has bits */
	__u64 word[IDS_RULE_WORDS]; /* positions of rules whose contents were all found */
	__u32 raw[IDS_SCAN_RAW];    /* accepting transitions: offset from base << 16 | transition */
};

/* Written and read by pass 2 alone, one a CPU; holds nothing from one packet to the next. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_pattern_room);
} ids_pattern_scratch SEC(".maps");

/* The patterns of the rule set that this packet uses, or null. */
static __always_inline const struct ids_patterns *ids_patterns(const struct ids_packet *pkt)
{
	__u32 slot = pkt->slot, zero = 0;
	void *patterns = bpf_map_lookup_elem(&ids_pattern_sets, &slot);

	return patterns ? bpf_map_lookup_elem(patterns, &zero) : 0;
}

/* `size` bytes at `at`; no branch within. */
#define IDS_SCAN(size)                                                                                         \
	({                                                                                                     \
		const __u8 *byte = io->bytes + at;                                                             \
                                                                                                               \
		_Pragma("unroll") for (int i = 0; i < (size); i++)                                             \
		{                                                                                              \
			const __u8 *row = next + set->byte_class[byte[i]];                                     \
                                                                                                               \
			state = *(const __u16 *)(row + (state & IDS_PATTERN_STATE) * IDS_PATTERN_CLASSES * 2); \
			room->raw[raws & (IDS_SCAN_RAW - 1)] = place | state;                                  \
			place += 1 << 16;                                                                      \
			barrier_var(place);                                                                    \
			raws += state >> 15; /* IDS_PATTERN_ACCEPT */                                          \
			barrier_var(raws);                                                                     \
		}                                                                                              \
		at += (size);                                                                                  \
	})

/* Scans bytes[room->at..room->to), IDS_SCAN_MAX of them at most. */
__noinline int ids_pattern_scan(struct ids_io *io, const struct ids_patterns *set, struct ids_pattern_room *room)
{
	__u32 at, left, state, raws = 0, place = 0, chunk;
	struct ids_span *span;
	const __u8 *next;

	if (!io || !set || !room)
		return 0;
	next = (const __u8 *)set->next;
	span = &io->span[room->slot & (IDS_SPANS - 1)];
	at = room->at;
	left = room->to - at;
	if (left > IDS_SCAN_MAX)
		left = IDS_SCAN_MAX;
	room->base = at;
	room->position = span->length;
	state = span->state;
	span->length += left;
#pragma clang loop unroll(disable)
	for (chunk = 0; chunk < IDS_SCAN_MAX / IDS_SCAN_CHUNK; chunk++) {
		barrier_var(at);
		if (left < IDS_SCAN_CHUNK || at > IDS_SECTION_MAX - IDS_SCAN_CHUNK)
			break;
		IDS_SCAN(IDS_SCAN_CHUNK);
		left -= IDS_SCAN_CHUNK;
	}
	/* What the loop may have left of them is not followed into each part of the rest. */
	room->at = at;
	room->left = left;
	room->raws = raws;
	room->place = place;
	at = room->at;
	left = room->left;
	raws = room->raws;
	place = room->place;
	barrier_var(at);
	if (at > IDS_SECTION_MAX)
		return 0;
#define IDS_SCAN_PART(size) \
	if (left & (size))  \
		IDS_SCAN(size);
	IDS_SCAN_PART(8)
	IDS_SCAN_PART(4)
	IDS_SCAN_PART(2)
	IDS_SCAN_PART(1)
#undef IDS_SCAN_PART
	span->state = state & IDS_PATTERN_STATE;
	span->end = at;
	room->at = at;
	room->raws = raws;
	room->next = 0;
	return 0;
}

#endif
