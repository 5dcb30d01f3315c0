/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The prefilter for rule sets whose literals the pattern automaton has no room for: each rule of the engine has a gram, 4
 * to 8 bytes without which it cannot match. A message in which no gram stands does not leave the kernel. The first 4 bytes
 * at every place are looked for in a bit map, and where its bit is set all of them in a table.
 */
#ifndef IDS_PREFILTER_H
#define IDS_PREFILTER_H

#include "http_start.h"
#include "l7_state.h"
#include "pattern_room.h"

#define IDS_GRAM_CHUNK  32
#define IDS_GRAM_FOLD   0x20202020u
#define IDS_GRAM_FOLD64 0x2020202020202020ULL

struct ids_gram_walk {
	struct ids_io *io;
	const struct ids_patterns *set;
	const __u32 *map;
	__u32 *raw; /* places in a chunk whose bit was set */
	__u32 from;
	__u32 to;
	__u32 kind;
	__u32 found;
};

/* Whether three bytes or more that begin so may stand in the method; of a longer one than POST nobody asks. */
static __always_inline bool ids_gram_method(const struct ids_io *io, __u8 first)
{
	__u32 from = io->message.verb.from;
	__u16 word;

	barrier_var(from);
	if (io->message.verb.to - from > 4 || from > IDS_SECTION_MAX)
		return true;
	word = *(const __u16 *)(io->bytes + from) | 0x2020;
	return (word & 0xff) == first || word >> 8 == first;
}

/* Whether the gram at `at`, which ends at `to`, stands where it has to. */
static __always_inline bool ids_gram_placed(const struct ids_io *io, const struct ids_gram *gram, __u32 at, __u32 to)
{
	const struct ids_message *message = &io->message;
	struct ids_piece piece = { .to = IDS_SECTION_MAX };
	__u32 length;

	if (gram->method && !ids_gram_method(io, gram->method))
		return false;
	switch (gram->place) {
	case IDS_GRAM_METHOD:
		piece = message->verb;
		break;
	case IDS_GRAM_URI:
		piece = message->uri;
		break;
	case IDS_GRAM_HOST:
		piece = message->host;
		break;
	case IDS_GRAM_AGENT:
		piece = message->agent;
		break;
	case IDS_GRAM_LINES:
		return at >= message->uri.to;
	default:
		return true;
	}
	length = piece.to - piece.from;
	if (at < piece.from || to > piece.to || length < gram->least)
		return false;
	return (length <= gram->most || gram->most == IDS_GRAM_FREE) &&
	       (to - piece.from <= gram->until || gram->until == IDS_GRAM_FREE);
}

/* Whether a gram of the kind begins at `at` and ends before `to`. */
__noinline int ids_gram_stands(struct ids_io *io, const struct ids_patterns *set, __u32 at, __u32 to, __u32 kind)
{
	__u32 n, slot;
	__u64 word;

	if (!io || !set)
		return 0;
	barrier_var(at);
	if (at > IDS_SECTION_MAX)
		return 0;
	word = *(const __u64 *)(io->bytes + at) | IDS_GRAM_FOLD64;
	slot = ((__u32)word * IDS_GRAM_HASH) >> IDS_GRAM_SLOT_SHIFT;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_GRAM_PROBES; n++) {
		const struct ids_gram *gram = &set->gram[(slot & (IDS_GRAM_SLOTS - 1)) + n];
		__u32 length = gram->length;

		if (!length)
			break;
		/* Bytes behind the gram are shifted out. */
		if ((word ^ gram->text) << ((64 - 8 * length) & 63))
			continue;
		if (gram->kinds >> (kind & 7) & 1 && at + length <= to && ids_gram_placed(io, gram, at, at + length))
			return 1;
	}
	return 0;
}

/* One place of a chunk; no branch. */
#define IDS_GRAM_STEP(i)                                                                     \
	({                                                                                   \
		__u32 hash = (*(const __u32 *)(byte + (i)) | IDS_GRAM_FOLD) * IDS_GRAM_HASH; \
                                                                                             \
		raw[n & (IDS_SCAN_RAW - 1)] = (i);                                           \
		n += map[hash >> (IDS_GRAM_SHIFT + 5)] >> (hash >> IDS_GRAM_SHIFT & 31) & 1; \
		barrier_var(n);                                                              \
	})

static long ids_gram_chunk(__u32 index, void *data)
{
	struct ids_gram_walk *walk = data;
	__u32 at = walk->from + index * IDS_GRAM_CHUNK, n = 0, i, *raw = walk->raw;
	const __u32 *map = walk->map;
	const __u8 *byte;

	/* What lies behind the last place of the message is looked at as well, and no gram found there. */
	if (at + IDS_GRAM_LEAST > walk->to || at > IDS_SECTION_MAX - IDS_GRAM_CHUNK)
		return 1;
	byte = walk->io->bytes + at;
#pragma unroll
	for (int k = 0; k < IDS_GRAM_CHUNK; k++)
		IDS_GRAM_STEP(k);
	if (!n)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < IDS_GRAM_CHUNK; i++) {
		if (i >= n)
			break;
		if (ids_gram_stands(walk->io, walk->set, at + raw[i], walk->to, walk->kind)) {
			walk->found = 1;
			return 1;
		}
	}
	return 0;
}

/* Whether a rule of the engine could match bytes[from..to), a message of enum ids_gram_kind. */
static __always_inline bool ids_prefilter(struct ids_io *io, const struct ids_patterns *set, __u32 from, __u32 to,
					  __u32 kind)
{
	struct ids_gram_walk walk = { .io = io, .set = set, .from = from, .to = to, .kind = kind };
	struct ids_pattern_room *room;
	__u32 zero = 0;

	room = bpf_map_lookup_elem(&ids_pattern_scratch, &zero);
	if (!room || to > IDS_SECTION_MAX)
		return true;
	walk.map = set->gram_map[kind];
	walk.raw = room->raw;
	bpf_loop(IDS_SECTION_MAX / IDS_GRAM_CHUNK, ids_gram_chunk, &walk, 0);
	ids_count(walk.found ? IDS_STAT_PREFILTER_PASSED : IDS_STAT_PREFILTER_KEPT);
	return walk.found;
}

/* A name at bytes[from..to): io->wanted if a rule of the engine could match; `kind`: IDS_GRAM_QUERY or _SNI. */
__noinline int ids_prefilter_name(struct ids_packet *pkt, struct ids_io *io, __u32 from, __u32 to, __u32 kind)
{
	const struct ids_patterns *set;

	if (!pkt || !io || kind >= IDS_GRAM_KINDS)
		return 0;
	set = ids_patterns(pkt);
	if (!set || !(set->gram_kinds >> kind & 1))
		return 0;
	if (io->wanted)
		ids_count(IDS_STAT_PREFILTER_PASSED);
	else if (ids_prefilter(io, set, from, to, kind))
		io->wanted = 1;
	return 0;
}

/* A header section of HTTP of `length` bytes, before its values are masked: io->wanted if a rule of the engine could match. */
__noinline int ids_prefilter_http(struct ids_packet *pkt, struct ids_io *io, __u32 length)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	const struct ids_patterns *set;
	__u32 kind, all, flags = 0;
	const struct ids_l7 *l7;

	if (!pkt || !io || !settings)
		return 0;
	set = ids_patterns(pkt);
	kind = io->kind == IDS_GUESS_RESPONSE ? IDS_GRAM_RESPONSE : IDS_GRAM_REQUEST;
	all = kind == IDS_GRAM_RESPONSE ? IDS_L7_ALL_RESPONSES : IDS_L7_ALL_HEADS;
	if (!set || !(set->gram_kinds >> kind & 1) || settings->flags & all)
		return 0;
	l7 = ids_l7_of(pkt);
	if (l7)
		flags = l7->dir[pkt->direction & 1].flags;
	if (flags & IDS_L7_HEADS || (flags & IDS_L7_INSPECT && set->gram_kinds >> (IDS_GRAM_INSPECTED + kind) & 1))
		io->wanted = 1;
	/* Buffers are as they were sent, or rules may see what does not stand there. */
	if (io->odd || io->unsure || io->crowded ||
	    io->message.flags & (IDS_MESSAGE_BLIND | IDS_MESSAGE_TRUNCATED | IDS_MESSAGE_ESCAPES | IDS_MESSAGE_TWICE))
		io->wanted = 1;
	if (io->wanted)
		ids_count(IDS_STAT_PREFILTER_PASSED);
	else if (ids_prefilter(io, set, 0, length, kind))
		io->wanted = 1;
	return 0;
}

#endif
