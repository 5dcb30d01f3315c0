/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TLS: the hello of each side, recognised by content, over records and segments; the server's up to the end of its
 * certificates. The name that a client asks for is judged here, on the packet that completes it.
 */
#ifndef IDS_TLS_H
#define IDS_TLS_H

#include "bytes_record.h"
#include "patterns.h"

#define IDS_TLS_RECORD_MAX (16384 + 2048)
#define IDS_TLS_HEADER     5
#define IDS_TLS_PIECE      4096 /* bytes that are copied at once */

enum ids_tls_type {
	IDS_TLS_HANDSHAKE = 22,
	IDS_TLS_CLIENT_HELLO = 1,
	IDS_TLS_SERVER_HELLO = 2,
	IDS_TLS_CERTIFICATE = 11,
	IDS_TLS_HELLO_DONE = 14,
};

/* Where the walk over records stands: indices of ids_io.own. Places in the handshake are as if there were no records. */
enum ids_tls_own {
	IDS_TLS_AT = 0,      /* offset of the record that comes next */
	IDS_TLS_SEEN = 1,    /* bytes of handshake in the records before it */
	IDS_TLS_RECORDS = 2, /* how many these are */
	IDS_TLS_MESSAGE = 3, /* where in the handshake the next message begins */
	IDS_TLS_NUMBER = 4,  /* the bytes of its header that were read, as a number, and */
	IDS_TLS_READ = 5,    /* how many they are */
	IDS_TLS_END = 6,     /* where in the handshake what we want ends; 0 = not known yet */
	IDS_TLS_STATE = 7,   /* enum ids_tls_state, and above it the type of the first message */
};

enum ids_tls_state {
	IDS_TLS_OPEN = 0,
	IDS_TLS_DONE = 1,
	IDS_TLS_BROKEN = 2,
	IDS_TLS_STATES = 3,
	IDS_TLS_FIRST = 8, /* shift of the first message's type */
};

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

/* True if a direction that begins with these bytes can be TLS: a handshake record whose first message is a hello. */
static __always_inline bool ids_tls_begins(const __u8 *bytes, __u32 length)
{
	if (length < 3 || bytes[0] != IDS_TLS_HANDSHAKE || bytes[1] != 3 || bytes[2] > 4)
		return false;
	return length < 6 || bytes[5] == IDS_TLS_CLIENT_HELLO || bytes[5] == IDS_TLS_SERVER_HELLO;
}

/* The header of a message is complete: what does it mean for the walk? */
static __always_inline void ids_tls_message(struct ids_io *io, __u32 number)
{
	__u32 type = number >> 24, begin = io->own[IDS_TLS_MESSAGE], end = begin + 4 + (number & 0xffffff);

	if (begin == 0) {
		if (type != IDS_TLS_CLIENT_HELLO && type != IDS_TLS_SERVER_HELLO) {
			io->own[IDS_TLS_STATE] = IDS_TLS_BROKEN;
			return;
		}
		io->own[IDS_TLS_STATE] |= type << IDS_TLS_FIRST;
	}
	if (type == IDS_TLS_CLIENT_HELLO || type == IDS_TLS_CERTIFICATE || type == IDS_TLS_HELLO_DONE)
		io->own[IDS_TLS_END] = end;
	io->own[IDS_TLS_MESSAGE] = end;
	io->own[IDS_TLS_READ] = io->own[IDS_TLS_NUMBER] = 0;
}

/* One step of the walk: a byte of a message's header, or on to the next record. */
static long ids_tls_step(__u32 index, void *data)
{
	struct ids_io *io = *(struct ids_io **)data;
	__u32 at = io->own[IDS_TLS_AT], seen = io->own[IDS_TLS_SEEN], size, next;

	if (at > IDS_SECTION_MAX - IDS_TLS_HEADER || at + IDS_TLS_HEADER > io->length)
		return 1;
	if (io->bytes[at + 1] != 3 || io->bytes[at] != IDS_TLS_HANDSHAKE) {
		/* Encryption begins, or an alert ends it: enough was seen if there was a hello. */
		io->own[IDS_TLS_STATE] |= seen ? IDS_TLS_DONE : IDS_TLS_BROKEN;
		return 1;
	}
	size = io->bytes[at + 3] << 8 | io->bytes[at + 4];
	if (size == 0 || size > IDS_TLS_RECORD_MAX) {
		io->own[IDS_TLS_STATE] |= IDS_TLS_BROKEN;
		return 1;
	}
	if (at + IDS_TLS_HEADER + size > io->length)
		return 1;
	next = io->own[IDS_TLS_MESSAGE] + io->own[IDS_TLS_READ];
	if (next < seen + size) {
		__u32 place = at + IDS_TLS_HEADER + (next - seen);

		if (place >= IDS_SECTION_MAX)
			return 1;
		io->own[IDS_TLS_NUMBER] = io->own[IDS_TLS_NUMBER] << 8 | io->bytes[place];
		if (++io->own[IDS_TLS_READ] == 4)
			ids_tls_message(io, io->own[IDS_TLS_NUMBER]);
		return (io->own[IDS_TLS_STATE] & IDS_TLS_STATES) != 0;
	}
	io->own[IDS_TLS_AT] = at + IDS_TLS_HEADER + size;
	io->own[IDS_TLS_SEEN] = seen + size;
	io->own[IDS_TLS_RECORDS]++;
	if (!io->own[IDS_TLS_END] || seen + size < io->own[IDS_TLS_END])
		return 0;
	io->own[IDS_TLS_STATE] |= IDS_TLS_DONE;
	return 1;
}

struct ids_tls_join {
	struct ids_io *from;
	struct ids_tls_joined *to;
	__u32 at;   /* offset of the record */
	__u32 done; /* bytes of it that were copied */
};

/* Copies a piece of a record's share of the handshake. */
static long ids_tls_copy(__u32 index, void *data)
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

static long ids_tls_extension(__u32 index, void *data)
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

/* Judges the name in the ClientHello whose body is bytes[from..to), as far as it is there. */
__noinline int ids_tls_name(struct ids_packet *pkt, struct ids_io *io, __u32 from, __u32 to)
{
	struct ids_tls_extensions walk = { .io = io };
	__u32 at = from + 34;

	if (!pkt || !io || from > IDS_SECTION_MAX || to > IDS_SECTION_MAX || at + 1 > to)
		return 0;
	at += 1 + io->bytes[at];
	if (at + 2 > to)
		return 0;
	at += 2 + ids_tls_u16(io, at);
	if (at + 1 > to || at >= IDS_SECTION_MAX)
		return 0;
	at += 1 + io->bytes[at];
	if (at + 2 > to)
		return 0;
	walk.end = at + 2 + ids_tls_u16(io, at);
	if (walk.end > to)
		walk.end = to;
	walk.at = at + 2;
	bpf_loop(IDS_SECTION_MAX / 4, ids_tls_extension, &walk, 0);
	if (walk.name)
		ids_pattern_span(pkt, io, IDS_REGION_SNI, walk.name, walk.name_end, 1, 1);
	return 0;
}

/* The ClientHello is there, or as much of it as there will be. */
static __always_inline void ids_tls_client(struct ids_packet *pkt, struct ids_io *io)
{
	struct ids_tls_join join = { .from = io };
	__u32 zero = 0, end = io->own[IDS_TLS_END];
	struct ids_io *whole;

	if (io->own[IDS_TLS_RECORDS] == 0 || (io->own[IDS_TLS_RECORDS] == 1 && end && end <= io->own[IDS_TLS_SEEN])) {
		end += IDS_TLS_HEADER;
		ids_tls_name(pkt, io, IDS_TLS_HEADER + 4, end > IDS_TLS_HEADER && end < io->length ? end : io->length);
		return;
	}
	join.to = bpf_map_lookup_elem(&ids_tls_whole, &zero);
	if (!join.to)
		return;
	whole = &join.to->io;
	ids_io_begin(whole, 0, io->flags);
	bpf_loop(IDS_SECTION_MAX / IDS_TLS_HEADER, ids_tls_copy, &join, 0);
	ids_tls_name(pkt, whole, 4, end && end < whole->length ? end : whole->length);
	io->wanted |= whole->wanted;
	io->decided |= whole->decided;
}

/*
 * The consumer of TLS. A direction is done with its hello; of the server's flight what comes up to its certificates is
 * wanted too. Encryption hides the rest.
 */
__noinline int ids_tls_section(struct ids_packet *pkt, struct ids_io *io)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 flags = 0, state, first, end;

	if (!pkt || !io || !settings)
		return -1;
	if (!ids_tls_begins(io->bytes, io->length))
		return io->length < 3 && !(io->flags & IDS_IO_LAST) ? 0 : -1;
	if (settings->flags & IDS_L7_LOG_TLS)
		flags |= IDS_BYTES_LOGGED;
	if (settings->flags & IDS_L7_ALL_HELLOS)
		flags |= IDS_BYTES_WANTED;
	bpf_loop(4 * IDS_SECTION_MAX, ids_tls_step, &io, 0);
	io->fresh = io->length;
	state = io->own[IDS_TLS_STATE] & IDS_TLS_STATES;
	first = io->own[IDS_TLS_STATE] >> IDS_TLS_FIRST;
	if (!state && !(io->flags & IDS_IO_LAST))
		return 0;
	if (!first && !state && io->length > IDS_TLS_HEADER)
		first = io->bytes[IDS_TLS_HEADER];
	if (!first)
		return -1;
	ids_count(IDS_STAT_TLS);
	io->flags |= IDS_IO_QUIET;
	if (first == IDS_TLS_CLIENT_HELLO) {
		ids_tls_client(pkt, io);
		if (io->wanted)
			flags |= IDS_BYTES_WANTED;
	}
	end = state == IDS_TLS_DONE ? io->own[IDS_TLS_AT] : io->length;
	/* The record that turns to encryption is told by its header and a byte. */
	if (state == IDS_TLS_DONE && (!io->own[IDS_TLS_END] || io->own[IDS_TLS_SEEN] < io->own[IDS_TLS_END]))
		end += IDS_TLS_HEADER + 1;
	if (end > io->length)
		end = io->length;
	ids_bytes_emit(pkt, io, IDS_EVENT_TLS, flags, 0, end, state == IDS_TLS_DONE ? end : end + 1);
	return end;
}

#endif
