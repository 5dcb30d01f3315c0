/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP as a stream: the part of a segment that comes next is judged, what was judged already is passed over, and what
 * comes before its time waits in a window. Bytes are loaded as far as a section needs them; bodies never are.
 */
#ifndef IDS_STREAM_H
#define IDS_STREAM_H

#include "stream_window.h"

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
		ids_payload_raw(turn->ctx, hook, turn->pkt, dir, turn->io, step == IDS_TURN_DONE);

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
