/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the log keeps of a header section: the start line, and lines by their names. The rest is cut out in place. */
#ifndef IDS_KEPT_LINES_H
#define IDS_KEPT_LINES_H

#include "io.h"

/* Regions that stand in a start line alone; NONE, until a header begins, is what lies between its parts. */
#define IDS_REGIONS_OF_START                                                                                    \
	(1u << IDS_REGION_METHOD | 1u << IDS_REGION_URI | 1u << IDS_REGION_URI_ODD | 1u << IDS_REGION_VERSION | \
	 1u << IDS_REGION_STATUS | 1u << IDS_REGION_REASON)

/* Where the walk stands, in io->own: in memory, as the verifier would follow every value of a register. */
enum ids_keeping {
	IDS_KEEPING_TO = 0,     /* bytes that are kept so far */
	IDS_KEEPING_LINE = 1,   /* enum ids_line */
	IDS_KEEPING_MASK = 2,   /* masked values that were met, and */
	IDS_KEEPING_MASKED = 3, /* kept */
	IDS_KEEPING_FROM = 4,   /* the next byte to move */
};

enum ids_line {
	IDS_LINE_DROPPED = 0,
	IDS_LINE_KEPT = 1,
	IDS_LINE_START = 2,
};

/* Moves bytes[from..to) behind what is kept. */
__noinline int ids_keep_bytes(struct ids_io *io, __u32 from, __u32 to)
{
	__u32 n, at, length;

	if (!io)
		return 0;
	io->own[IDS_KEEPING_FROM] = from;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_SECTION_MAX / IDS_SECTION_PAD + 1; n++) {
		/* What is in memory is read again, and not known. */
		barrier();
		at = io->own[IDS_KEEPING_TO];
		from = io->own[IDS_KEEPING_FROM];
		if (from >= to || at > IDS_SECTION_MAX || from > IDS_SECTION_MAX)
			break;
		length = to - from;
		if (length > IDS_SECTION_PAD)
			length = IDS_SECTION_PAD;
		barrier_var(length);
		if (length == 0 || length > IDS_SECTION_PAD)
			break;
		/* Forwards, so that nothing is overwritten before it was moved. */
		if (at != from)
			bpf_probe_read_kernel(io->bytes + at, length, io->bytes + from);
		io->own[IDS_KEEPING_TO] = at + length;
		io->own[IDS_KEEPING_FROM] = from + length;
	}
	return 0;
}

/* What a region says of the line that it is in; values of their own say nothing. */
static __always_inline __u32 ids_keep_line(__u32 line, __u32 region)
{
	if (IDS_REGIONS_OF_START >> region & 1)
		return IDS_LINE_START;
	if (region == IDS_REGION_KEPT)
		return IDS_LINE_KEPT;
	if (region == IDS_REGION_HEADERS || (region == IDS_REGION_NONE && line != IDS_LINE_START))
		return IDS_LINE_DROPPED;
	return line;
}

/* A masked value: its note goes with it, or goes. */
static __always_inline void ids_keep_mask(struct ids_io *io, bool kept)
{
	__u32 met = io->own[IDS_KEEPING_MASK], masked = io->own[IDS_KEEPING_MASKED];

	io->own[IDS_KEEPING_MASK] = met + 1;
	if (!kept || met >= io->masked || met >= IDS_MASKED || masked >= IDS_MASKED)
		return;
	io->mask[masked] = io->mask[met];
	io->mask[masked].offset = io->own[IDS_KEEPING_TO];
	io->own[IDS_KEEPING_MASKED] = masked + 1;
}

/* Cuts out of the section, masked by now, all but what is kept; returns its bytes. It has no edges then. */
__noinline int ids_keep_lines(struct ids_io *io, __u32 length)
{
	__u32 n, at;

	if (!io)
		return 0;
	io->own[IDS_KEEPING_TO] = io->edge[0] >> IDS_EDGE_SHIFT;
	io->own[IDS_KEEPING_LINE] = IDS_LINE_START;
	io->own[IDS_KEEPING_MASK] = io->own[IDS_KEEPING_MASKED] = 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_EDGES; n++) {
		/* What is in memory is read again, and not known. */
		barrier();
		__u32 edge = io->edge[n], from = edge >> IDS_EDGE_SHIFT, to = length, line;

		if (n >= io->edges)
			break;
		if (n + 1 < io->edges && n + 1 < IDS_EDGES)
			to = io->edge[n + 1] >> IDS_EDGE_SHIFT;
		line = ids_keep_line(io->own[IDS_KEEPING_LINE], edge & (IDS_REGIONS - 1));
		io->own[IDS_KEEPING_LINE] = line;
		if (from >= to)
			continue;
		if (edge & IDS_REGION_MASKED)
			ids_keep_mask(io, line);
		if (line)
			ids_keep_bytes(io, from, to);
	}
	if (io->masked)
		io->masked = io->own[IDS_KEEPING_MASKED];
	io->edges = 0;
	/* The empty line, as far as there is room for it before the next section. */
	at = io->own[IDS_KEEPING_TO];
	barrier_var(at);
	if (at >= length || at > IDS_SECTION_MAX)
		return length;
	if (length - at > 1) {
		io->bytes[at] = '\r';
		at++;
	}
	io->bytes[at] = '\n';
	return at + 1;
}

#endif
