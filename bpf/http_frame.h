/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a header section says of its message: status, method, length. RFC 9112 6 decides; what contradicts is noted. */
#ifndef IDS_HTTP_FRAME_H
#define IDS_HTTP_FRAME_H

#include "http_start.h"

#define IDS_LENGTH_DIGITS 24 /* bytes that a Content-Length may have, white space behind it included */

static __always_inline bool ids_http_is_space(__u8 byte)
{
	return byte == ' ' || byte == '\t';
}

/* Where a number is read: the words of io that told the start line, free by now; memory, as registers would be followed. */
#define IDS_NUMBER(io)     ((io)->last)
#define IDS_DIGITS(io)     ((io)->guessed)
#define IDS_NUMBER_BAD(io) ((io)->verdict)

/* The value of a Content-Length, bytes[from..to). */
__noinline int ids_http_length(struct ids_io *io, __u32 from, __u32 to)
{
	struct ids_message *message;
	__u32 n;

	if (!io)
		return 0;
	message = &io->message;
	IDS_NUMBER(io) = 0;
	IDS_DIGITS(io) = 0;
	/* 1: white space behind it, nothing but that may follow. */
	IDS_NUMBER_BAD(io) = to - from > IDS_LENGTH_DIGITS ? 2 : 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_LENGTH_DIGITS; n++) {
		__u32 at = from + n;
		__u8 byte;

		barrier_var(at);
		if (at >= to || at >= IDS_SECTION_MAX)
			break;
		byte = io->bytes[at];
		if (ids_http_is_space(byte)) {
			if (IDS_DIGITS(io))
				IDS_NUMBER_BAD(io) |= 1;
			continue;
		}
		if ((__u8)(byte - '0') > 9 || IDS_NUMBER_BAD(io) || IDS_NUMBER(io) >> 58) {
			IDS_NUMBER_BAD(io) = 2;
			break;
		}
		IDS_NUMBER(io) = IDS_NUMBER(io) * 10 + (byte - '0');
		IDS_DIGITS(io)++;
	}
	if (IDS_NUMBER_BAD(io) & 2 || !IDS_DIGITS(io) ||
	    (message->flags & IDS_MESSAGE_LENGTH && message->length != IDS_NUMBER(io))) {
		message->flags |= IDS_MESSAGE_CONFLICT;
		return 0;
	}
	message->length = IDS_NUMBER(io);
	message->flags |= IDS_MESSAGE_LENGTH;
	return 0;
}

/* The value of a Transfer-Encoding, bytes[from..to): whether its last coding is chunked. */
__noinline int ids_http_coding(struct ids_io *io, __u32 from, __u32 to)
{
	__u32 n;
	__u64 word;
	__u8 before = ',';

	if (!io || to > IDS_SECTION_MAX)
		return 0;
	/* Nobody can say what two of them mean together. */
	if (io->message.flags & IDS_MESSAGE_CODING)
		io->message.flags |= IDS_MESSAGE_CONFLICT;
	io->message.flags |= IDS_MESSAGE_CODING;
#pragma clang loop unroll(disable)
	for (n = 0; n < 16; n++) {
		__u32 last = to - 1;

		barrier_var(last);
		if (to <= from || last >= IDS_SECTION_MAX || !ids_http_is_space(io->bytes[last]))
			break;
		to = last;
	}
	n = to - 7;
	barrier_var(n);
	if (to < from + 7 || n >= IDS_SECTION_MAX)
		return 0;
	word = *(const __u64 *)(io->bytes + n) & ~0ull >> 8;
	if ((word | 0x20202020202020ull) != IDS_HTTP_WORD("chunked"))
		return 0;
	if (to > from + 7 && n > 0)
		before = io->bytes[n - 1];
	if (before == ',' || ids_http_is_space(before))
		io->message.flags |= IDS_MESSAGE_CHUNKED;
	return 0;
}

/* A status of three digits; 0 of anything else. */
static __always_inline __u32 ids_http_status(const struct ids_io *io, __u32 from)
{
	__u32 a, b, c;

	if (from > IDS_SECTION_MAX)
		return 0;
	a = io->bytes[from] - '0';
	b = io->bytes[from + 1] - '0';
	c = io->bytes[from + 2] - '0';
	return a > 9 || b > 9 || c > 9 ? 0 : a * 100 + b * 10 + c;
}

static __always_inline void ids_http_verb(struct ids_io *io, __u32 from, __u32 to)
{
	__u64 word;

	io->message.verb.from = from;
	io->message.verb.to = to;
	if (from > IDS_SECTION_MAX)
		return;
	word = *(const __u64 *)(io->bytes + from);
	if (to - from == 4 && IDS_HTTP_STARTS(word, "HEAD"))
		io->message.method = IDS_METHOD_HEAD;
	else if (to - from == 7 && IDS_HTTP_STARTS(word, "CONNECT"))
		io->message.method = IDS_METHOD_CONNECT;
}

static __always_inline void ids_http_piece(struct ids_piece *piece, __u32 from, __u32 to)
{
	if (piece->to)
		return;
	piece->from = from;
	piece->to = to;
}

struct ids_named {
	const struct ids_io *io;
	__u64 last;
	bool found;
};

static long ids_http_named_byte(__u32 index, void *data)
{
	struct ids_named *named = data;

	if (index >= named->io->length || index >= IDS_SECTION_MAX)
		return 1;
	named->last = named->last << 8 | named->io->bytes[index];
	named->found = ((named->last & 0xffffffffffull) | 0x2020202000ull) == 0x687474702full; /* "http/" */
	return named->found;
}

/* Whether the line names HTTP: what stands before it may be no version to us, and one to the server. */
static __always_inline bool ids_http_is_named(const struct ids_io *io)
{
	struct ids_named named = { .io = io };

	bpf_loop(IDS_SECTION_MAX, ids_http_named_byte, &named, 0);
	return named.found;
}

/* Whether it is a request of HTTP/0.9: a line without a version, and nothing more. */
static __always_inline bool ids_http_is_simple(const struct ids_io *io)
{
	__u32 n, last = io->length - 1;

	if (io->kind != IDS_GUESS_REQUEST || last >= IDS_SECTION_MAX || io->bytes[last] != '\n' || io->edges > 8)
		return false;
#pragma clang loop unroll(disable)
	for (n = 0; n < 8; n++) {
		__u32 region = io->edge[n] & (IDS_REGIONS - 1);

		if (n >= io->edges)
			break;
		if (region == IDS_REGION_VERSION || region == IDS_REGION_HEADERS)
			return false;
	}
	return n > 0 && !ids_http_is_named(io);
}

/* Regions that say something of the message. */
#define IDS_FRAME_REGIONS                                                                                           \
	(1u << IDS_REGION_STATUS | 1u << IDS_REGION_METHOD | 1u << IDS_REGION_URI | 1u << IDS_REGION_URI_ODD |      \
	 1u << IDS_REGION_VERSION | 1u << IDS_REGION_HOST | 1u << IDS_REGION_USER_AGENT | 1u << IDS_REGION_LENGTH | \
	 1u << IDS_REGION_CODING | 1u << IDS_REGION_UPGRADE)

/* What bytes[from..to) of that region say. */
__noinline int ids_http_region(struct ids_io *io, __u32 region, __u32 from, __u32 to)
{
	struct ids_message *message;

	if (!io)
		return 0;
	message = &io->message;
	switch (region) {
	case IDS_REGION_STATUS:
		message->status = ids_http_status(io, from);
		break;
	case IDS_REGION_METHOD:
		ids_http_verb(io, from, to);
		break;
	case IDS_REGION_URI_ODD:
		message->flags |= IDS_MESSAGE_ESCAPES;
		/* fall through */
	case IDS_REGION_URI:
		ids_http_piece(&message->uri, from, to);
		message->uri.to = to;
		break;
	case IDS_REGION_VERSION:
		message->old = from <= IDS_SECTION_MAX && io->bytes[from + 7] == '0';
		break;
	case IDS_REGION_HOST:
		if (message->host.to)
			message->flags |= IDS_MESSAGE_TWICE;
		ids_http_piece(&message->host, from, to);
		break;
	case IDS_REGION_USER_AGENT:
		if (message->agent.to)
			message->flags |= IDS_MESSAGE_TWICE;
		ids_http_piece(&message->agent, from, to);
		break;
	case IDS_REGION_LENGTH:
		ids_http_length(io, from, to);
		break;
	case IDS_REGION_CODING:
		ids_http_coding(io, from, to);
		break;
	case IDS_REGION_UPGRADE:
		message->flags |= IDS_MESSAGE_UPGRADE;
		break;
	}
	return 0;
}

/* Reads the edges of the whole section into io->message. */
__noinline int ids_http_frame(struct ids_io *io, __u32 length)
{
	struct ids_message *message;
	__u32 n;

	if (!io)
		return 0;
	message = &io->message;
	message->old = io->kind == IDS_GUESS_REQUEST;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_EDGES; n++) {
		__u32 edge = io->edge[n], region = edge & (IDS_REGIONS - 1);

		if (n >= io->edges)
			break;
		if (!(1u << region & IDS_FRAME_REGIONS))
			continue;
		if (edge & IDS_REGION_MASKED)
			message->secret |= 1u << region;
		ids_http_region(io, region, edge >> IDS_EDGE_SHIFT,
				n + 1 < io->edges && n + 1 < IDS_EDGES ? io->edge[n + 1] >> IDS_EDGE_SHIFT : length);
	}
	if (message->flags & IDS_MESSAGE_LENGTH && message->flags & IDS_MESSAGE_CODING)
		message->flags |= IDS_MESSAGE_CONFLICT;
	/* Of a request nobody could tell where it ends, and HTTP/1.0 knows no codings. */
	if (message->flags & IDS_MESSAGE_CODING && io->kind == IDS_GUESS_REQUEST &&
	    (message->old || !(message->flags & IDS_MESSAGE_CHUNKED)))
		message->flags |= IDS_MESSAGE_CONFLICT;
	/* Lengths behind an edge that found no room are not known. */
	if (io->crowded)
		message->flags |= IDS_MESSAGE_BLIND;
	return 0;
}

#endif
