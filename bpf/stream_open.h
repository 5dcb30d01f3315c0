/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where a segment stands in its stream: what of it is new, whether it comes before its time, and what is missing for good. */
#ifndef IDS_STREAM_OPEN_H
#define IDS_STREAM_OPEN_H

#include "l7.h"
#include "payload.h"
#include "window_put.h"

/* Begins the state of a flow that layer 7 sees for the first time. */
static __always_inline void ids_l7_begin(struct ids_packet *pkt, struct ids_l7 *l7)
{
	const struct ids_flow *flow = pkt->flow_id ? ids_flow_at(pkt->flow) : 0;
	__u32 n;
	const struct ids_l7_settings *settings = ids_l7_setting();
	bool ignored = settings && ids_port_in(settings->ignored, ids_l7_port(pkt));

	__builtin_memset(l7, 0, sizeof(*l7));
	l7->id = pkt->flow_id;
	for (n = 0; n < 2; n++) {
		struct ids_l7_dir *dir = &l7->dir[n];

		if (flow && flow->first[n]) {
			dir->next = dir->first = dir->passed = flow->first[n];
			dir->flags = IDS_L7_SYNCED;
		}
		dir->asked = ~pkt->flow_generation;
		if (ignored)
			dir->phase = IDS_PHASE_QUIET;
	}
	if (ignored)
		ids_flow_note(pkt, 0, IDS_APP_IGNORED);
}

/*
 * The server has taken nothing of what came with the SYN (RFC 7413): the client sends it again, or something else in its
 * place. What was judged of it counts for nothing but what it has raised.
 */
__noinline int ids_l7_refused(struct ids_packet *pkt)
{
	struct ids_l7 *l7 = pkt ? ids_l7_of(pkt) : 0;
	__u8 direction;

	if (!l7 || !pkt->flow_id || l7->id != pkt->flow_id)
		return 0;
	/* A window goes by the direction of its packets. */
	direction = pkt->direction;
	pkt->direction = IDS_TO_SERVER;
	if (l7->dir[IDS_TO_SERVER].window)
		ids_window_release(pkt, &l7->dir[IDS_TO_SERVER]);
	pkt->direction = direction;
	ids_l7_begin(pkt, l7);
	l7->dir[IDS_TO_SERVER].flags |= IDS_L7_ANEW;
	return 0;
}

/* Whether a segment that cannot wait is dropped, so that TCP sends it again. Nobody sends again what was not dropped. */
static __always_inline bool ids_l7_holds(struct ids_packet *pkt, const struct ids_l7_dir *dir)
{
	const struct ids_l7_settings *settings = ids_l7_setting();

	return !ids_replay && !(pkt->control & IDS_CONTROL_MONITOR) && settings && settings->flags & IDS_L7_HOLD &&
	       dir->flags & IDS_L7_RULES && pkt->verdict == IDS_VERDICT_PASS &&
	       !((ids_allowed(pkt) | pkt->spared) & IDS_ALLOW_OPERATOR);
}

/* The segment cannot wait. Returns whether it is dropped; else its bytes are lost to us. */
static __always_inline bool ids_l7_held(struct ids_packet *pkt, struct ids_l7 *l7)
{
	ids_count(IDS_STAT_SEGMENTS_LOST);
	if (!ids_l7_holds(pkt, ids_l7_dir(pkt, l7)))
		return false;
	pkt->verdict = IDS_VERDICT_DROP;
	pkt->reason = IDS_REASON_HELD;
	return true;
}

/* Whether the other side has acknowledged bytes that are missing here: they were not to be seen, and will not come. */
static __always_inline bool ids_l7_missed(const struct ids_packet *pkt, __u32 missing)
{
	const struct ids_flow *flow = ids_flow_at(pkt->flow);
	const struct ids_flow_dir *other = flow ? &flow->dir[(pkt->direction & 1) ^ 1] : 0;

	return other && other->packets && ids_behind(other->ack, missing) > 0;
}

/* Goes on behind bytes that are missing for good, with this segment. */
static __always_inline void ids_l7_skip(struct ids_packet *pkt, struct ids_l7 *l7, __u32 next, __u32 flag)
{
	struct ids_l7_dir *dir = ids_l7_dir(pkt, l7);

	if (dir->window)
		ids_window_release(pkt, dir);
	/* At the beginning of a direction nothing was lost that a message could have begun in before. */
	ids_l7_lose(pkt, l7, flag);
	dir->next = dir->passed = next;
}

/* Whether nobody asks for the responses of this flow; where somebody does again, the next one is looked for. */
static __always_inline bool ids_responses_pass(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_l7_dir *dir)
{
	if (ids_l7_unread(l7)) {
		if (dir->phase == IDS_PHASE_UNREAD)
			return true;
		dir->phase = IDS_PHASE_UNREAD;
		if (dir->window)
			ids_window_release(pkt, dir);
		/* Requests are not counted meanwhile. */
		l7->popped = l7->pushed;
		l7->found = l7->missed;
		return true;
	}
	if (dir->phase == IDS_PHASE_UNREAD) {
		dir->phase = IDS_PHASE_LOST;
		dir->next = dir->passed = pkt->seq;
		l7->remaining[IDS_TO_CLIENT] = 0;
		l7->answered = l7->dir[IDS_TO_SERVER].message - (__u8)(l7->pushed - l7->popped);
	}
	return false;
}

/*
 * Where the segment stands: 1 if there is something to judge, with `io` begun, else 0. pkt->put is the first byte of
 * the payload that was not put into a window, if one is open.
 */
__noinline int ids_stream_open(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	struct ids_window *window;
	__u32 seq, length, side;
	struct ids_l7_dir *dir;
	__s32 ahead;

	if (!pkt || !l7 || !io)
		return 0;
	seq = pkt->field[IDS_FIELD_TCP_SEQ] + (pkt->field[IDS_FIELD_TCP_FLAGS] >> 1 & 1);
	length = pkt->payload_len;
	side = pkt->direction & 1;
	dir = &l7->dir[side];
	pkt->seq = seq;
	pkt->put = pkt->raw = pkt->plain = 0;
	if (l7->id != pkt->flow_id || !pkt->flow_id)
		ids_l7_begin(pkt, l7);
	if (!(dir->flags & IDS_L7_SYNCED)) {
		dir->next = dir->first = dir->passed = seq;
		dir->flags |= IDS_L7_SYNCED;
		dir->asked = ~pkt->flow_generation;
		/* Without its handshake it may be anywhere in a message. */
		if (pkt->flow_id && dir->phase == IDS_PHASE_START)
			dir->phase = IDS_PHASE_LOST;
	}
	if (pkt->flow_id && dir->asked != (__u8)pkt->flow_generation && pkt->app != IDS_APP_IGNORED)
		ids_l7_ask(pkt, dir);
	if (dir->phase == IDS_PHASE_QUIET)
		return 0;
	if (side == IDS_TO_CLIENT && pkt->app == IDS_APP_HTTP && ids_responses_pass(pkt, l7, dir))
		return 0;
	ahead = ids_behind(seq, dir->next);
	if (ahead + (__s32)length > 0 && l7->remaining[side] && dir->phase == IDS_PHASE_SECTION) {
		__u32 step = l7->remaining[side] < IDS_L7_STEP ? l7->remaining[side] : IDS_L7_STEP;

		l7->remaining[side] -= step;
		dir->next += step;
		ahead -= step;
	}
	if (ahead + (__s32)length <= 0 && !(dir->window && pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN)) {
		/* Old news does not touch a window: all of it lies before. */
		pkt->put = length;
		return 0;
	}
	window = dir->window ? ids_window_of(pkt, dir) : 0;
	if (window && ids_l7_missed(pkt, window->io.begin + window->io.length)) {
		ids_l7_skip(pkt, l7, seq, IDS_L7_GAP);
	} else if (window) {
		if (ahead < 0) {
			pkt->put = -ahead;
		} else if (!ids_window_fits(window, ahead, ahead + length) && ids_l7_holds(pkt, dir)) {
			/* Nothing of it is kept: what is sent again may be something else. */
			ids_l7_held(pkt, l7);
			return 0;
		}
		return 1;
	} else if (ahead > 0 && dir->phase == IDS_PHASE_LOST) {
		dir->next = dir->passed = seq;
	} else if (ahead > 0) {
		/* One that it had was taken away. */
		dir->window = 0;
		if (ids_l7_missed(pkt, dir->next)) {
			ids_l7_skip(pkt, l7, seq, IDS_L7_GAP);
		} else if (ids_window_claim(pkt, l7) && (window = ids_window_of(pkt, dir))) {
			window->ranges = 0;
			ids_io_begin(&window->io, dir->next, IDS_IO_SPANNED);
			return 1;
		} else if (ids_l7_held(pkt, l7)) {
			return 0;
		} else {
			ids_l7_skip(pkt, l7, seq, IDS_L7_GAP | IDS_L7_NO_WINDOW);
		}
	}
	dir->window = 0;
	ids_io_begin(io, dir->next, 0);
	return 1;
}

#endif
