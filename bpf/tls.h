/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TLS: the hello of each side, recognised by content, over records and segments; the server's up to the end of its
 * certificates. The name that a client asks for is judged here, on the packet that completes it.
 */
#ifndef IDS_TLS_H
#define IDS_TLS_H

#include "bytes_record.h"
#include "patterns.h"
#include "prefilter.h"
#include "tls_walk.h"

#define IDS_TLS_PIECE 4096 /* bytes that are copied at once */

/* A hello put together; what is behind it is room that the verifier wants for a copy of any size to any place. */
struct ids_tls_joined {
	struct ids_io io;
	__u8 room[IDS_TLS_PIECE];
};

/* Where a hello that comes in several records is put together. Written and read by the TLS stage alone, one a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_tls_joined);
} ids_tls_whole SEC(".maps");

struct ids_tls_join {
	struct ids_io *from;
	struct ids_tls_joined *to;
	__u32 at;   /* offset of the record */
	__u32 done; /* bytes of it that were copied */
};

/* Copies a piece of a record's share of the handshake. */
static long ids_tls_copy(__u32 index IDS_UNUSED, void *data)
{
	struct ids_tls_join *join = data;
	struct ids_io *from = join->from, *to = &join->to->io;
	__u32 at = join->at, length = to->length, size, left, piece;

	if (at > IDS_SECTION_MAX - IDS_TLS_HEADER || at + IDS_TLS_HEADER >= from->length)
		return 1;
	size = from->bytes[at + 3] << 8 | from->bytes[at + 4];
	left = from->length - at - IDS_TLS_HEADER;
	if (left > size)
		left = size;
	left -= join->done;
	piece = left < IDS_TLS_PIECE ? left : IDS_TLS_PIECE;
	at += IDS_TLS_HEADER + join->done;
	barrier_var(piece);
	barrier_var(length);
	barrier_var(at);
	if (piece > IDS_TLS_PIECE || length > IDS_SECTION_MAX || at > IDS_SECTION_MAX)
		return 1;
	bpf_probe_read_kernel(to->bytes + length, piece, from->bytes + at);
	to->length = length + piece;
	if (piece < left) {
		join->done += piece;
	} else {
		join->done = 0;
		join->at += IDS_TLS_HEADER + size;
	}
	return 0;
}

struct ids_tls_extensions {
	struct ids_io *io;
	__u32 at;
	__u32 end;
	__u32 name; /* offset of the host name, 0 = not found */
	__u32 name_end;
};

static __always_inline __u32 ids_tls_u16(const struct ids_io *io, __u32 at)
{
	return at < IDS_SECTION_MAX ? io->bytes[at] << 8 | io->bytes[at + 1] : 0;
}

static long ids_tls_extension(__u32 index IDS_UNUSED, void *data)
{
	struct ids_tls_extensions *walk = data;
	__u32 at = walk->at, end = walk->end, size;

	if (at + 4 > end || at > IDS_SECTION_MAX)
		return 1;
	size = ids_tls_u16(walk->io, at + 2);
	walk->at = at + 4 + size;
	if (ids_tls_u16(walk->io, at) != 0 || size == 0)
		return 0;
	/* The list's length, then type 0 (a host name), the name's length, the name. */
	if (size < 5 || at > IDS_SECTION_MAX - 9 || walk->io->bytes[at + 6])
		return 1;
	size = ids_tls_u16(walk->io, at + 7);
	if (at + 9 + size > end)
		return 1;
	walk->name = at + 9;
	walk->name_end = at + 9 + size;
	return 1;
}

/* Finds the name in the ClientHello whose body is bytes[from..to), as far as it is there. */
static __always_inline void ids_tls_find(struct ids_io *io, __u32 from, __u32 to, struct ids_tls_extensions *walk)
{
	__u32 at = from + 34;

	walk->io = io;
	walk->name = 0;
	if (to > IDS_SECTION_MAX || at + 1 > to)
		return;
	at += 1 + io->bytes[at];
	if (at + 2 > to)
		return;
	at += 2 + ids_tls_u16(io, at);
	if (at + 1 > to || at >= IDS_SECTION_MAX)
		return;
	at += 1 + io->bytes[at];
	if (at + 2 > to)
		return;
	walk->end = at + 2 + ids_tls_u16(io, at);
	if (walk->end > to)
		walk->end = to;
	walk->at = at + 2;
	bpf_loop(IDS_SECTION_MAX / 4, ids_tls_extension, walk, 0);
}

/* The ClientHello is there, or as much of it as there will be. Most come in one record, and are read where they are. */
static __always_inline void ids_tls_client(struct ids_io *io)
{
	__u32 zero = 0, records = io->own[IDS_TLS_RECORDS], end = io->own[IDS_TLS_END], from = 4;
	struct ids_tls_join join = { .from = io };
	struct ids_tls_extensions walk = {};
	struct ids_io *whole = io;

	io->own[IDS_TLS_NAME] = 0;
	if (records == 0 || (records == 1 && end && end <= io->own[IDS_TLS_SEEN])) {
		from += IDS_TLS_HEADER;
		end = end ? end + IDS_TLS_HEADER : 0;
	} else {
		join.to = bpf_map_lookup_elem(&ids_tls_whole, &zero);
		if (!join.to)
			return;
		whole = &join.to->io;
		ids_io_begin(whole, 0, io->flags);
		bpf_loop(IDS_SECTION_MAX / IDS_TLS_HEADER, ids_tls_copy, &join, 0);
	}
	ids_tls_find(whole, from, end && end < whole->length ? end : whole->length, &walk);
	io->own[IDS_TLS_NAME] = walk.name;
	io->own[IDS_TLS_NAME_END] = walk.name_end;
	io->own[IDS_TLS_JOINED] = whole != io;
}

/*
 * The consumer of TLS. A direction is done with its hello; of the server's flight what comes up to its certificates is
 * wanted too. Encryption hides the rest. ids_tls_done() is to follow.
 */
__noinline int ids_tls_section(struct ids_packet *pkt, struct ids_io *io)
{
	__u32 state, type, end;
	int begins;

	if (!pkt || !io)
		return -1;
	begins = ids_tls_begins(io);
	if (begins != 1)
		return begins && !(io->flags & IDS_IO_LAST) ? 0 : -1;
	bpf_loop(4 * IDS_SECTION_MAX, ids_tls_step, &io, 0);
	io->fresh = io->length;
	state = io->own[IDS_TLS_STATE];
	if (!state && !(io->flags & IDS_IO_LAST))
		return 0;
	type = io->bytes[IDS_TLS_HEADER];
	if (state == IDS_TLS_BROKEN && !io->own[IDS_TLS_RECORDS])
		return -1;
	end = state == IDS_TLS_DONE ? io->own[IDS_TLS_AT] : io->length;
	/* The record that turns to encryption is told by its header and a byte. */
	if (state == IDS_TLS_DONE && (!io->own[IDS_TLS_END] || io->own[IDS_TLS_SEEN] < io->own[IDS_TLS_END]))
		end += IDS_TLS_HEADER + 1;
	if (end > io->length)
		end = io->length;
	if (type == IDS_TLS_CLIENT_HELLO)
		ids_tls_client(io);
	else
		io->own[IDS_TLS_NAME] = 0;
	io->flags |= IDS_IO_QUIET;
	return end;
}

/* Judges the name and hands over the `end` bytes that ids_tls_section() found. */
static __always_inline void ids_tls_done(struct ids_packet *pkt, struct ids_io *io, __u32 end)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 flags = 0, zero = 0;
	struct ids_io *whole = io;

	ids_count(IDS_STAT_TLS);
	if (io->own[IDS_TLS_NAME]) {
		if (io->own[IDS_TLS_JOINED])
			whole = bpf_map_lookup_elem(&ids_tls_whole, &zero);
		if (whole)
			ids_pattern_span(pkt, whole, IDS_REGION_SNI, io->own[IDS_TLS_NAME], io->own[IDS_TLS_NAME_END],
					 1, 1);
		if (whole)
			ids_prefilter_name(pkt, whole, io->own[IDS_TLS_NAME], io->own[IDS_TLS_NAME_END], IDS_GRAM_SNI);
		if (whole && whole->wanted)
			flags |= IDS_BYTES_WANTED;
		if (whole) {
			io->told = whole->told;
			io->decided = whole->decided;
			__builtin_memcpy(io->rule, whole->rule, sizeof(io->rule));
		}
	}
	if (settings && settings->flags & IDS_L7_LOG_TLS)
		flags |= IDS_BYTES_LOGGED;
	if (settings && settings->flags & IDS_L7_ALL_HELLOS)
		flags |= IDS_BYTES_WANTED;
	ids_bytes_emit(pkt, io, IDS_EVENT_TLS, flags, 0, end, io->own[IDS_TLS_STATE] == IDS_TLS_DONE ? end : end + 1);
}

#endif
