/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which transactions the log wants: asked of the request as far as it can tell, else of the response. */
#ifndef IDS_HTTP_SELECT_H
#define IDS_HTTP_SELECT_H

#include "held.h"
#include "http_frame.h"

/* The choice's own, beside enum ids_http_flag: the request waits for its response. */
#define IDS_HTTP_WAITS (1u << 16)

/* The selection; of its two values one is in force. Written by the engine, read here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ids_log);
} ids_log SEC(".maps");

/* Transactions that met all but the sampling. One count for all CPUs, so that one in so many is just that. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids_log_met SEC(".maps");

/* The selection in force; null if nothing is selected by. */
static __always_inline const struct ids_log *ids_selection(void)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 flags = settings ? settings->flags : 0, slot = flags & IDS_L7_LOG_SLOT ? 1 : 0;

	return flags & IDS_L7_SELECT ? bpf_map_lookup_elem(&ids_log, &slot) : 0;
}

/* What is asked of a request. */
enum ids_holds {
	IDS_HOLDS_NOT = 0,
	IDS_HOLDS = 1,
	IDS_HOLDS_UNSURE = 2, /* the engine reads such sections with more care */
};

/* Eight bytes with capital letters as small ones. */
static __always_inline __u64 ids_lower8(__u64 word)
{
	const __u64 ones = 0x0101010101010101ULL;
	__u64 low = word & 0x7f * ones;
	__u64 letter = (low + (0x80 - 'A') * ones) & ~(low + (0x7f - 'Z') * ones) & ~word & 0x80 * ones;

	return word | letter >> 2;
}

/* Whether the section has these `length` bytes of text at `from`; `fold`: the text has small letters, and means both. */
static __always_inline bool ids_section_has(const struct ids_io *io, __u32 from, const char *text, const __u32 room,
					    __u32 length, const bool fold)
{
	__u32 n;

#pragma clang loop unroll(disable)
	for (n = 0; n < room; n += 8) {
		__u64 word;

		if (n >= length)
			break;
		barrier_var(from);
		if (from > IDS_SECTION_MAX)
			return false;
		word = *(const __u64 *)(io->bytes + from);
		if (fold)
			word = ids_lower8(word);
		word ^= *(const __u64 *)(text + n);
		if (length - n < 8)
			word <<= 64 - 8 * (length - n);
		if (word)
			return false;
		from += 8;
	}
	return true;
}

/* Whether the request is one that the log wants, its response and the sampling apart: enum ids_holds. */
__noinline int ids_request_holds(struct ids_packet *pkt, struct ids_io *io, const struct ids_log *log)
{
	const struct ids_message *message;
	struct ids_piece piece;

	if (!pkt || !io || !log)
		return IDS_HOLDS_UNSURE;
	message = &io->message;
	if (log->flags & IDS_LOG_PORT && pkt->dport != log->port)
		return IDS_HOLDS_NOT;
	if (!(log->flags & (IDS_LOG_METHOD | IDS_LOG_PATH | IDS_LOG_HOST)))
		return IDS_HOLDS;
	if (message->flags & (IDS_MESSAGE_BLIND | IDS_MESSAGE_TRUNCATED))
		return IDS_HOLDS_UNSURE;
	piece = message->verb;
	if (log->flags & IDS_LOG_METHOD &&
	    (piece.to - piece.from != log->method_len ||
	     !ids_section_has(io, piece.from, log->method, sizeof(log->method), log->method_len, false)))
		return IDS_HOLDS_NOT;
	piece = message->uri;
	if (log->flags & IDS_LOG_PATH &&
	    (piece.to - piece.from < log->path_len ||
	     !ids_section_has(io, piece.from, log->path, sizeof(log->path), log->path_len, false)))
		return IDS_HOLDS_NOT;
	if (!(log->flags & IDS_LOG_HOST))
		return IDS_HOLDS;
	/* A target that is no path says itself which host is meant. */
	if (io->odd & IDS_STRUCTURE_ODD_HEADERS || piece.from > IDS_SECTION_MAX || io->bytes[piece.from] != '/')
		return IDS_HOLDS_UNSURE;
	piece = message->host;
	if (piece.to - piece.from == log->host_len + 1u && piece.to <= IDS_SECTION_MAX && piece.to &&
	    io->bytes[piece.to - 1] == '.')
		piece.to--;
	return piece.to - piece.from == log->host_len &&
	       ids_section_has(io, piece.from, log->host, sizeof(log->host), log->host_len, true);
}

/* Whether the response is one that the log wants. */
static __always_inline bool ids_response_holds(const struct ids_message *message, const struct ids_log *log)
{
	if (log->flags & IDS_LOG_STATUS && (message->status < log->status_min || message->status > log->status_max))
		return false;
	return !(log->flags & IDS_LOG_SLOW) || message->latency_us >= log->slow_us;
}

/* Whether this transaction, which meets all else, is one in so many. */
static __always_inline bool ids_sampled(const struct ids_log *log)
{
	__u32 zero = 0, sample = log->sample;
	__u64 *met;

	if (sample <= 1)
		return true;
	met = bpf_map_lookup_elem(&ids_log_met, &zero);
	if (!met || __sync_fetch_and_add(met, 1) % sample == 0)
		return true;
	ids_count(IDS_STAT_LOG_SAMPLED);
	return false;
}

static __always_inline __u32 ids_select_request(struct ids_packet *pkt, struct ids_io *io, const struct ids_log *log,
						__u32 flags)
{
	__u32 place = io->message.queued - 1;
	struct ids_l7 *l7;
	int holds;

	/* Of one that no queue remembers the response could not be told. */
	if (!log || !(flags & IDS_HTTP_LOGGED) || !io->message.queued || !pkt->flow_id)
		return flags;
	l7 = ids_l7_of(pkt);
	holds = ids_request_holds(pkt, io, log);
	if (!l7 || holds == IDS_HOLDS_UNSURE)
		return flags;
	if (holds == IDS_HOLDS_NOT)
		ids_count(IDS_STAT_LOG_LEFT_OUT);
	else if (log->flags & (IDS_LOG_STATUS | IDS_LOG_SLOW))
		return flags & IDS_HTTP_WANTED ? flags : flags | IDS_HTTP_WAITS;
	else if (ids_sampled(log)) {
		l7->chosen[place & (IDS_QUEUE - 1)] = IDS_CHOSEN_YES;
		return flags | IDS_HTTP_SELECTED;
	}
	l7->chosen[place & (IDS_QUEUE - 1)] = IDS_CHOSEN_NOT;
	return flags & ~IDS_HTTP_LOGGED;
}

static __always_inline __u32 ids_select_response(struct ids_packet *pkt, struct ids_io *io, const struct ids_log *log,
						 __u32 flags)
{
	const struct ids_message *message = &io->message;
	bool interim = message->status / 100 == 1 && message->status != 101, holds;

	if (message->chosen == IDS_CHOSEN_ENGINE) {
		/* Nothing waits for a response without a request. */
		if (log && !(message->flags & (IDS_MESSAGE_ANSWER | IDS_MESSAGE_BLIND)) &&
		    !ids_response_holds(message, log))
			return flags & ~IDS_HTTP_LOGGED;
		return flags;
	}
	if (message->chosen == IDS_CHOSEN_NOT || interim)
		return flags & ~IDS_HTTP_LOGGED;
	if (message->chosen == IDS_CHOSEN_YES)
		return flags & IDS_HTTP_LOGGED ? flags | IDS_HTTP_SELECTED : flags;
	holds = flags & IDS_HTTP_LOGGED;
	if (holds && log && !ids_response_holds(message, log)) {
		ids_count(IDS_STAT_LOG_LEFT_OUT);
		holds = false;
	}
	holds = holds && (!log || ids_sampled(log));
	if (ids_held_settle(pkt, message->queued, message->chosen - IDS_CHOSEN_HELD, holds) && holds)
		flags |= IDS_HTTP_SELECTED;
	return holds ? flags : flags & ~IDS_HTTP_LOGGED;
}

/* What the selection makes of a message that is wanted by `flags`: these flags, and what it adds and takes away. */
__noinline int ids_select(struct ids_packet *pkt, struct ids_io *io, __u32 flags)
{
	const struct ids_log *log = ids_selection();

	if (!pkt || !io)
		return 0;
	if (io->kind == IDS_GUESS_RESPONSE)
		flags = ids_select_response(pkt, io, log, flags);
	else
		flags = ids_select_request(pkt, io, log, flags);
	if (log && log->flags & IDS_LOG_HEADERS && (flags & (IDS_HTTP_LOGGED | IDS_HTTP_WANTED)) == IDS_HTTP_LOGGED &&
	    !(io->message.flags & IDS_MESSAGE_BLIND) && !(io->odd & IDS_STRUCTURE_ODD_HEADERS) && !io->crowded)
		flags |= IDS_HTTP_KEPT_LINES;
	return flags;
}

#endif
