/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Pass 1 over a header section: what its bytes are. One table-driven walk notes where regions begin, what is sensitive,
 * what is odd and where the section ends; it goes on where it stood when more bytes have come.
 */
#ifndef IDS_STRUCTURE_H
#define IDS_STRUCTURE_H

#include "io.h"

#define IDS_STRUCTURE_CHUNK 32 /* bytes a bpf_loop step: unrolled, 3 ns a byte where one call a byte costs 10 */
#define IDS_EDGE_RAW        (IDS_STRUCTURE_CHUNK * 2)

/* Edges of one chunk as they are met: offset << 16 | transition. Written and read by this pass alone, one a CPU. */
struct ids_structure_room {
	__u32 raw[IDS_EDGE_RAW];
	volatile __u32 cursor;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_structure_room);
} ids_structure_scratch SEC(".maps");

struct ids_structure_walk {
	struct ids_io *io;
	const struct ids_structure *table;
	struct ids_structure_room *scratch;
	__u32 first; /* byte that the walk began with */
	__u32 state;
	__u32 seen;  /* every transition taken, or-ed */
	__u32 edges; /* of this chunk */
};

/* One byte at `i` behind `byte`; no branch. */
#define IDS_STRUCTURE_STEP(i)                                                                              \
	({                                                                                                 \
		const __u8 *row = next + table->byte_class[byte[i]];                                       \
                                                                                                           \
		state = *(const __u16 *)(row + (state & IDS_STRUCTURE_STATE) * IDS_STRUCTURE_CLASSES * 2); \
		seen |= state;                                                                             \
		barrier_var(seen);                                                                         \
		raw[edges & (IDS_EDGE_RAW - 1)] = place | state;                                           \
		place += 1 << 16;                                                                          \
		barrier_var(place);                                                                        \
                                                                                                           \
		edges += state >> 14 & 1; /* IDS_STRUCTURE_EDGE */                                         \
		barrier_var(edges);                                                                        \
	})

/*
 * Enum ids_structure_kind of the next `size` bytes, eight of them in a byte. All at once, and before the walk: its variables
 * fill the registers.
 */
#define IDS_STRUCTURE_KINDS(size)                                                                          \
	({                                                                                                 \
		__u32 all = IDS_KIND_ANY * 0x01010101U;                                                    \
                                                                                                           \
		_Pragma("unroll") for (int k = 0; k < (size); k++) all |= (__u32)table->byte_kind[byte[k]] \
									  << k / 8 * 8;                    \
		barrier_var(all);                                                                          \
		barrier_var(byte);                                                                         \
		all;                                                                                       \
	})

/* Eight bytes from `i` on: where the state may pass over them only the last one is looked at. */
#define IDS_STRUCTURE_EIGHT(i)                                                                     \
	({                                                                                         \
		if (kinds >> (i) & table->stop[state & IDS_STRUCTURE_STATE]) {                     \
			_Pragma("unroll") for (int k = 0; k < 8; k++) IDS_STRUCTURE_STEP((i) + k); \
		} else {                                                                           \
			place += 7 << 16;                                                          \
			barrier_var(place);                                                        \
			IDS_STRUCTURE_STEP((i) + 7);                                               \
		}                                                                                  \
	})

/*
 * Masks in place what is sensitive in `length` bytes from `at` on, by the edges in scratch: where there is no room. Where
 * it stands lies in memory, as the verifier would follow every value of a register.
 */
__noinline int ids_structure_hide(struct ids_io *io, const struct ids_structure *table, __u32 at, __u32 length,
				  __u32 edges)
{
	struct ids_structure_room *room;
	__u32 zero = 0;

	room = bpf_map_lookup_elem(&ids_structure_scratch, &zero);
	if (!io || !table || !room)
		return 0;
	room->cursor = 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IDS_STRUCTURE_CHUNK; i++) {
		__u32 n = room->cursor & (IDS_EDGE_RAW - 1), raw = room->raw[n], place = at + i;

		barrier_var(place);
		if (i >= length || place >= IDS_SECTION_MAX)
			break;
		if (n < edges && raw >> 16 == place) {
			io->hidden = table->region[raw & IDS_STRUCTURE_STATE] & IDS_REGION_MASKED;
			room->cursor = n + 1;
		}
		if (io->hidden)
			io->bytes[place] = '*';
	}
	return 0;
}

/* Takes over the edges of a chunk of `length` bytes at `at`. */
__noinline int ids_structure_edges(struct ids_io *io, const struct ids_structure *table, __u32 at, __u32 length,
				   __u32 edges)
{
	__u32 zero = 0, n;
	struct ids_structure_room *room = bpf_map_lookup_elem(&ids_structure_scratch, &zero);

	if (!io || !table || !room)
		return 0;
	room->cursor = edges;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_STRUCTURE_CHUNK; n++) {
		__u32 raw = room->raw[n], count = io->edges, region;

		/* In memory: how often the loop went round says nothing of what follows. */
		if (n >= room->cursor)
			break;
		if (raw & IDS_STRUCTURE_END)
			io->end = (raw >> 16) + 1;
		if (raw & IDS_STRUCTURE_END || io->crowded)
			continue;
		region = table->region[raw & IDS_STRUCTURE_STATE];
		if (count >= IDS_EDGES - 1) {
			/* The last one closes what may be masked: from here on that is done in place. */
			io->crowded = 1;
			region = IDS_REGION_NONE;
			count = IDS_EDGES - 1;
		}
		io->edge[count] = ((raw >> 16) - (region >> IDS_STRUCTURE_BACK_SHIFT)) << IDS_EDGE_SHIFT |
				  (region & ((1 << IDS_STRUCTURE_BACK_SHIFT) - 1));
		io->edges = count + 1;
	}
	if (io->crowded)
		ids_structure_hide(io, table, at, length, edges);
	return 0;
}

static long ids_structure_chunk(__u32 index, void *data)
{
	struct ids_structure_walk *walk = data;
	__u32 at = walk->first + index * IDS_STRUCTURE_CHUNK, kinds, state, seen = 0, edges = 0, place = at << 16;
	const struct ids_structure *table = walk->table;
	const __u8 *byte, *next = (const __u8 *)table->next;
	__u32 *raw = walk->scratch->raw;

	if (at + IDS_STRUCTURE_CHUNK > walk->io->length || at > IDS_SECTION_MAX - IDS_STRUCTURE_CHUNK)
		return 1;
	walk->io->scanned = at + IDS_STRUCTURE_CHUNK;
	byte = walk->io->bytes + at;
	kinds = IDS_STRUCTURE_KINDS(IDS_STRUCTURE_CHUNK);
	state = walk->state;
#pragma unroll
	for (int i = 0; i < IDS_STRUCTURE_CHUNK; i += 8)
		IDS_STRUCTURE_EIGHT(i);
	/* Nothing but `walk` waits on the stack meanwhile. */
	barrier_var(walk);
	walk->state = state;
	walk->seen |= seen;
	if (edges || walk->io->crowded)
		ids_structure_edges(walk->io, walk->table, walk->io->scanned - IDS_STRUCTURE_CHUNK, IDS_STRUCTURE_CHUNK,
				    edges);
	return walk->io->end != 0;
}

/*
 * The bytes that are less than a chunk, from `state` on: as many at once as there are, by powers of two. Returns the last
 * transition, and every one or-ed << 16.
 */
__noinline __u32 ids_structure_tail(struct ids_io *io, const struct ids_structure *table, __u32 state)
{
	__u32 zero = 0, seen = 0, edges = 0, at, place, kinds;
	struct ids_structure_room *room = bpf_map_lookup_elem(&ids_structure_scratch, &zero);
	const __u8 *next, *byte;
	__u32 *raw;

	if (!io || !table || !room)
		return 0;
	at = io->scanned;
	place = at << 16;
	if (io->length > IDS_SECTION_MAX || io->length - at >= IDS_STRUCTURE_CHUNK)
		return state;
	next = (const __u8 *)table->next;
	raw = room->raw;
	/* How many there are is read anew each time: the stack is short. */
#define IDS_STRUCTURE_PART(size, walk)             \
	barrier_var(io);                           \
	if ((io->length - io->scanned) & (size)) { \
		barrier_var(at);                   \
		if (at > IDS_SECTION_MAX - (size)) \
			return state;              \
		byte = io->bytes + at;             \
		walk;                              \
		at += (size);                      \
	}
#define IDS_STRUCTURE_STEPS(size) _Pragma("unroll") for (int i = 0; i < (size); i++) IDS_STRUCTURE_STEP(i)
	IDS_STRUCTURE_PART(16, kinds = IDS_STRUCTURE_KINDS(16); IDS_STRUCTURE_EIGHT(0); IDS_STRUCTURE_EIGHT(8))
	IDS_STRUCTURE_PART(8, kinds = IDS_STRUCTURE_KINDS(8); IDS_STRUCTURE_EIGHT(0))
	IDS_STRUCTURE_PART(4, IDS_STRUCTURE_STEPS(4))
	IDS_STRUCTURE_PART(2, IDS_STRUCTURE_STEPS(2))
	IDS_STRUCTURE_PART(1, IDS_STRUCTURE_STEPS(1))
#undef IDS_STRUCTURE_STEPS
#undef IDS_STRUCTURE_PART
	at = io->scanned;
	io->scanned = io->length;
	if (edges || io->crowded)
		ids_structure_edges(io, table, at, io->length - at, edges);
	return state | seen << 16;
}

/* The automaton in force, or null while there is none. */
static __always_inline const struct ids_structure *ids_structure(void)
{
	const struct ids_control *control = ids_settings();
	__u32 generation = control ? control->structure : 0, key = generation & 1;
	const struct ids_structure *table = bpf_map_lookup_elem(&ids_structures, &key);

	return table && generation && table->generation == generation ? table : 0;
}

/*
 * Reads bytes[scanned..length) of a section that begins in state `start` (IDS_STRUCTURE_REQUEST, _RESPONSE, _TRAILER):
 * adds to edge[], odd and crowded, and sets `end` once the section has ended. Returns the bytes of the section then, 0
 * if it goes on, less than 0 if there is no automaton: nothing is known of the bytes, and nothing may be handed out.
 */
__noinline int ids_structure_pass(struct ids_io *io, __u32 start)
{
	const struct ids_structure *table = ids_structure();
	__u32 zero = 0;
	struct ids_structure_walk walk = { .io = io, .table = table };

	walk.scratch = bpf_map_lookup_elem(&ids_structure_scratch, &zero);
	if (!io || !table || !walk.scratch)
		return -1;
	/* States of another automaton mean nothing here. What is masked in place stays so. */
	if (!io->scanned || io->table != table->generation) {
		io->table = table->generation;
		io->state = start;
		io->scanned = io->end = io->edges = io->crowded = io->odd = io->hidden = 0;
	}
	if (io->end)
		return io->end;
	walk.first = io->scanned;
	walk.state = io->state;
	if (io->scanned + IDS_STRUCTURE_CHUNK <= io->length)
		bpf_loop(IDS_SECTION_MAX / IDS_STRUCTURE_CHUNK, ids_structure_chunk, &walk, 0);
	if (!io->end && io->scanned < io->length) {
		walk.state = ids_structure_tail(io, table, walk.state);
		walk.seen |= walk.state >> 16;
	}
	io->state = walk.state & IDS_STRUCTURE_STATE;
	io->odd |= walk.seen & (IDS_STRUCTURE_BARE | IDS_STRUCTURE_ODD_LINE | IDS_STRUCTURE_ODD_HEADERS);
	if (!io->state)
		return -1;
	if (io->end)
		io->scanned = io->end;
	io->stable = io->scanned - table->pending[io->state];
	return io->end;
}

#endif
