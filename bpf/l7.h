/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which protocol a stream speaks, by its first bytes and on any port, and which consumer gets its sections. */
#ifndef IDS_L7_H
#define IDS_L7_H

#include "http.h"
#include "http_body.h"
#include "http_start.h"
#include "dns.h"
#include "past.h"
#include "patterns.h"
#include "payload.h"
#include "prefilter.h"
#include "tls.h"

/* In vain so often, a flow that was picked up in its middle is left alone. */
#define IDS_LOST_TRIES 64
/* A start that is cut off may be waited for only if the segment brings no more than this: bodies look like anything. */
#define IDS_LOST_WAIT  64

/* What is to be done with the bytes in `io`. */
enum ids_look {
	IDS_LOOK_LEFT = -1, /* nothing: this direction is left alone */
	IDS_LOOK_MORE = 0,  /* more is needed */
	IDS_LOOK_DONE = 1,  /* nothing: they are done with, dir->next is behind them */
	IDS_LOOK_HTTP = 2,  /* the consumer of these sections gets them */
	IDS_LOOK_TLS = 3,
	IDS_LOOK_DNS = 4,
};

/* Leaves this direction alone from here on. */
static __always_inline int ids_l7_leave(struct ids_packet *pkt, struct ids_l7_dir *dir, __u8 app)
{
	dir->phase = IDS_PHASE_QUIET;
	if (pkt->app == IDS_APP_UNKNOWN || app != IDS_APP_OTHER)
		ids_flow_note(pkt, 0, app);
	return IDS_LOOK_LEFT;
}

/* No message begins here where one should: the segment is passed over. */
static __always_inline int ids_l7_astray(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	struct ids_l7_dir *dir = ids_l7_dir(pkt, l7);

	if (dir->phase == IDS_PHASE_START)
		return ids_l7_leave(pkt, dir, IDS_APP_OTHER);
	if (dir->phase != IDS_PHASE_LOST) {
		ids_count(IDS_STAT_HTTP_RESYNCS);
		dir->flags |= IDS_L7_RESYNC;
		dir->phase = IDS_PHASE_LOST;
		dir->tries = 0;
	} else if (pkt->app == IDS_APP_UNKNOWN && ++dir->tries >= IDS_LOST_TRIES) {
		return ids_l7_leave(pkt, dir, IDS_APP_OTHER);
	}
	/* Behind this segment, and behind what a window holds of others. */
	dir->next = pkt->seq + pkt->payload_len;
	if (ids_behind(io->begin + io->length, dir->next) > 0)
		dir->next = io->begin + io->length;
	/* Unless everything may be handed over: it could be a part of a header section. */
	if (pkt->control & IDS_CONTROL_REDACT)
		dir->passed = dir->next;
	return IDS_LOOK_DONE;
}

/* What the first bytes of a section are: enum ids_guess. */
static __always_inline int ids_l7_guess(const struct ids_packet *pkt, const struct ids_l7_dir *dir, struct ids_io *io,
					__u32 wanted)
{
	/* As good as the first is the segment that a flow is picked up with. */
	bool first = dir->phase == IDS_PHASE_START ||
		     (dir->phase == IDS_PHASE_LOST && !dir->tries && pkt->app == IDS_APP_UNKNOWN);
	int guess = IDS_GUESS_NO, begins;

	/* A stream does not change what it speaks. */
	if (first || (pkt->app != IDS_APP_DNS && pkt->app != IDS_APP_TLS))
		guess = ids_http_guess(io);
	if (guess != IDS_GUESS_NO)
		return guess;
	if ((first && pkt->app != IDS_APP_DNS) || pkt->app == IDS_APP_TLS) {
		begins = ids_tls_begins(io);
		if (begins)
			return begins > 0 ? IDS_GUESS_TLS : IDS_GUESS_MORE;
	}
	if (wanted & IDS_L7_DNS && ((first && pkt->app != IDS_APP_TLS) || pkt->app == IDS_APP_DNS)) {
		begins = ids_dns_stream_begins(io);
		if (begins)
			return begins > 0 ? IDS_GUESS_DNS : IDS_GUESS_MORE;
	}
	return IDS_GUESS_NO;
}

/* The first bytes of a section: enum ids_look. */
static __always_inline int ids_l7_start(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	struct ids_l7_dir *dir = ids_l7_dir(pkt, l7);
	__u32 wanted = settings ? settings->flags : 0, app;
	int guess = ids_l7_guess(pkt, dir, io, wanted);

	if (pkt->http)
		wanted |= IDS_L7_HTTP;
	switch (guess) {
	case IDS_GUESS_REQUEST:
	case IDS_GUESS_RESPONSE:
		app = IDS_APP_HTTP;
		wanted &= IDS_L7_HTTP;
		break;
	case IDS_GUESS_TLS:
		app = IDS_APP_TLS;
		wanted &= IDS_L7_TLS;
		break;
	case IDS_GUESS_DNS:
		app = IDS_APP_DNS;
		wanted &= IDS_L7_DNS;
		break;
	case IDS_GUESS_HTTP2:
		ids_count(IDS_STAT_HTTP2);
		/* Both sides speak it. */
		l7->dir[(pkt->direction & 1) ^ 1].phase = IDS_PHASE_QUIET;
		return ids_l7_leave(pkt, dir, IDS_APP_HTTP2);
	case IDS_GUESS_MORE:
		/* Whether it is one cannot be told yet. */
		if (!(io->flags & IDS_IO_LAST) && (dir->phase != IDS_PHASE_LOST || io->length <= IDS_LOST_WAIT))
			return IDS_LOOK_MORE;
		/* Where values are masked, what may be a request line is one: a method and a target are there. */
		if (!(pkt->control & IDS_CONTROL_REDACT) || !io->guessed || !ids_http_has_target(io))
			return ids_l7_astray(pkt, l7, io);
		guess = IDS_GUESS_REQUEST;
		app = IDS_APP_HTTP;
		wanted &= IDS_L7_HTTP;
		break;
	default:
		return ids_l7_astray(pkt, l7, io);
	}
	if (!wanted) {
		/* Nobody masks its header sections. */
		if (app == IDS_APP_HTTP && pkt->control & IDS_CONTROL_REDACT)
			ids_payload_done(dir);
		return ids_l7_leave(pkt, dir, app);
	}
	if (dir->phase == IDS_PHASE_LOST)
		io->flags |= IDS_IO_GAP;
	dir->phase = IDS_PHASE_SECTION;
	if (pkt->app != app)
		ids_flow_note(pkt, 0, app);
	io->kind = guess;
	dir->message++;
	return IDS_LOOK_HTTP;
}

/* What lies between sections is done with here, and which consumer is to be asked: enum ids_look. */
__noinline int ids_l7_sort(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	struct ids_l7_dir *dir;

	if (!pkt || !l7 || !io || io->length == 0)
		return IDS_LOOK_MORE;
	dir = ids_l7_dir(pkt, l7);
	if (dir->phase == IDS_PHASE_CHUNK_SIZE)
		return ids_http_between(pkt, l7, io);
	if (!io->kind) {
		__u32 lead = ids_http_lead(io);
		int start;

		/* Empty lines in front of a message are passed over. */
		if (lead && (pkt->app == IDS_APP_HTTP || pkt->app == IDS_APP_UNKNOWN)) {
			dir->next += lead;
			return IDS_LOOK_DONE;
		}
		start = ids_l7_start(pkt, l7, io);
		if (!io->kind)
			return start;
	}
	if (io->kind == IDS_GUESS_TLS)
		return IDS_LOOK_TLS;
	return io->kind == IDS_GUESS_DNS ? IDS_LOOK_DNS : IDS_LOOK_HTTP;
}

/* A hello, or a message of DNS. */
static __always_inline int ids_l7_other(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io, int look)
{
	struct ids_l7_dir *dir = ids_l7_dir(pkt, l7);
	int length = look == IDS_LOOK_TLS ? ids_tls_section(pkt, io) : ids_dns_section(pkt, io);

	if (length == 0)
		return IDS_LOOK_MORE;
	if (length < 0)
		return ids_l7_leave(pkt, dir, IDS_APP_OTHER);
	if (look == IDS_LOOK_TLS)
		ids_tls_done(pkt, io, length);
	else
		ids_dns_done(pkt, io);
	ids_past_put(pkt, io, dir->message, length);
	if (dir->flags & IDS_L7_INSPECT)
		ids_payload_section(pkt, l7, io, 0, length);
	dir->next = dir->passed = io->begin + length;
	dir->phase = io->flags & IDS_IO_QUIET ? IDS_PHASE_QUIET : IDS_PHASE_SECTION;
	return dir->phase == IDS_PHASE_QUIET ? IDS_LOOK_LEFT : IDS_LOOK_DONE;
}

/*
 * Looks at the bytes in `io`, which begin at dir->next: IDS_LOOK_DONE, _MORE or _LEFT. Inline: the call stack has but
 * eight frames, and what is called here calls on.
 */
static __always_inline int ids_l7_look(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	int look = ids_l7_sort(pkt, l7, io), length;
	__u32 flags, inspect;

	if (look == IDS_LOOK_TLS || look == IDS_LOOK_DNS)
		return ids_l7_other(pkt, l7, io, look);
	if (look != IDS_LOOK_HTTP)
		return look;
	length =
		ids_structure_pass(io, io->kind == IDS_GUESS_RESPONSE ? IDS_STRUCTURE_RESPONSE : IDS_STRUCTURE_REQUEST);
	ids_patterns_pass(pkt, io);
	length = ids_http_section(pkt, io, length);
	io->fresh = io->length;
	if (!length)
		return IDS_LOOK_MORE;
	ids_past_put(pkt, io, ids_l7_dir(pkt, l7)->message, ids_http_unmasked(io, length));
	ids_top_section(pkt, io, length);
	ids_prefilter_http(pkt, io, length);
	flags = ids_http_choose(pkt, io);
	inspect = ids_l7_dir(pkt, l7)->flags & IDS_L7_INSPECT;
	if ((flags || inspect) && pkt->control & IDS_CONTROL_REDACT)
		ids_http_mask(io, length);
	/* What is handed over as payload is left as it is. */
	if (flags)
		ids_http_tell(pkt, io, length, inspect ? flags & ~IDS_HTTP_KEPT_LINES : flags);
	if (inspect)
		ids_payload_section(pkt, l7, io, 0, length);
	return ids_http_done(pkt, l7, io, length);
}

#endif
