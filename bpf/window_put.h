/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Segments into a window: what is there already stays, what differs is noted, what is new goes to its place. */
#ifndef IDS_WINDOW_PUT_H
#define IDS_WINDOW_PUT_H

#include "window.h"

/* Bytes that are put at once. */
#define IDS_PUT_MAX 1024

/* What became of a put. */
enum ids_put {
	IDS_PUT_DONE = 0,
	IDS_PUT_DIFFERS = 1, /* done, and bytes that were there had other content */
	IDS_PUT_NO_ROOM = 2, /* behind the end of the window, or one piece too many */
};

/* A comparison of a piece of the section and one of the scratch. */
struct ids_compare {
	const struct ids_window *window;
	const struct ids_io *fresh;
	__u32 at;
	__u32 from;
	__u32 length;
	__u32 differs;
};

static long ids_compare_step(__u32 index, void *data)
{
	struct ids_compare *walk = data;
	__u32 done = index * 8, at = walk->at + done, from = walk->from + done;
	__u64 difference;

	if (done >= walk->length || at > IDS_SECTION_MAX + IDS_PUT_MAX - 8 || from > 2 * IDS_PUT_MAX)
		return 1;
	difference = *(const __u64 *)(walk->window->io.bytes + at) ^ *(const __u64 *)(walk->fresh->bytes + from);
	/* What lies behind the last byte does not count; the least significant byte is the first one. */
	if (walk->length - done < 8)
		difference &= (1ULL << (walk->length - done) * 8) - 1;
	walk->differs = !!difference;
	return walk->differs;
}

/* Whether `length` bytes at `at` of the section differ from those that wait at `from` of the scratch. */
__noinline int ids_window_differs(struct ids_window *window, struct ids_io *fresh, __u32 at, __u32 from, __u32 length)
{
	struct ids_compare walk = { .at = at, .from = from, .length = length };

	if (!window || !fresh)
		return 0;
	walk.window = window;
	walk.fresh = fresh;
	bpf_loop(IDS_PUT_MAX / 8, ids_compare_step, &walk, 0);
	return walk.differs;
}

/* Copies `length` bytes that wait at `from` of the scratch to `at` of the section. */
__noinline int ids_window_write(struct ids_window *window, struct ids_io *fresh, __u32 at, __u32 from, __u32 length)
{
	if (!window || !fresh || at > IDS_SECTION_MAX || from > IDS_PUT_MAX)
		return 0;
	barrier_var(length);
	if (length == 0 || length > IDS_PUT_MAX)
		return 0;
	bpf_probe_read_kernel(window->io.bytes + at, length, fresh->bytes + from);
	return 0;
}

/* Adds a piece to the ranges, or to the contiguous part if it touches that; false if there is one too many. */
static __always_inline bool ids_window_join(struct ids_window *window, __u32 from, __u32 to)
{
	__u32 n, kept = 0;

	/* Pieces that it touches become part of it; the others move up. */
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_WINDOW_RANGES; n++) {
		struct ids_range range;

		if (n >= window->ranges)
			break;
		range = window->range[n];
		if (range.to < from || range.from > to) {
			window->range[kept++ & (IDS_WINDOW_RANGES - 1)] = range;
			continue;
		}
		if (range.from < from)
			from = range.from;
		if (range.to > to)
			to = range.to;
	}
	window->ranges = kept;
	if (from <= window->io.length) {
		if (to > window->io.length)
			window->io.length = to;
		return true;
	}
	if (kept >= IDS_WINDOW_RANGES)
		return false;
#pragma clang loop unroll(disable)
	for (n = kept; n > 0; n--) {
		if (window->range[(n - 1) & (IDS_WINDOW_RANGES - 1)].from < from)
			break;
		window->range[n & (IDS_WINDOW_RANGES - 1)] = window->range[(n - 1) & (IDS_WINDOW_RANGES - 1)];
	}
	window->range[n & (IDS_WINDOW_RANGES - 1)].from = from;
	window->range[n & (IDS_WINDOW_RANGES - 1)].to = to;
	window->ranges = kept + 1;
	return true;
}

/* Whether all of a segment at [from, to) can be kept. One that goes on where the contiguous part ends always can: what it
 * makes whole is done with. */
static __always_inline bool ids_window_fits(const struct ids_window *window, __u32 from, __u32 to)
{
	__u32 n, apart = 0;

	if (from <= window->io.length)
		return true;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_WINDOW_RANGES; n++) {
		if (n >= window->ranges)
			break;
		if (window->range[n].to < from || window->range[n].from > to)
			apart++;
	}
	return to <= IDS_SECTION_MAX && apart < IDS_WINDOW_RANGES;
}

/* Where the run of bytes that begins at `at` ends, at `limit` at the latest: twice that, + 1 if the bytes are there. */
__noinline int ids_window_run(struct ids_window *window, __u32 at, __u32 limit)
{
	__u32 n;

	if (!window)
		return 0;
	if (at < window->io.length)
		return (window->io.length < limit ? window->io.length : limit) * 2 + 1;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_WINDOW_RANGES; n++) {
		const struct ids_range *range = &window->range[n];

		if (n >= window->ranges || at < range->from)
			break;
		if (at < range->to)
			return (range->to < limit ? range->to : limit) * 2 + 1;
	}
	if (n < IDS_WINDOW_RANGES && n < window->ranges && window->range[n].from < limit)
		limit = window->range[n].from;
	return limit * 2;
}

/* Puts the first `length` bytes of the scratch, at most IDS_PUT_MAX, to `offset` of the section: enum ids_put. */
__noinline int ids_window_put(struct ids_window *window, struct ids_io *fresh, __u32 offset, __u32 length)
{
	__u32 at = 0, n, differs = 0;

	if (!window || !fresh)
		return 0;
	if (offset >= IDS_SECTION_MAX)
		return IDS_PUT_NO_ROOM;
	if (length > IDS_SECTION_MAX - offset)
		length = IDS_SECTION_MAX - offset;
	/* Not more runs than pieces and what lies between them. */
#pragma clang loop unroll(disable)
	for (n = 0; n < 2 * IDS_WINDOW_RANGES + 3; n++) {
		__u32 run, size;

		if (at >= length)
			break;
		run = ids_window_run(window, offset + at, offset + length);
		size = run / 2 - offset - at;
		if (size == 0 || size > length - at)
			break;
		if (!(run & 1))
			ids_window_write(window, fresh, offset + at, at, size);
		else
			differs |= ids_window_differs(window, fresh, offset + at, at, size);
		at += size;
	}
	if (!ids_window_join(window, offset, offset + length))
		return IDS_PUT_NO_ROOM;
	return differs ? IDS_PUT_DIFFERS : IDS_PUT_DONE;
}

#endif
