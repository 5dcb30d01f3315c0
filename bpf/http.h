/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The consumer of HTTP/1 header sections: reads them, judges them, and hands over those that somebody wants. */
#ifndef IDS_HTTP_H
#define IDS_HTTP_H

#include "http_body.h"
#include "http_frame.h"
#include "http_mask.h"
#include "http_record.h"
#include "http_select.h"
#include "kept_lines.h"
#include "structure.h"
#include "top.h"

/* Brings a response and its request together: the method frames the response, the time gives the latency. */
__noinline int ids_http_pair(struct ids_packet *pkt, struct ids_io *io)
{
	struct ids_message *message;
	struct ids_l7 *l7;
	__u8 waiting, lost;
	__u32 now;

	if (!pkt || !io)
		return 0;
	l7 = ids_l7_of(pkt);
	if (!l7)
		return 0;
	message = &io->message;
	now = ids_now(pkt) / 1000;
	waiting = l7->pushed - l7->popped;
	lost = l7->missed - l7->found;
	if (io->kind == IDS_GUESS_REQUEST) {
		__u32 n = l7->pushed % IDS_QUEUE;

		message->number = ids_l7_dir(pkt, l7)->message;
		if (ids_l7_unread(l7)) {
			if (message->method != IDS_METHOD_CONNECT &&
			    !(message->flags & (IDS_MESSAGE_UPGRADE | IDS_MESSAGE_BLIND)))
				return 0;
			l7->switches = 1;
		}
		/* Behind one that found the queue full nobody knows where its place in it would be. */
		if (lost || waiting >= IDS_QUEUE) {
			l7->missed += lost < 255;
			return 0;
		}
		l7->method[n] = message->method;
		l7->time_us[n] = now;
		l7->chosen[n] = IDS_CHOSEN_ENGINE;
		l7->host[n] = l7->path[n] = 0;
		message->queued = n + 1;
		l7->pushed++;
		return 0;
	}
	if (waiting) {
		__u32 n = l7->popped % IDS_QUEUE;

		message->flags |= IDS_MESSAGE_ANSWER;
		message->number = l7->answered + 1;
		message->method = l7->method[n];
		message->latency_us = now - l7->time_us[n];
		message->queued = n + 1;
		message->chosen = l7->chosen[n];
	} else if (lost) {
		/* Whether it has a body is not known if it could be one to HEAD. */
		message->flags |= IDS_MESSAGE_BLIND;
		message->number = l7->answered + 1;
	}
	/* An interim response is followed by the final one. */
	if (message->status / 100 == 1 && message->status != 101)
		return 0;
	if (waiting)
		l7->popped++;
	else if (lost && lost < 255)
		l7->found++;
	if (waiting || lost)
		l7->answered++;
	return 0;
}

/* Who wants the section: enum ids_http_flag for its record, 0 if nobody does. */
__noinline int ids_http_choose(struct ids_packet *pkt, struct ids_io *io)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 wanted = settings ? settings->flags : 0, flags = 0;
	bool response;

	if (!pkt || !io)
		return 0;
	response = io->kind == IDS_GUESS_RESPONSE;
	ids_count(response ? IDS_STAT_HTTP_RESPONSES : IDS_STAT_HTTP);
	if (io->message.flags & IDS_MESSAGE_TRUNCATED)
		ids_count(IDS_STAT_HTTP_TRUNCATED);
	if (wanted & (response ? IDS_L7_ALL_RESPONSES : IDS_L7_ALL_HEADS) || io->wanted)
		flags |= IDS_HTTP_WANTED;
	/* What was not looked for in all of it, or not as the engine sees it, may be there. */
	if (pkt->http &&
	    (io->odd || io->unsure || !io->patterns || io->message.flags & (IDS_MESSAGE_BLIND | IDS_MESSAGE_TRUNCATED)))
		flags |= IDS_HTTP_WANTED;
	if (wanted & IDS_L7_LOG_HTTP)
		flags |= IDS_HTTP_LOGGED;
	/* What was chosen of a request holds for its response, whatever is selected by then. */
	if (wanted & IDS_L7_SELECT || io->message.chosen)
		flags = ids_select(pkt, io, flags);
	if (!flags)
		return 0;
	if (response)
		flags |= IDS_HTTP_RESPONSE;
	if (io->message.flags & IDS_MESSAGE_TRUNCATED)
		flags |= IDS_HTTP_TRUNCATED;
	if (io->message.flags & IDS_MESSAGE_CONFLICT)
		flags |= IDS_HTTP_LENGTHS;
	if (io->flags & IDS_IO_SPANNED)
		flags |= IDS_HTTP_SPANNED;
	if (io->flags & IDS_IO_CONFLICT)
		flags |= IDS_HTTP_CONFLICT;
	if (io->flags & IDS_IO_GAP)
		flags |= IDS_HTTP_GAP;
	if (io->odd)
		flags |= IDS_HTTP_ODD;
	if (io->decided)
		flags |= IDS_HTTP_DECIDED;
	return flags;
}

/*
 * Behind pass 1, which returned `end`: the length of the section if that is complete or will never be, else 0; its
 * message is read then.
 */
__noinline int ids_http_section(struct ids_packet *pkt, struct ids_io *io, int end)
{
	__u32 flags = 0;

	if (!pkt || !io)
		return 0;
	if (end < 0) {
		/* Nothing is known of these bytes. */
		io->edges = io->crowded = 0;
		end = ids_http_blind(io, pkt->control & IDS_CONTROL_REDACT);
		flags = IDS_MESSAGE_BLIND;
		io->hidden = pkt->control & IDS_CONTROL_REDACT;
	}
	if (end <= 0) {
		if (io->flags & IDS_IO_LAST)
			flags |= IDS_MESSAGE_TRUNCATED;
		else if (!ids_http_is_simple(io))
			return 0;
		end = io->length;
	}
	__builtin_memset(&io->message, 0, sizeof(io->message));
	io->message.flags = flags;
	ids_http_frame(io, end);
	ids_http_pair(pkt, io);
	return end;
}

/* Hands over the section, or what the log keeps of it, or lets it wait for its response: `flags` as chosen. */
__noinline int ids_http_tell(struct ids_packet *pkt, struct ids_io *io, __u32 length, __u32 flags)
{
	if (!pkt || !io)
		return 0;
	if (flags & IDS_HTTP_KEPT_LINES)
		length = ids_keep_lines(io, length);
	if (flags & IDS_HTTP_WAITS) {
		flags &= ~IDS_HTTP_WAITS;
		if (ids_held_keep(pkt, io, length, flags | IDS_HTTP_SELECTED))
			return 0;
	}
	return ids_http_emit(pkt, io, length, flags);
}

/* How many of the section's first bytes are as they were sent, before pass 3: where there was no room for more edges, and
 * where there was no automaton, values are masked already. */
static __always_inline __u32 ids_http_unmasked(const struct ids_io *io, __u32 length)
{
	__u32 last = io->edge[IDS_EDGES - 1] >> IDS_EDGE_SHIFT;

	if (io->crowded)
		return last < length ? last : length;
	return io->message.flags & IDS_MESSAGE_BLIND ? 0 : length;
}

/* Behind a section of `length` bytes: where the next one is. As ids_l7_sort(). */
__noinline int ids_http_done(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io, __u32 length)
{
	const struct ids_message *message;
	struct ids_l7_dir *dir;
	__u32 side, hundreds;

	if (!pkt || !l7 || !io)
		return 0;
	side = pkt->direction & 1;
	dir = &l7->dir[side];
	message = &io->message;
	dir->next = dir->passed = io->begin + length;
	dir->phase = IDS_PHASE_SECTION;
	l7->remaining[side] = 0;
	if (message->flags & IDS_MESSAGE_TRUNCATED) {
		if (length >= IDS_SECTION_MAX) {
			ids_count(IDS_STAT_SECTIONS_LONG);
			ids_l7_anomaly(pkt, l7, IDS_L7_TOO_LONG);
		}
		/* Of one that ended with its direction nothing was withheld, unless more comes all the same. */
		if (length < IDS_SECTION_MAX && pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN) {
			dir->phase = IDS_PHASE_LOST;
			dir->tries = 0;
			return 1;
		}
		ids_l7_lose(pkt, l7, IDS_L7_NO_WINDOW);
		return 1;
	}
	hundreds = message->status / 100;
	if (io->kind == IDS_GUESS_RESPONSE) {
		if (message->status == 101 || (message->method == IDS_METHOD_CONNECT && hundreds == 2)) {
			/* Whatever is spoken from here on, it is told by its own first bytes. */
			l7->dir[0].phase = l7->dir[1].phase = IDS_PHASE_START;
			return 1;
		}
		if (hundreds == 1 || message->status == 204 || message->status == 304 ||
		    message->method == IDS_METHOD_HEAD)
			return 1;
	}
	if (message->flags & IDS_MESSAGE_CONFLICT) {
		/* No length is believed: what follows is looked at at once, and if it is no message, at each segment. */
		ids_count(IDS_STAT_HTTP_LENGTHS);
		ids_l7_anomaly(pkt, l7, IDS_L7_LENGTHS);
		return 1;
	}
	if (message->flags & IDS_MESSAGE_BLIND)
		return 1;
	if (message->flags & IDS_MESSAGE_CHUNKED) {
		ids_http_chunks(l7, dir, side);
	} else if (message->flags & IDS_MESSAGE_LENGTH) {
		/* In steps: sequence numbers can be compared over half their range only. */
		__u64 step = message->length < IDS_L7_STEP ? message->length : IDS_L7_STEP;

		dir->next += step;
		l7->remaining[side] = message->length - step;
	} else if (io->kind == IDS_GUESS_RESPONSE) {
		/* To the end of the connection. */
		dir->phase = IDS_PHASE_QUIET;
		return -1;
	}
	return 1;
}

#endif
