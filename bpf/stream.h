/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP as a stream: the part of a segment that comes next is judged, what was judged already is passed over, and what
 * comes before its time waits in a window. Bytes are loaded as far as a section needs them; bodies never are.
 */
#ifndef IDS_STREAM_H
#define IDS_STREAM_H

#include "l7.h"
#include "payload.h"
#include "window_put.h"

#define IDS_FIRST_LOAD 512  /* bytes of a segment that are loaded at first: most header sections end within them */
#define IDS_LINE_LOAD  64   /* of one that goes on between two chunks */
#define IDS_HALF       8192 /* half of IDS_SECTION_MAX: loads double until there */
#define IDS_TURNS      16384

/* Whether the payload of the packet is judged at all. */
static __always_inline bool ids_l7_wanted(const struct ids_packet *pkt)
{
	const struct ids_l7_settings *settings;

	if (pkt->verdict != IDS_VERDICT_PASS || pkt->proto_key != IPPROTO_TCP || !pkt->l4_read)
		return false;
	/* The end of a direction is the end of what waits for more. */
	if (!pkt->payload_len && !(pkt->flow_id && pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN))
		return false;
	/* The receiver takes no such segment either; anybody could send it. */
	if (pkt->flow_id && !pkt->in_window)
		return false;
	if (ids_l7_apart(pkt))
		return false;
	settings = ids_l7_setting();
	return pkt->http || (settings && settings->flags & (IDS_L7_HTTP | IDS_L7_TLS | IDS_L7_DNS));
}

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
	pkt->put = pkt->raw = 0;
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
	if (ahead + (__s32)length <= 0 && !(dir->window && pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN))
		return 0;
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

/* Lets the section in the scratch wait for the rest in a window. Returns 1, or 0 if it has to be done with as it is. */
__noinline int ids_stream_keep(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	struct ids_window *window;
	struct ids_l7_dir *dir;

	if (!pkt || !l7 || !io)
		return 0;
	dir = ids_l7_dir(pkt, l7);
	/* A direction that ends with this segment brings no more. */
	if (pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN)
		return 0;
	if (!ids_window_claim(pkt, l7)) {
		if (!pkt->flow_id || !ids_l7_held(pkt, l7))
			return 0;
		/* It begins once more when it is sent again. */
		if (io->kind)
			dir->message--;
		return 1;
	}
	window = ids_window_of(pkt, dir);
	if (!window)
		return 0;
	window->ranges = 0;
	io->flags |= IDS_IO_SPANNED;
	bpf_probe_read_kernel(&window->io, offsetof(struct ids_io, bytes), io);
	barrier_var(io);
	__u32 length = io->length;

	barrier_var(length);
	if (length <= IDS_SECTION_MAX && length)
		bpf_probe_read_kernel(window->io.bytes, length, io->bytes);
	return 1;
}

/* A section of a window has ended, or none began: what is left of the bytes moves to the front. 0 if nothing is. */
__noinline int ids_window_rebase(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_window *window)
{
	__u32 shift, length, end, n, kept = 0;
	struct ids_l7_dir *dir;

	if (!pkt || !l7 || !window)
		return 0;
	dir = ids_l7_dir(pkt, l7);
	shift = dir->next - window->io.begin;
	end = length = window->io.length;
	if (window->ranges && window->ranges <= IDS_WINDOW_RANGES)
		end = window->range[(window->ranges - 1) & (IDS_WINDOW_RANGES - 1)].to;
	if (shift >= end) {
		ids_window_release(pkt, dir);
		return 0;
	}
	end -= shift;
	barrier_var(end);
	if (end == 0 || end > IDS_SECTION_MAX || shift > IDS_SECTION_MAX)
		return 0;
	/* Forwards, so that nothing is overwritten before it was moved. */
	bpf_probe_read_kernel(window->io.bytes, end, window->io.bytes + shift);
	length = length > shift ? length - shift : 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_WINDOW_RANGES; n++) {
		struct ids_range range;

		if (n >= window->ranges)
			break;
		range = window->range[n];
		if (range.to <= shift)
			continue;
		if (range.from <= shift) {
			length = range.to - shift;
			continue;
		}
		range.from -= shift;
		range.to -= shift;
		window->range[kept++ & (IDS_WINDOW_RANGES - 1)] = range;
	}
	window->ranges = kept;
	ids_io_begin(&window->io, dir->next, IDS_IO_SPANNED);
	window->io.length = length;
	return 1;
}

/* What a turn does next. */
enum ids_turn_step {
	IDS_TURN_AGAIN = 0,
	IDS_TURN_DONE = 1, /* the segment is done */
	IDS_TURN_LOOK = 2, /* the section is looked at */
};

/* The segment, or what is left of it, cannot be kept until the bytes before it come. */
static __always_inline int ids_window_overflow(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	if (ids_l7_held(pkt, l7))
		return IDS_TURN_DONE;
	ids_l7_skip(pkt, l7, pkt->seq + pkt->put, IDS_L7_GAP | IDS_L7_NO_WINDOW);
	ids_io_begin(io, ids_l7_dir(pkt, l7)->next, 0);
	return IDS_TURN_AGAIN;
}

/* Puts the pkt->staged bytes in the scratch into the window; once all of the segment is there, or no more fits, the
 * section is to be looked at. */
__noinline int ids_window_stage(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	struct ids_window *window;
	struct ids_l7_dir *dir;
	__u32 offset, staged;
	int put;

	if (!pkt || !l7 || !io)
		return IDS_TURN_DONE;
	dir = ids_l7_dir(pkt, l7);
	window = ids_window_of(pkt, dir);
	if (!window) {
		dir->window = 0;
		return ids_window_overflow(pkt, l7, io);
	}
	staged = pkt->staged;
	offset = pkt->seq + pkt->put - window->io.begin;
	if (!staged || offset >= IDS_SECTION_MAX)
		return IDS_TURN_LOOK;
	if (staged > IDS_SECTION_MAX - offset)
		staged = IDS_SECTION_MAX - offset;
	if (offset > window->io.length)
		pkt->waits = true;
	put = ids_window_put(window, io, offset, staged);
	if (put == IDS_PUT_DIFFERS) {
		window->io.flags |= IDS_IO_CONFLICT;
		ids_count(IDS_STAT_CONFLICTS);
		ids_l7_anomaly(pkt, l7, IDS_L7_CONFLICT);
	}
	if (put == IDS_PUT_NO_ROOM)
		return ids_window_overflow(pkt, l7, io);
	pkt->put += staged;
	return pkt->put < pkt->payload_len && offset + staged < IDS_SECTION_MAX ? IDS_TURN_AGAIN : IDS_TURN_LOOK;
}

/* Behind a look at the section of a window, which was enum ids_look. */
__noinline int ids_window_after(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io, int look)
{
	struct ids_window *window;
	struct ids_l7_dir *dir;

	if (!pkt || !l7 || !io)
		return IDS_TURN_DONE;
	dir = ids_l7_dir(pkt, l7);
	window = ids_window_of(pkt, dir);
	if (!window)
		return IDS_TURN_DONE;
	if (dir->flags & IDS_L7_INSPECT && look != IDS_LOOK_MORE) {
		/* What of these bytes is no section was not handed over when it came. */
		__u32 from = dir->passed - window->io.begin, to = dir->next - window->io.begin;

		if ((__s32)from < 0)
			from = 0;
		if (dir->phase == IDS_PHASE_QUIET || to > window->io.length)
			to = window->io.length;
		ids_payload_section(pkt, l7, &window->io, from, to);
		pkt->raw = window->io.begin + to - pkt->seq;
		if ((__s32)pkt->raw < 0)
			pkt->raw = 0;
	}
	if (look == IDS_LOOK_LEFT) {
		ids_window_release(pkt, dir);
		ids_io_begin(io, dir->next, 0);
		return IDS_TURN_AGAIN;
	}
	if (look == IDS_LOOK_DONE) {
		if (!ids_window_rebase(pkt, l7, window))
			ids_io_begin(io, dir->next, 0);
		else if (ids_behind(dir->next, pkt->seq + pkt->put) > 0)
			pkt->put = dir->next - pkt->seq;
		return IDS_TURN_AGAIN;
	}
	if (window->io.flags & IDS_IO_LAST)
		return ids_window_overflow(pkt, l7, io);
	if (window->io.length >= IDS_SECTION_MAX ||
	    (pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN && !window->ranges && pkt->put >= pkt->payload_len)) {
		window->io.flags |= IDS_IO_LAST;
		return IDS_TURN_AGAIN;
	}
	return pkt->put >= pkt->payload_len ? IDS_TURN_DONE : ids_window_overflow(pkt, l7, io);
}

/* Behind a look at bytes that lie in the scratch; `all`: the rest of the segment is there. */
__noinline int ids_stream_after(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io, int look, int all)
{
	if (!pkt || !l7 || !io)
		return IDS_TURN_DONE;
	if (look != IDS_LOOK_MORE) {
		ids_io_begin(io, ids_l7_dir(pkt, l7)->next, 0);
		return IDS_TURN_AGAIN;
	}
	if (io->flags & IDS_IO_LAST)
		return IDS_TURN_DONE;
	if (io->length >= IDS_SECTION_MAX)
		io->flags |= IDS_IO_LAST;
	else if (all) {
		if (ids_stream_keep(pkt, l7, io))
			return IDS_TURN_DONE;
		io->flags |= IDS_IO_LAST;
	}
	return IDS_TURN_AGAIN;
}

/* Hands over what a window of this direction holds of a section that has not ended. It stays where it is. */
static __always_inline void ids_payload_held(struct ids_packet *pkt, struct ids_l7 *l7)
{
	struct ids_l7_dir *dir = ids_l7_dir(pkt, l7);
	struct ids_window *window = dir->window && dir->flags & IDS_L7_INSPECT ? ids_window_of(pkt, dir) : 0;

	if (window)
		ids_payload_section(pkt, l7, &window->io, 0, window->io.length);
}

static __always_inline void ids_turn_round(struct ids_packet *pkt)
{
	union ids_address address = pkt->saddr;
	__be16 port = pkt->sport;

	pkt->saddr = pkt->daddr;
	pkt->daddr = address;
	pkt->sport = pkt->dport;
	pkt->dport = port;
	pkt->direction ^= 1;
	pkt->field[IDS_FIELD_FLOW] ^= IDS_FLOWBIT_TO_SERVER | IDS_FLOWBIT_TO_CLIENT;
}

/*
 * A RST may be the last that is heard of its flow: rules look at what waits for the end of a section, in both directions.
 * The section goes on waiting, as the RST could be one that only we have seen. Not where values are to be masked: which
 * ones is known at its end.
 */
__noinline int ids_payload_reset(struct ids_packet *pkt)
{
	struct ids_l7 *l7;

	if (!pkt)
		return 0;
	l7 = ids_l7_of(pkt);
	if (!l7 || l7->id != pkt->flow_id)
		return 0;
	ids_payload_held(pkt, l7);
	ids_turn_round(pkt);
	ids_payload_held(pkt, l7);
	ids_turn_round(pkt);
	return 0;
}

static __always_inline bool ids_reset_wanted(const struct ids_packet *pkt)
{
	return pkt->flow_id && pkt->proto_key == IPPROTO_TCP && pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_RST &&
	       pkt->in_window && pkt->verdict == IDS_VERDICT_PASS && !(pkt->control & IDS_CONTROL_REDACT);
}

struct ids_turn {
	void *ctx;
	struct ids_packet *pkt;
	struct ids_l7 *l7;
	struct ids_io *io;
};

/* A turn with an open window. */
static __always_inline int ids_stream_windowed(struct ids_turn *turn, struct ids_l7_dir *dir, const enum ids_hook hook)
{
	struct ids_packet *pkt = turn->pkt;
	struct ids_l7 *l7 = turn->l7;
	struct ids_io *io = turn->io;
	__u32 staged = pkt->payload_len > pkt->put ? pkt->payload_len - pkt->put : 0;
	struct ids_window *window;
	int step, look;

	if (staged > IDS_PUT_MAX)
		staged = IDS_PUT_MAX;
	pkt->staged = staged;
	barrier_var(staged);
	if (staged && staged <= IDS_PUT_MAX &&
	    ids_load(turn->ctx, hook, pkt, pkt->payload + pkt->put, io->bytes, staged))
		return IDS_TURN_DONE;
	step = ids_window_stage(pkt, l7, io);
	if (step != IDS_TURN_LOOK)
		return step;
	window = ids_window_of(pkt, dir);
	if (!window)
		return IDS_TURN_DONE;
	look = IDS_LOOK_MORE;
	if (window->io.length > window->io.fresh || window->io.flags & IDS_IO_LAST)
		look = ids_l7_look(pkt, l7, &window->io);
	return ids_window_after(pkt, l7, io, look);
}

/* A turn without one: as much is loaded as a section may need. */
static __always_inline int ids_stream_loaded(struct ids_turn *turn, struct ids_l7_dir *dir, const enum ids_hook hook)
{
	struct ids_packet *pkt = turn->pkt;
	struct ids_l7 *l7 = turn->l7;
	struct ids_io *io = turn->io;
	__u32 at = dir->next - pkt->seq, left, have, want;

	if (dir->phase == IDS_PHASE_QUIET || at >= pkt->payload_len)
		return IDS_TURN_DONE;
	left = pkt->payload_len - at;
	have = io->length;
	want = have ? have : dir->phase == IDS_PHASE_CHUNK_SIZE ? IDS_LINE_LOAD : IDS_FIRST_LOAD;
	if (io->flags & IDS_IO_LAST || have >= left)
		want = 0;
	else if (want > left - have)
		want = left - have;
	barrier_var(want);
	if (want) {
		barrier_var(have);
		if (have > IDS_HALF || want > IDS_HALF ||
		    ids_load(turn->ctx, hook, pkt, pkt->payload + at + have, io->bytes + have, want))
			return IDS_TURN_DONE;
		io->length = have + want;
	}
	return ids_stream_after(pkt, l7, io, ids_l7_look(pkt, l7, io), io->length >= left);
}

/* One turn: bytes are loaded and looked at. Returns 1 if the segment is done. */
static __always_inline long ids_stream_turn(struct ids_turn *turn, const enum ids_hook hook)
{
	struct ids_l7_dir *dir = ids_l7_dir(turn->pkt, turn->l7);
	int step = dir->window ? ids_stream_windowed(turn, dir, hook) : ids_stream_loaded(turn, dir, hook);

	if (dir->flags & IDS_L7_INSPECT)
		ids_payload_raw(turn->ctx, hook, turn->pkt, dir, turn->io);

	/* What the compiler knows of the result the verifier does not. */
	barrier_var(step);
	return step != IDS_TURN_AGAIN;
}

static long ids_stream_turn_xdp(__u32 index, void *turn)
{
	(void)index;
	return ids_stream_turn(turn, IDS_HOOK_XDP);
}

static long ids_stream_turn_tc(__u32 index, void *turn)
{
	(void)index;
	return ids_stream_turn(turn, IDS_HOOK_TC);
}

/* Judges the payload of a TCP segment. */
IDS_OUTLINE(ids_stream)
{
	struct ids_turn turn = { .ctx = ctx, .pkt = pkt };
	struct ids_l7_dir *dir;
	bool any;

	turn.l7 = ids_l7_of(pkt);
	turn.io = ids_io();
	if (!turn.l7 || !turn.io)
		return 0;
	any = ids_stream_open(pkt, turn.l7, turn.io);
	dir = ids_l7_dir(pkt, turn.l7);
	if (pkt->verdict != IDS_VERDICT_PASS)
		return 0;
	if (pkt->flow_id && ids_behind(pkt->seq, dir->passed) < 0)
		ids_past_compare(ctx, hook, pkt);
	if (any || dir->flags & IDS_L7_INSPECT) {
		pkt->waits = false;
		if (hook == IDS_HOOK_TC)
			bpf_loop(IDS_TURNS, ids_stream_turn_tc, &turn, 0);
		else
			bpf_loop(IDS_TURNS, ids_stream_turn_xdp, &turn, 0);
		if (pkt->waits)
			ids_count(IDS_STAT_SEGMENTS_WAITED);
	}
	/* One that could not wait comes again. */
	if (pkt->verdict != IDS_VERDICT_PASS)
		return 0;
	ids_payload_beyond(pkt, dir, pkt->seq - dir->first, pkt->payload_len);
	if (dir->flags & IDS_L7_INSPECT && pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN)
		ids_payload_end(pkt, dir, turn.io);
	return 0;
}

#endif
