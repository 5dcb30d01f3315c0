/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The layer-7 stage: recognises an HTTP/1 request by its first bytes, on any port, and hands the masked header section
 * of this segment to the engine through the bulk ring.
 */
#ifndef IDS_HTTP_H
#define IDS_HTTP_H

#include <linux/in.h>
#include "events.h"
#include "redact.h"

#define IDS_HTTP_METHOD_MAX 32
#define IDS_HTTP_LEAD_MAX   16 /* bytes of empty lines that a server passes over before a request (RFC 9112 2.2) */

/* Where a record is put together: written and read by the HTTP stage alone, one a CPU, never nested. */
struct ids_http_record {
	struct ids_http head;
	struct ids_section section;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_http_record);
} ids_http_scratch SEC(".maps");

/* What the first bytes of a payload say. */
enum ids_http_guess {
	IDS_HTTP_NO,
	IDS_HTTP_MAYBE, /* a token and a space: the version behind them decides */
	IDS_HTTP_YES,   /* a well-known method and a path */
	IDS_HTTP_LATER, /* an empty line in front */
};

#define IDS_HTTP_BYTE(s, i) ((i) < sizeof(s) - 1 ? (__u64)(s)[(i) < sizeof(s) ? (i) : 0] << 8 * (i) : 0)
#define IDS_HTTP_WORD(s)                                                                                               \
	(IDS_HTTP_BYTE(s, 0) | IDS_HTTP_BYTE(s, 1) | IDS_HTTP_BYTE(s, 2) | IDS_HTTP_BYTE(s, 3) | IDS_HTTP_BYTE(s, 4) | \
	 IDS_HTTP_BYTE(s, 5) | IDS_HTTP_BYTE(s, 6) | IDS_HTTP_BYTE(s, 7))
#define IDS_HTTP_STARTS(w, s) (((w) & ~0ull >> (64 - 8 * (sizeof(s) - 1))) == IDS_HTTP_WORD(s))

/* True if a request begins with these 8 bytes, beyond doubt. */
static __always_inline bool ids_http_is_usual(__u64 word)
{
	return IDS_HTTP_STARTS(word, "GET /") || IDS_HTTP_STARTS(word, "POST /") || IDS_HTTP_STARTS(word, "HEAD /") ||
	       IDS_HTTP_STARTS(word, "PUT /") || IDS_HTTP_STARTS(word, "PATCH /") || IDS_HTTP_STARTS(word, "TRACE /") ||
	       IDS_HTTP_STARTS(word, "DELETE /");
}

/* RFC 9110 5.6.2: one bit a byte, and no branch. */
static const __u32 ids_http_tokens[8] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff };

static __always_inline bool ids_http_is_token(__u8 byte)
{
	return ids_http_tokens[byte >> 5] >> (byte & 31) & 1;
}

/*
 * Judges the first bytes of `length` payload bytes at `offset` of the frame: enum ids_http_guess. A global function,
 * so that the verifier does not go through what follows once for every length of a method.
 */
IDS_OUTLINE_WITH(ids_http_guess, (__u32 offset, __u32 length), (offset, length))
{
	union {
		__u8 byte[IDS_HTTP_METHOD_MAX + 8];
		__u64 word;
	} start = {};
	__u32 size = sizeof(start);

	if (length < size)
		size = length;
	if (size < 6 || size > sizeof(start) || ids_load(ctx, hook, pkt, offset, &start, size))
		return IDS_HTTP_NO;
	if (ids_http_is_usual(start.word))
		return IDS_HTTP_YES;
	if (start.byte[0] == '\r' || start.byte[0] == '\n')
		return IDS_HTTP_LATER;
	if (!ids_http_is_token(start.byte[0]))
		return IDS_HTTP_NO;
	for (__u32 n = 1; n <= IDS_HTTP_METHOD_MAX; n++) {
		if (!ids_http_is_token(start.byte[n]))
			return start.byte[n] == ' ' ? IDS_HTTP_MAYBE : IDS_HTTP_NO;
	}
	return IDS_HTTP_NO;
}

/* Bytes of empty lines in front of a request. */
IDS_OUTLINE_WITH(ids_http_lead, (__u32 offset, __u32 length), (offset, length))
{
	__u8 start[IDS_HTTP_LEAD_MAX] = {};
	__u32 n, size = sizeof(start);

	if (length < size)
		size = length;
	if (size == 0 || size > sizeof(start) || ids_load(ctx, hook, pkt, offset, start, size))
		return 0;
	for (n = 0; n < IDS_HTTP_LEAD_MAX; n++) {
		if (start[n] != '\r' && start[n] != '\n')
			break;
	}
	return n;
}

struct ids_http_line {
	const struct ids_section *section;
	__u32 length;
	__u32 found;
	__u64 last; /* the 8 bytes before this one */
};

static long ids_http_version_byte(__u32 index, void *data)
{
	struct ids_http_line *line = data;

	if (index >= line->length || index >= IDS_HEADER_MAX)
		return 1;
	__u8 byte = line->section->bytes[index];

	if (byte == '\n')
		return 1;
	if (byte >= '0' && byte <= '9' && (line->last & 0xffffffffffffull) == 0x20485454502full) { /* " HTTP/" */
		line->found = 1;
		return 1;
	}
	line->last = line->last << 8 | byte;
	return 0;
}

/* True if the request line names its version, as only HTTP does. */
static __always_inline int ids_http_has_version(const struct ids_section *section, __u32 length)
{
	struct ids_http_line line = { .section = section, .length = length };

	bpf_loop(IDS_HEADER_MAX, ids_http_version_byte, &line, 0);
	return line.found;
}

static __always_inline bool ids_http_wanted(const struct ids_packet *pkt)
{
	return pkt->http && pkt->verdict == IDS_VERDICT_PASS && pkt->proto_key == IPPROTO_TCP && pkt->l4_read &&
	       pkt->payload_len;
}

/* Runs on packets that are wanted; never changes the verdict. */
IDS_OUTLINE(ids_http)
{
	__u32 zero = 0, lead = 0;

	__u32 length = pkt->payload_len;
	__u32 guess = ids_http_guess(ctx, hook, pkt, pkt->payload, length);

	if (guess == IDS_HTTP_LATER) {
		lead = ids_http_lead(ctx, hook, pkt, pkt->payload, length);
		length = length > lead ? length - lead : 0;
		guess = ids_http_guess(ctx, hook, pkt, pkt->payload + lead, length);
	}
	if (guess != IDS_HTTP_MAYBE && guess != IDS_HTTP_YES)
		return 0;
	struct ids_http_record *record = bpf_map_lookup_elem(&ids_http_scratch, &zero);

	if (!record)
		return 0;
	if (length > IDS_HEADER_MAX)
		length = IDS_HEADER_MAX;
	barrier_var(length);
	if (length == 0 || length > IDS_HEADER_MAX)
		return 0;
	if (ids_load(ctx, hook, pkt, pkt->payload + lead, record->section.bytes, length))
		return 0;
	if (guess == IDS_HTTP_MAYBE && !ids_http_has_version(&record->section, length))
		return 0;
	ids_count(IDS_STAT_HTTP);
	length = ids_redact_section(&record->section, length, pkt->control & IDS_CONTROL_REDACT, &record->head.flags);
	if (record->head.flags & IDS_HTTP_TRUNCATED)
		ids_count(IDS_STAT_HTTP_TRUNCATED);
	record->head.length = length;
	ids_note_connection(ctx, hook, pkt);
	ids_event_fill(pkt, &record->head.event);
	record->head.event.type = IDS_EVENT_HTTP;
	barrier_var(length);
	if (length > IDS_HEADER_MAX)
		return 0;
	ids_count(bpf_ringbuf_output(&ids_bulk, record, sizeof(record->head) + length, 0) ? IDS_STAT_BULK_LOST
											  : IDS_STAT_BULK);
	return 0;
}

#endif
