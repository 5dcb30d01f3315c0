/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Pass 3 over a header section: what is sensitive becomes asterisks, its hash and length are kept. Nothing of a section
 * is handed to anyone before this; without an automaton every value is masked.
 */
#ifndef IDS_HTTP_MASK_H
#define IDS_HTTP_MASK_H

#include "l7_state.h"
#include "siphash.h"

#define IDS_STARS 1024

#define IDS_STARS_8 '*', '*', '*', '*', '*', '*', '*', '*'
#define IDS_STARS_64 \
	IDS_STARS_8, IDS_STARS_8, IDS_STARS_8, IDS_STARS_8, IDS_STARS_8, IDS_STARS_8, IDS_STARS_8, IDS_STARS_8
#define IDS_STARS_256 IDS_STARS_64, IDS_STARS_64, IDS_STARS_64, IDS_STARS_64

/* What masked bytes are overwritten from, many at once. */
static const __u8 ids_stars[IDS_STARS] = { IDS_STARS_256, IDS_STARS_256, IDS_STARS_256, IDS_STARS_256 };

struct ids_filling {
	struct ids_io *io;
	__u32 at;
	__u32 to;
};

static long ids_http_fill_step(__u32 index, void *data)
{
	struct ids_filling *fill = data;
	__u32 at = fill->at, length = fill->to - at;

	(void)index;
	if (at >= fill->to || at > IDS_SECTION_MAX)
		return 1;
	if (length > IDS_STARS)
		length = IDS_STARS;
	barrier_var(length);
	if (length == 0 || length > IDS_STARS)
		return 1;
	bpf_probe_read_kernel(fill->io->bytes + at, length, ids_stars);
	fill->at = at + length;
	return 0;
}

/* Masks bytes[from..to), and notes where, how long, and the hash. */
__noinline int ids_http_hide(struct ids_io *io, __u32 from, __u32 to)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	struct ids_filling fill = { .at = from, .to = to };
	__u32 n;

	if (!io || from >= to || to > IDS_SECTION_MAX)
		return 0;
	n = io->masked;
	if (n < IDS_MASKED && settings) {
		io->mask[n].offset = from;
		io->mask[n].length = to - from;
		io->mask[n].hash = ids_sip_bytes(io, from, to, settings->hash_key[0], settings->hash_key[1]);
		io->masked = n + 1;
	}
	fill.io = io;
	bpf_loop(IDS_SECTION_MAX / IDS_STARS + 1, ids_http_fill_step, &fill, 0);
	return 0;
}

/* Masks what the edges say. */
__noinline int ids_http_mask(struct ids_io *io, __u32 length)
{
	__u32 n;

	if (!io)
		return 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_EDGES; n++) {
		__u32 edge = io->edge[n], to = length;

		if (n >= io->edges)
			break;
		if (!(edge & IDS_REGION_MASKED))
			continue;
		if (n + 1 < io->edges && n + 1 < IDS_EDGES)
			to = io->edge[n + 1] >> IDS_EDGE_SHIFT;
		ids_http_hide(io, edge >> IDS_EDGE_SHIFT, to < length ? to : length);
	}
	return 0;
}

/* Where the blind pass stands in a line. */
enum ids_blind_state {
	IDS_BLIND_REQUEST,    /* in the start line */
	IDS_BLIND_REQUEST_CR, /* a CR in it */
	IDS_BLIND_LINE,       /* at the beginning of a line */
	IDS_BLIND_NAME,
	IDS_BLIND_VALUE,
};

struct ids_blind {
	struct ids_io *io;
	__u32 state;
	__u32 mask;
	__u32 end;
};

/* A byte a call: only the start line as far as it has no parameters and the names of headers stay readable. */
static long ids_http_blind_byte(__u32 index, void *data)
{
	struct ids_blind *pass = data;
	struct ids_io *io = pass->io;
	__u8 *at, byte;

	if (index >= io->length || index >= IDS_SECTION_MAX)
		return 1;
	at = io->bytes + index;
	byte = *at;
	if (byte == '\n') {
		if (pass->state == IDS_BLIND_LINE) {
			pass->end = index + 1;
			return 1;
		}
		pass->state = IDS_BLIND_LINE;
		return 0;
	}
	if (byte == '\r') {
		if (pass->state == IDS_BLIND_REQUEST)
			pass->state = IDS_BLIND_REQUEST_CR;
		return 0;
	}
	switch (pass->state) {
	case IDS_BLIND_REQUEST:
		/* Where a parameter may begin; what looks like a version behind it may be its value. */
		if (byte == '?' || byte == '#' || byte == '&' || byte == ';')
			pass->state = IDS_BLIND_VALUE;
		return 0;
	case IDS_BLIND_VALUE:
		if (byte == ' ' || byte == '\t')
			return 0;
		if (pass->mask)
			*at = '*';
		return 0;
	default:
		pass->state = byte == ':' || byte <= ' ' ? IDS_BLIND_VALUE : IDS_BLIND_NAME;
	}
	return 0;
}

/* The pass without an automaton: finds the end of the section and masks every value. Returns the end, 0 if there is none. */
__noinline int ids_http_blind(struct ids_io *io, int redact)
{
	struct ids_blind pass = { .state = IDS_BLIND_REQUEST, .mask = redact };

	if (!io)
		return 0;
	pass.io = io;
	bpf_loop(IDS_SECTION_MAX, ids_http_blind_byte, &pass, 0);
	return pass.end;
}

#endif
