/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sections that go on in another segment: how they come into a window, and what becomes of it behind each look. */
#ifndef IDS_STREAM_WINDOW_H
#define IDS_STREAM_WINDOW_H

#include "stream_open.h"

/*
 * Notes how far the segment holds bytes of a section of which nothing is known and no blank has come: whatever it becomes,
 * they are no value that would have to be masked.
 */
static __always_inline void ids_note_plain(struct ids_packet *pkt, const struct ids_io *io)
{
	if (!io->kind && !io->guessed)
		pkt->plain = io->begin + io->length - pkt->seq;
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
	ids_note_plain(pkt, io);
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

/* The segment ends its direction right behind what the window holds: a FIN elsewhere is anybody's. */
static __always_inline bool ids_window_finished(const struct ids_packet *pkt, const struct ids_window *window)
{
	return pkt->field[IDS_FIELD_TCP_FLAGS] & IDS_TCP_FIN && !window->ranges && pkt->put >= pkt->payload_len &&
	       pkt->seq + pkt->payload_len == window->io.begin + window->io.length;
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
	if (dir->flags & IDS_L7_INSPECT && pkt->control & IDS_CONTROL_REDACT && look != IDS_LOOK_MORE) {
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
	if (window->io.length >= IDS_SECTION_MAX || ids_window_finished(pkt, window)) {
		window->io.flags |= IDS_IO_LAST;
		return IDS_TURN_AGAIN;
	}
	if (pkt->put < pkt->payload_len)
		return ids_window_overflow(pkt, l7, io);
	ids_note_plain(pkt, &window->io);
	return IDS_TURN_DONE;
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

#endif
