/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Pass 2: literals in the buffers of a message, and the rules that are judged on them here. One walk in small steps, each
 * of which does one thing and is verified alone; where it stands lies in memory, so that it goes on with the next segment.
 */
#ifndef IDS_PATTERNS_H
#define IDS_PATTERNS_H

#include "pattern_match.h"
#include "rules.h"

#define IDS_REGIONS_OF_HEADERS                                                                                      \
	(1u << IDS_REGION_HEADERS | 1u << IDS_REGION_HOST | 1u << IDS_REGION_USER_AGENT | 1u << IDS_REGION_LENGTH | \
	 1u << IDS_REGION_CODING | 1u << IDS_REGION_UPGRADE | 1u << IDS_REGION_KEPT)
#define IDS_REGIONS_OF_FIELDS \
	(1u << IDS_REGION_METHOD | 1u << IDS_REGION_URI | 1u << IDS_REGION_HOST | 1u << IDS_REGION_USER_AGENT)

struct ids_pattern_walk {
	struct ids_packet *pkt;
	struct ids_io *io;
	const struct ids_patterns *set;
	struct ids_pattern_room *room;
};

/* Opens a buffer at its first byte. */
static __always_inline void ids_pattern_open(struct ids_pattern_walk *walk, __u32 slot, __u32 region)
{
	struct ids_io *io = walk->io;
	struct ids_span *span = &io->span[slot];

	if (io->opened >> region & 1) {
		/* What comes twice is put together by the engine; it is judged here as far as the first one. */
		io->repeated |= 1u << region;
		io->unsure |= 1u << region;
		io->wanted = 1;
		return;
	}
	io->opened |= 1u << region;
	span->region = region;
	span->length = 0;
	span->state = walk->set->root[region];
}

/* Begins to close the buffer of a slot. */
static __always_inline void ids_pattern_close(struct ids_pattern_walk *walk, __u32 slot)
{
	struct ids_io *io = walk->io;
	const struct ids_patterns *set = walk->set;
	__u32 region = io->span[slot].region & (IDS_REGIONS - 1), state = io->span[slot].state & IDS_PATTERN_STATE;

	walk->room->slot = slot;
	walk->room->cursor = 0;
	walk->room->region = region;
	/* Mostly nothing asks. */
	walk->room->closing =
		set->output[state] || io->hits || set->end_rules[region] ? IDS_CLOSING_OUTPUT : IDS_CLOSING_TOLD;
}

/* The next step of closing a buffer. */
static __always_inline void ids_pattern_closing(struct ids_pattern_walk *walk)
{
	struct ids_pattern_room *room = walk->room;
	const struct ids_patterns *set = walk->set;
	struct ids_io *io = walk->io;
	struct ids_span *span = &io->span[room->slot & (IDS_SPANS - 1)];
	__u32 region = span->region & (IDS_REGIONS - 1), n = room->cursor;

	switch (room->closing) {
	case IDS_CLOSING_OUTPUT:
		room->output = set->output[span->state & IDS_PATTERN_STATE];
		room->closing = IDS_CLOSING_HITS;
		return;
	case IDS_CLOSING_HITS:
		room->cursor = n + 1;
		if (n >= io->hits || n >= IDS_HITS) {
			room->cursor = 0;
			room->closing = IDS_CLOSING_RULES;
			return;
		}
		n = io->hit[n] & (IDS_PATTERNS - 1);
		if (set->pattern[n].region == region) {
			room->pair = set->pattern[n].first;
			room->pairs = set->pattern[n].pairs;
		}
		return;
	case IDS_CLOSING_RULES:
		if (n < set->end_rules[region]) {
			room->cursor = n + 1;
			ids_pattern_ask(walk->pkt, io, set, room, set->end_first[region] + n);
			return;
		}
	}
	if (ids_pattern_sure(io, region, IDS_L7RULE_PLACED))
		io->told |= 1u << region;
	span->region = 0;
	room->closing = IDS_CLOSING_NOT;
}

/* One step of what was found. Returns false if there is nothing. */
static __always_inline bool ids_pattern_take(struct ids_pattern_walk *walk)
{
	struct ids_pattern_room *room = walk->room;
	const struct ids_patterns *set = walk->set;

	if (room->pairs) {
		__u32 pair = room->pair & (IDS_PATTERN_PAIRS - 1);

		room->pairs--;
		room->pair = pair + 1;
		ids_pattern_ask(walk->pkt, walk->io, set, room, set->pair[pair]);
		return true;
	}
	if (room->output) {
		__u32 output = room->output & (IDS_PATTERN_OUTPUTS - 1), pattern = set->outputs[output];

		room->output = pattern & IDS_OUTPUT_LAST ? 0 : output + 1;
		ids_pattern_found(walk->io, set, room, pattern & IDS_OUTPUT_PATTERN);
		return true;
	}
	if (room->next < room->raws) {
		__u32 raw = room->raw[room->next & (IDS_SCAN_RAW - 1)];

		room->next++;
		room->place = raw >> 16;
		room->output = set->output[raw & IDS_PATTERN_STATE];
		return true;
	}
	if (room->closing) {
		ids_pattern_closing(walk);
		return true;
	}
	if (room->at < room->to) {
		ids_pattern_scan(walk->io, set, room);
		return true;
	}
	return false;
}

/* Passes over edges to regions that nothing asks for. */
static __always_inline void ids_pattern_skip(struct ids_pattern_walk *walk)
{
	__u32 wanted = walk->room->wanted;
	struct ids_io *io = walk->io;
	__u32 n;

#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_EDGES; n++) {
		__u32 current = io->current, edge;

		if (current >= io->edges || current >= IDS_EDGES)
			break;
		barrier_var(current);
		edge = io->edge[current & (IDS_EDGES - 1)];
		io->judged = edge >> IDS_EDGE_SHIFT;
		if (wanted >> (edge & (IDS_REGIONS - 1)) & 1)
			break;
		io->current = current + 1;
	}
}

/* The slot of a buffer that is one field of a section; IDS_SPANS: the region is of none. */
static __always_inline __u32 ids_pattern_slot(__u32 region)
{
	switch (region) {
	case IDS_REGION_METHOD:
	case IDS_REGION_URI:
	case IDS_REGION_URI_ODD:
		return IDS_SPAN_LINE;
	case IDS_REGION_HOST:
		return IDS_SPAN_HOST;
	case IDS_REGION_USER_AGENT:
		return IDS_SPAN_AGENT;
	}
	return IDS_SPANS;
}

/* Passes the edge at `at`. Returns 1 if more bytes must be seen first. */
static __always_inline int ids_pattern_edge(struct ids_pattern_walk *walk, __u32 at, __u32 region)
{
	struct ids_io *io = walk->io;
	__u32 open = io->span[IDS_SPAN_LINE].region, plain = region & (IDS_REGIONS - 1), slot = ids_pattern_slot(plain);
	__u32 looked = walk->set->regions;

	if (open && open != plain && !(open == IDS_REGION_URI && plain == IDS_REGION_URI_ODD)) {
		/* Whether a space ends the target is known with the end of the line. */
		if (open == IDS_REGION_URI && !io->end && io->current + 2 >= io->edges)
			return 1;
		ids_pattern_close(walk, IDS_SPAN_LINE);
		return 0;
	}
	io->current++;
	if (open && plain == IDS_REGION_URI_ODD)
		io->unsure |= 1u << IDS_REGION_URI;
	/* A target that is no path says itself which host is meant. */
	if (plain == IDS_REGION_URI && !open && at < IDS_SECTION_MAX && io->bytes[at] != '/')
		io->unsure |= 1u << IDS_REGION_HOST;
	if (slot < IDS_SPANS && plain != IDS_REGION_URI_ODD && looked >> plain & 1 && (slot != IDS_SPAN_LINE || !open))
		ids_pattern_open(walk, slot & (IDS_SPANS - 1), plain);
	if (!io->span[IDS_SPAN_HEADERS].region && looked >> IDS_REGION_HEADERS & 1 &&
	    IDS_REGIONS_OF_HEADERS >> plain & 1)
		ids_pattern_open(walk, IDS_SPAN_HEADERS, IDS_REGION_HEADERS);
	return 0;
}

/* The section has ended: closes one buffer. Returns 1 if none is open any more. */
static __always_inline int ids_pattern_end(struct ids_pattern_walk *walk)
{
	struct ids_io *io = walk->io;

#pragma unroll
	for (__u32 slot = 0; slot < IDS_SPANS; slot++) {
		if (io->span[slot].region) {
			ids_pattern_close(walk, slot);
			return 0;
		}
	}
	io->told &= ~io->unsure;
	if (io->odd & IDS_STRUCTURE_ODD_LINE)
		io->told &= ~(1u << IDS_REGION_URI);
	if (io->odd & IDS_STRUCTURE_ODD_HEADERS)
		io->told &= ~(1u << IDS_REGION_HOST | 1u << IDS_REGION_USER_AGENT | 1u << IDS_REGION_HEADERS);
	return 1;
}

/* The region that bytes[io->judged] lies in. */
static __always_inline __u32 ids_pattern_region(const struct ids_io *io)
{
	__u32 current = io->current;

	return current && current <= IDS_EDGES ? io->edge[(current - 1) & (IDS_EDGES - 1)] & 0xff : IDS_REGION_NONE;
}

/* Finds what is to be scanned next of an HTTP section. Returns 1 if there is nothing. */
__noinline int ids_pattern_piece(struct ids_packet *pkt, struct ids_io *io, const struct ids_patterns *set,
				 struct ids_pattern_room *room)
{
	struct ids_pattern_walk walk = { .pkt = pkt, .io = io, .set = set, .room = room };
	__u32 limit, at, region, plain, slot, current;

	if (!pkt || !io || !set || !room)
		return 1;
	if (!(room->wanted >> (ids_pattern_region(io) & (IDS_REGIONS - 1)) & 1))
		ids_pattern_skip(&walk);
	limit = io->end ? io->end : io->stable;
	at = io->judged;
	current = io->current;
	if (current < io->edges && current < IDS_EDGES) {
		__u32 edge = io->edge[current & (IDS_EDGES - 1)], offset = edge >> IDS_EDGE_SHIFT;

		if (offset <= at)
			return ids_pattern_edge(&walk, at, edge & 0xff);
		if (limit > offset)
			limit = offset;
	}
	if (at >= limit)
		return io->end && at >= io->end ? ids_pattern_end(&walk) : 1;
	region = ids_pattern_region(io);
	plain = region & (IDS_REGIONS - 1);
	room->region = region;
	room->at = at;
	room->to = limit;
	/* A bare line feed that ends the section is not part of the header lines. */
	if (limit == io->end)
		room->to = limit - 1;
	if (room->piece == 0) {
		room->piece = 1;
		slot = ids_pattern_slot(plain);
		room->slot = slot & (IDS_SPANS - 1);
		if (slot >= IDS_SPANS || !io->span[slot & (IDS_SPANS - 1)].region || io->repeated >> plain & 1)
			room->at = room->to;
		if (room->wanted >> IDS_REGION_HEADERS & 1)
			return 0;
	}
	if (room->piece == 1 && room->wanted >> IDS_REGION_HEADERS & 1) {
		room->piece = 2;
		room->slot = IDS_SPAN_HEADERS;
		if (!io->span[IDS_SPAN_HEADERS].region || !(IDS_REGIONS_OF_HEADERS >> plain & 1))
			room->at = room->to;
		return 0;
	}
	room->piece = 0;
	io->judged = limit;
	if (room->wanted >> IDS_REGION_HEADERS & 1)
		room->at = room->to;
	return 0;
}

static long ids_pattern_step(__u32 index, void *data)
{
	struct ids_pattern_walk *walk = data;

	(void)index;
	if (ids_pattern_take(walk))
		return 0;
	if (walk->room->last) {
		if (walk->room->last == 2)
			return 1;
		walk->room->last = 2;
		ids_pattern_close(walk, walk->room->slot & (IDS_SPANS - 1));
		return 0;
	}
	return ids_pattern_piece(walk->pkt, walk->io, walk->set, walk->room) & 1;
}

/* Carries out the rules whose contents were found, as far as their header parts match. */
__noinline int ids_judge_messages(struct ids_packet *pkt, struct ids_pattern_room *room)
{
	struct ids_walk walk = { .pkt = pkt, .last = IDS_MAX_RULES };
	__u64 live;
	__u32 n;

	if (!pkt || !room)
		return 0;
	live = room->live;
	room->live = 0;
	walk.set = ids_ruleset(pkt);
	if (!walk.set)
		return 0;
	ids_candidates(pkt, walk.set, walk.set->messages[pkt->proto_key == IPPROTO_UDP]);
	pkt->live &= live;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_RULE_WORDS; n++) {
		__u64 bits = room->word[n];

		if (!(live >> n & 1) || !(pkt->live >> n & 1))
			continue;
		bits &= pkt->candidate[n];
		pkt->candidate[n] = bits;
		if (!bits)
			pkt->live &= ~(1ULL << n);
	}
	if (pkt->live)
		ids_address_candidates(pkt, walk.set);
	if (!pkt->live)
		return 0;
	bpf_loop(IDS_MAX_RULES, ids_next_candidate, &walk, 0);
	if (pkt->verdict != IDS_VERDICT_PASS)
		ids_spared(pkt, ids_allowed(pkt));
	return 0;
}

/* Sets the pass up. Returns false if nothing is looked for in these regions. */
static __always_inline bool ids_pattern_begin(struct ids_pattern_walk *walk, __u32 regions)
{
	struct ids_pattern_room *room;
	struct ids_io *io = walk->io;
	__u32 zero = 0, wanted;

	walk->set = ids_patterns(walk->pkt);
	walk->room = room = bpf_map_lookup_elem(&ids_pattern_scratch, &zero);
	if (!walk->set || !room || !(walk->set->regions & regions))
		return false;
	/* States and hits of other patterns mean nothing here. */
	if (io->patterns != walk->set->generation) {
		io->patterns = walk->set->generation;
		io->judged = io->current = io->hits = io->opened = io->repeated = io->unsure = io->told = 0;
		__builtin_memset(io->span, 0, sizeof(io->span));
	}
	room->at = room->to = room->piece = room->raws = room->next = room->output = room->pairs = 0;
	room->closing = room->last = 0;
	wanted = walk->set->regions & IDS_REGIONS_OF_FIELDS;
	/* The target may say which host is meant. */
	if (wanted >> IDS_REGION_HOST & 1)
		wanted |= 1u << IDS_REGION_URI;
	if (wanted >> IDS_REGION_URI & 1)
		wanted |= 1u << IDS_REGION_URI_ODD;
	if (walk->set->regions >> IDS_REGION_HEADERS & 1)
		wanted |= IDS_REGIONS_OF_HEADERS;
	room->wanted = wanted;
	return true;
}

#define IDS_PATTERN_STEPS (1 << 20)

/* Judges what pass 1 has settled of an HTTP section. */
__noinline int ids_patterns_pass(struct ids_packet *pkt, struct ids_io *io)
{
	struct ids_pattern_walk walk = { .pkt = pkt, .io = io };

	if (!pkt || !io || !ids_pattern_begin(&walk, IDS_REGIONS_OF_FIELDS | 1u << IDS_REGION_HEADERS))
		return 0;
	bpf_loop(IDS_PATTERN_STEPS, ids_pattern_step, &walk, 0);
	return 0;
}

enum ids_span_flag {
	IDS_SPAN_BEGINS = 0x100,
	IDS_SPAN_ENDS = 0x200,
};

/*
 * To be called when layer 7 has seen all of the packet: far up the call stack, which has but eight frames. Rules whose
 * contents were found in any of its messages are carried out.
 */
static __always_inline void ids_messages_settle(struct ids_packet *pkt)
{
	struct ids_pattern_room *room;
	__u32 zero = 0;

	room = bpf_map_lookup_elem(&ids_pattern_scratch, &zero);
	if (room && room->live)
		ids_judge_messages(pkt, room);
}

/* As ids_pattern_span(); `what`: the region, with enum ids_span_flag. */
__noinline int ids_pattern_buffer(struct ids_packet *pkt, struct ids_io *io, __u32 what, __u32 from, __u32 to)
{
	struct ids_pattern_walk walk = { .pkt = pkt, .io = io };
	__u32 region = what & (IDS_REGIONS - 1);

	if (!pkt || !io || from > to || to > IDS_SECTION_MAX || !ids_pattern_begin(&walk, 1u << region))
		return 0;
	if (what & IDS_SPAN_BEGINS)
		ids_pattern_open(&walk, 0, region);
	if (io->span[0].region != region)
		return 0;
	walk.room->region = region;
	walk.room->slot = 0;
	walk.room->at = from;
	walk.room->to = to;
	walk.room->last = what & IDS_SPAN_ENDS ? 1 : 2;
	bpf_loop(IDS_PATTERN_STEPS, ids_pattern_step, &walk, 0);
	return 0;
}

/* Judges bytes[from..to) as the buffer `region`, or a part of it: it `begins` at from, it `ends` at to. */
static __always_inline void ids_pattern_span(struct ids_packet *pkt, struct ids_io *io, __u32 region, __u32 from,
					     __u32 to, bool begins, bool ends)
{
	ids_pattern_buffer(pkt, io, region | (begins ? IDS_SPAN_BEGINS : 0) | (ends ? IDS_SPAN_ENDS : 0), from, to);
}

#endif
