/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What lies between the header sections of a connection: bodies are passed by, chunks and trailers walked over. */
#ifndef IDS_HTTP_BODY_H
#define IDS_HTTP_BODY_H

#include "l7_state.h"

/* Where in the framing of chunks the next byte is: ids_l7_dir.line. */
enum ids_chunk {
	IDS_CHUNK_SIZE = 0,  /* before the first digit */
	IDS_CHUNK_DIGIT = 1, /* in the digits */
	IDS_CHUNK_REST = 2,  /* behind them: an extension, to the end of the line */
	IDS_CHUNK_END = 3,   /* the line end behind the data */
	IDS_CHUNK_BAD = 4,
	IDS_TRAILER_LINE = 5, /* at the beginning of a line of the trailer */
	IDS_TRAILER_TEXT = 6, /* in one */
	IDS_CHUNK_DATA = 7,   /* a chunk begins: `remaining` bytes */
	IDS_CHUNK_DONE = 8,   /* the message has ended */
};

struct ids_chunking {
	struct ids_io *io;
	struct ids_l7 *l7;
	__u32 side;
	__u32 at; /* behind the last byte walked over */
};

static __always_inline __u32 ids_chunk_digit(__u8 byte)
{
	__u32 letter = (byte | 0x20) - 'a';

	if ((__u8)(byte - '0') <= 9)
		return byte - '0';
	return letter < 6 ? letter + 10 : 16;
}

/* What a byte makes of the state. */
static __always_inline __u32 ids_chunk_next(struct ids_l7 *l7, __u32 side, __u32 line, __u8 byte)
{
	__u64 size = l7->remaining[side & 1];
	__u32 digit;

	switch (line) {
	case IDS_CHUNK_SIZE:
	case IDS_CHUNK_DIGIT:
		digit = ids_chunk_digit(byte);
		if (digit < 16) {
			/* Also more than one step passes by at once. */
			if (size >= IDS_L7_STEP >> 4)
				return IDS_CHUNK_BAD;
			l7->remaining[side & 1] = size << 4 | digit;
			return IDS_CHUNK_DIGIT;
		}
		if (line == IDS_CHUNK_SIZE)
			return byte == ' ' || byte == '\t' ? IDS_CHUNK_SIZE : IDS_CHUNK_BAD;
		if (byte == '\n')
			return size ? IDS_CHUNK_DATA : IDS_TRAILER_LINE;
		return byte == '\r' || byte == ';' || byte == ' ' || byte == '\t' ? IDS_CHUNK_REST : IDS_CHUNK_BAD;
	case IDS_CHUNK_REST:
		if (byte == '\n')
			return size ? IDS_CHUNK_DATA : IDS_TRAILER_LINE;
		return IDS_CHUNK_REST;
	case IDS_CHUNK_END:
		if (byte == '\n')
			return IDS_CHUNK_SIZE;
		return byte == '\r' ? IDS_CHUNK_END : IDS_CHUNK_BAD;
	case IDS_TRAILER_LINE:
		if (byte == '\n')
			return IDS_CHUNK_DONE;
		return byte == '\r' ? IDS_TRAILER_LINE : IDS_TRAILER_TEXT;
	case IDS_TRAILER_TEXT:
		return byte == '\n' ? IDS_TRAILER_LINE : IDS_TRAILER_TEXT;
	}
	return IDS_CHUNK_BAD;
}

/* One byte; stops behind the last one before data, the next message, or what is none of these. */
static long ids_chunk_byte(__u32 index, void *data)
{
	struct ids_chunking *walk = data;
	struct ids_io *io = walk->io;
	struct ids_l7_dir *dir = &walk->l7->dir[walk->side & 1];
	__u32 at = io->fresh, line;

	(void)index;
	if (at >= io->length || at >= IDS_SECTION_MAX)
		return 1;
	line = ids_chunk_next(walk->l7, walk->side, dir->line, io->bytes[at]);
	dir->line = line;
	io->fresh = at + 1;
	return line == IDS_CHUNK_DATA || line == IDS_CHUNK_DONE || line == IDS_CHUNK_BAD;
}

/* Begins a body in chunks. */
static __always_inline void ids_http_chunks(struct ids_l7 *l7, struct ids_l7_dir *dir, __u32 side)
{
	dir->phase = IDS_PHASE_CHUNK_SIZE;
	dir->line = IDS_CHUNK_SIZE;
	l7->remaining[side & 1] = 0;
}

/* Walks over the framing that lies in `io`; as ids_l7_sort(). All of it is consumed, whatever it is. */
__noinline int ids_http_between(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io)
{
	struct ids_chunking walk = {};
	struct ids_l7_dir *dir;
	__u32 side;

	if (!pkt || !l7 || !io)
		return 0;
	side = pkt->direction & 1;
	dir = &l7->dir[side];
	walk.io = io;
	walk.l7 = l7;
	walk.side = side;
	bpf_loop(IDS_SECTION_MAX, ids_chunk_byte, &walk, 0);
	dir->next = io->begin + io->fresh;
	switch (dir->line) {
	case IDS_CHUNK_DATA:
		dir->next += l7->remaining[side];
		l7->remaining[side] = 0;
		dir->line = IDS_CHUNK_END;
		break;
	case IDS_CHUNK_DONE:
		dir->phase = IDS_PHASE_SECTION;
		dir->line = 0;
		break;
	case IDS_CHUNK_BAD:
		ids_count(IDS_STAT_HTTP_RESYNCS);
		ids_l7_lose(pkt, l7, IDS_L7_RESYNC);
		dir->next = pkt->seq + pkt->payload_len;
		if (ids_behind(io->begin + io->length, dir->next) > 0)
			dir->next = io->begin + io->length;
		break;
	}
	return 1;
}

#endif
