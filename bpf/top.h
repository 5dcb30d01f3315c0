/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Aggregates of HTTP: what requests ask for and how they are answered, counted where they pass; no event is needed. */
#ifndef IDS_TOP_H
#define IDS_TOP_H

#include "path_template.h"
#include "top_table.h"

/* Room behind a section for values that are made: beside that of templates. */
#define IDS_TOP_MADE     (IDS_SECTION_MAX + 256)
#define IDS_TOP_NAME_MAX 64 /* bytes of a header's name */
#define IDS_TOP_BLANKS   8  /* on each side of a value */

_Static_assert(IDS_TOP_MADE + IDS_TOP_HASHED <= IDS_TOP_LAST + IDS_TOP_HASHED, "made values can be counted");

/* Where the walk over header lines stands, in io->own: memory, as the verifier would follow every value of a register. */
enum ids_top_walk {
	IDS_TOP_HASH = 0,
	IDS_TOP_AT = 1,
	IDS_TOP_LINE = 2,  /* which header the line is; 0: none that is counted */
	IDS_TOP_BEGIN = 3, /* where its value begins */
	IDS_TOP_FROM = 4,
	IDS_TOP_TO = 5,
};

static const char ids_hex_digit[17] = "0123456789abcdef";

/* Beside enum ids_top_kind: the value is masked, or will be. */
#define IDS_TOP_SECRET 0x80

/* Writes what stands for a masked value, its keyed hash as in its note; returns its length. */
static __always_inline __u32 ids_top_secret(struct ids_io *io, __u32 from, __u32 to)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u8 *text = io->bytes + IDS_TOP_MADE;
	__u64 hash;
	__u32 n;

	if (!settings)
		return 0;
	hash = ids_sip_bytes(io, from, to, settings->hash_key[0], settings->hash_key[1]);
	__builtin_memcpy(text, "masked ", 8);
#pragma clang loop unroll(disable)
	for (n = 0; n < 16; n++) {
		text[7 + n] = ids_hex_digit[hash >> 60];
		hash <<= 4;
	}
	return 7 + 16;
}

/* Counts bytes[from..to), without the white space around them; they may be masked (IDS_TOP_SECRET). */
__noinline __u32 ids_top_value(struct ids_io *io, __u32 kind, __u32 index, __u32 from, __u32 to)
{
	__u32 n;

	if (!io)
		return 0;
	io->own[IDS_TOP_FROM] = from;
	io->own[IDS_TOP_TO] = to;
#pragma clang loop unroll(disable)
	for (n = 0; n < 2 * IDS_TOP_BLANKS; n++) {
		/* What is in memory is read again, and not known. */
		barrier();
		__u32 first = io->own[IDS_TOP_FROM], last = io->own[IDS_TOP_TO] - 1;

		barrier_var(first);
		barrier_var(last);
		if (first > last || first >= IDS_SECTION_MAX || last >= IDS_SECTION_MAX)
			return 0;
		if (io->bytes[first] <= ' ')
			io->own[IDS_TOP_FROM] = first + 1;
		else if (io->bytes[last] <= ' ')
			io->own[IDS_TOP_TO] = last;
		else
			break;
	}
	from = io->own[IDS_TOP_FROM];
	to = io->own[IDS_TOP_TO];
	if (kind & IDS_TOP_SECRET) {
		to = IDS_TOP_MADE + ids_top_secret(io, from, to);
		from = IDS_TOP_MADE;
	}
	return ids_top_count(io, kind & ~IDS_TOP_SECRET, index, from, to);
}

static __always_inline __u32 ids_top_path(struct ids_io *io, __u32 from, __u32 to)
{
	__u32 extent = ids_path_extent(io, from, to - from), length = extent & 0xffff;

	if (!(extent >> 16))
		return ids_top_count(io, IDS_TOP_PATH, 0, from, from + length);
	length = ids_path_template(io, from, length);
	return ids_top_count(io, IDS_TOP_PATH, 0, IDS_TEMPLATE_AT, IDS_TEMPLATE_AT + length);
}

/* What names are compared by: small letters, and `-` for `_`. */
static const __u8 ids_name_byte[128] = {
	0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,
	22,  23,  24,  25,  26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,  43,
	44,  45,  46,  47,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,  64,  97,
	98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119,
	120, 121, 122, 91,  92,  93,  94,  45,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109,
	110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
};

/* Which of the names the line at `from` has: its hash, and io->own[IDS_TOP_AT] is behind the colon. 0: none of them. */
__noinline __u32 ids_top_name(struct ids_io *io, const struct ids_log *log, __u32 from)
{
	__u32 n, hash;

	if (!io || !log)
		return 0;
	io->own[IDS_TOP_HASH] = 2166136261u;
	io->own[IDS_TOP_AT] = 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_TOP_NAME_MAX; n++) {
		/* What is in memory is read again, and not known. */
		barrier();
		__u32 at = from + n;
		__u8 byte;

		barrier_var(at);
		if (at >= IDS_SECTION_MAX)
			return 0;
		byte = io->bytes[at];
		if (byte == ':') {
			io->own[IDS_TOP_AT] = at + 1;
			break;
		}
		io->own[IDS_TOP_HASH] = (io->own[IDS_TOP_HASH] ^ ids_name_byte[byte & 127]) * 16777619u;
	}
	hash = io->own[IDS_TOP_HASH];
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_LOG_NAMES; n++) {
		if (n >= log->names)
			break;
		if (log->name[n] == hash)
			return io->own[IDS_TOP_AT] ? hash : 0;
	}
	return 0;
}

/* Values of the header lines that the log keeps by name. A value of which a part is masked ends there. */
__noinline int ids_top_headers(struct ids_packet *pkt, struct ids_io *io, const struct ids_log *log, __u32 length)
{
	__u32 n, hides;

	if (!pkt || !io || !log)
		return 0;
	hides = pkt->control & IDS_CONTROL_REDACT ? IDS_REGION_MASKED : 0;
	io->own[IDS_TOP_LINE] = 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_EDGES; n++) {
		/* What is in memory is read again, and not known. */
		barrier();
		__u32 edge = io->edge[n], from = edge >> IDS_EDGE_SHIFT, name = io->own[IDS_TOP_LINE],
		      begin = io->own[IDS_TOP_BEGIN], last = from - 1;
		__u32 region = edge & (IDS_REGIONS - 1), to = length;

		if (n >= io->edges)
			break;
		if (n + 1 < io->edges && n + 1 < IDS_EDGES)
			to = io->edge[n + 1] >> IDS_EDGE_SHIFT;
		if (name && edge & hides) {
			/* The value, or what follows a part that may be seen. */
			bool whole = from <= begin + 1;

			io->own[IDS_TOP_LINE] = 0;
			ids_top_value(io, whole ? IDS_TOP_HEADER | IDS_TOP_SECRET : IDS_TOP_HEADER, name,
				      whole ? from : begin, whole ? to : from);
			continue;
		}
		if (name && (region == IDS_REGION_HEADERS || region == IDS_REGION_NONE)) {
			io->own[IDS_TOP_LINE] = 0;
			ids_top_value(io, IDS_TOP_HEADER, name, begin, from);
		}
		if (region != IDS_REGION_KEPT || io->own[IDS_TOP_LINE] || !from)
			continue;
		barrier_var(last);
		if (last >= IDS_SECTION_MAX || io->bytes[last] != '\n')
			continue;
		io->own[IDS_TOP_LINE] = ids_top_name(io, log, from);
		io->own[IDS_TOP_BEGIN] = io->own[IDS_TOP_AT];
	}
	if (io->own[IDS_TOP_LINE])
		ids_top_value(io, IDS_TOP_HEADER, io->own[IDS_TOP_LINE], io->own[IDS_TOP_BEGIN], length);
	return 0;
}

static __always_inline void ids_top_request(struct ids_packet *pkt, struct ids_io *io)
{
	struct ids_message *message = &io->message;
	__u32 place = (message->queued - 1) & (IDS_QUEUE - 1), secret = 0, host, path;
	struct ids_l7 *l7;

	if (pkt->control & IDS_CONTROL_REDACT)
		secret = message->secret;
	ids_top_count(io, IDS_TOP_METHOD, 0, message->verb.from, message->verb.to);
	host = ids_top_value(io, IDS_TOP_HOST | (secret >> IDS_REGION_HOST & 1 ? IDS_TOP_SECRET : 0), 0,
			     message->host.from, message->host.to);
	path = ids_top_path(io, message->uri.from, message->uri.to);
	ids_top_value(io, IDS_TOP_USER_AGENT | (secret >> IDS_REGION_USER_AGENT & 1 ? IDS_TOP_SECRET : 0), 0,
		      message->agent.from, message->agent.to);
	l7 = message->queued ? ids_l7_of(pkt) : 0;
	if (!l7)
		return;
	l7->host[place] = host;
	l7->path[place] = path;
	l7->tags[place] = host >> 16 | path >> 16 << 4;
}

static __always_inline void ids_top_response(struct ids_packet *pkt, struct ids_io *io)
{
	const struct ids_message *message = &io->message;
	__u32 place = (message->queued - 1) & (IDS_QUEUE - 1), status = message->status, latency = message->latency_us;
	int known = message->flags & IDS_MESSAGE_ANSWER;
	__u8 *text = io->bytes + IDS_TOP_MADE;
	struct ids_l7 *l7;

	/* An interim response is followed by the final one. */
	if (status < 100 || (status < 200 && status != 101))
		return;
	text[0] = '0' + status / 100;
	text[1] = '0' + status / 10 % 10;
	text[2] = '0' + status % 10;
	ids_top_answer(ids_top_count(io, IDS_TOP_STATUS, 0, IDS_TOP_MADE, IDS_TOP_MADE + 3), status / 100, latency,
		       known);
	l7 = message->queued ? ids_l7_of(pkt) : 0;
	if (!l7)
		return;
	if (l7->host[place])
		ids_top_answer(l7->host[place] | (l7->tags[place] & 15) << 16, status / 100, latency, known);
	if (l7->path[place])
		ids_top_answer(l7->path[place] | l7->tags[place] >> 4 << 16, status / 100, latency, known);
}

/* Counts a message, which is not masked yet. */
__noinline int ids_top_message(struct ids_packet *pkt, struct ids_io *io)
{
	if (!pkt || !io || !io->edges)
		return 0;
	if (io->kind == IDS_GUESS_RESPONSE)
		ids_top_response(pkt, io);
	else
		ids_top_request(pkt, io);
	return 0;
}

/* What there is to count of a section of `length` bytes. Inline: of the call stack every frame is needed. */
static __always_inline void ids_top_section(struct ids_packet *pkt, struct ids_io *io, __u32 length)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	const struct ids_log *log;

	if (!settings || !(settings->flags & IDS_L7_AGGREGATE))
		return;
	ids_top_message(pkt, io);
	log = ids_selection();
	if (log && log->names && io->kind == IDS_GUESS_REQUEST)
		ids_top_headers(pkt, io, log, length);
}

#endif
