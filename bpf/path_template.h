/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Paths by what they have in common: without what a ? & ; or # begins; a run of digits is one sign, and so is a part of
 * eight or more hexadecimal digits and hyphens with a digit among them. A version such as v2 stays.
 */
#ifndef IDS_PATH_TEMPLATE_H
#define IDS_PATH_TEMPLATE_H

#include "classify.h"
#include "io.h"

#define IDS_TEMPLATE_AT   IDS_SECTION_MAX /* where it is written: the room behind a section */
#define IDS_TEMPLATE_MAX  128             /* bytes of a path that are looked at */
#define IDS_TEMPLATE_ROOM 256
#define IDS_TEMPLATE_SIGN '#' /* no target has one */

enum ids_path_class {
	IDS_PATH_DIGIT = 1,
	IDS_PATH_HEX = 2, /* hyphens too */
	IDS_PATH_V = 4,
	IDS_PATH_SLASH = 8,
};

/* Of every byte enum ids_path_class; those that are no ASCII have none. */
static const __u8 ids_path_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 8, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0,
	0, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

#define IDS_ONES (~0ULL / 255)

/* The bit 7 of bytes that are zero; those behind the first one may be wrong. */
static __always_inline __u64 ids_zero_bytes(__u64 word)
{
	return (word - IDS_ONES) & ~word & 0x80 * IDS_ONES;
}

/* The path's bytes from `from` on, `length` of the target: how many; bit 16 says that there are digits among them. */
__noinline __u32 ids_path_extent(struct ids_io *io, __u32 from, __u32 length)
{
	__u64 any = 0, stops, digits, word, low;
	__u32 n, at;

	if (!io || from > IDS_SECTION_MAX)
		return 0;
	if (length > IDS_TEMPLATE_MAX)
		length = IDS_TEMPLATE_MAX;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_TEMPLATE_MAX; n += 8) {
		at = from + n;
		barrier_var(at);
		if (n >= length || at > IDS_SECTION_MAX)
			break;
		word = *(const __u64 *)(io->bytes + at);
		if (length - n < 8)
			word |= ~0ULL << 8 * (length - n);
		stops = ids_zero_bytes(word ^ '?' * IDS_ONES) | ids_zero_bytes(word ^ '&' * IDS_ONES) |
			ids_zero_bytes(word ^ ';' * IDS_ONES) | ids_zero_bytes(word ^ '#' * IDS_ONES);
		low = word & 0x7f * IDS_ONES;
		digits = (low + (0x80 - '0') * IDS_ONES) & ~(low + (0x7f - '9') * IDS_ONES) & ~word & 0x80 * IDS_ONES;
		if (stops) {
			any |= digits & ((stops & -stops) - 1);
			length = n + ids_lowest(stops) / 8;
			break;
		}
		any |= digits;
	}
	return length | (any ? 1u << 16 : 0);
}

/* Where the walk stands behind a chunk: all of it unknown to the verifier, which follows it through one chunk alone. */
struct ids_template_walk {
	struct ids_io *io;
	__u32 from;
	__u32 length;
	__u32 out;     /* bytes written */
	__u32 run;     /* hexadecimal digits and hyphens at the end, */
	__u32 seen;    /* 1: a digit is among them */
	__u32 mark;    /* where they were written to */
	__u32 digit;   /* 1: the last byte written stands for a number */
	__u32 version; /* 1: in a number that stays as it is */
	__u32 last;    /* classes of the byte before, and of the one before that */
	__u32 before;
};

/*
 * Eight bytes. No branch, and no masks of all bits or none: the verifier would follow each both ways through all that
 * comes behind. What is chosen between two values is one plus a multiple of what they differ by, 0 or 1.
 */
static long ids_template_chunk(__u32 index, void *data)
{
	struct ids_template_walk *walk = data;
	__u32 from = walk->from + 8 * index, left = walk->length - 8 * index, out = walk->out, run = walk->run;
	__u32 seen = walk->seen, mark = walk->mark, digit = walk->digit, version = walk->version;
	__u32 last = walk->last, before = walk->before;
	__u8 *text = walk->io->bytes + IDS_TEMPLATE_AT;

	barrier_var(from);
	if (from > IDS_SECTION_MAX)
		return 1;
#pragma unroll
	for (int i = 0; i < 8; i++) {
		__u32 byte, class, hex, number, first, sign, many, place;

		/* Behind the last one they are zero. */
		byte = walk->io->bytes[from + i] * ((i - left) >> 31);
		barrier_var(byte);
		class = ids_path_class[byte & 0xff];
		barrier_var(class);
		hex = class >> 1 & 1;
		barrier_var(hex);
		number = class & 1;
		/* A run that is long enough ends: it becomes one sign. */
		many = (run >> 3 | run >> 4 | run >> 5 | run >> 6 | run >> 7) & seen & ~hex & 1;
		barrier_var(many);
		/* Else the sign goes to the last byte of the room, where nobody looks. */
		place = IDS_TEMPLATE_ROOM - 1 + many * (mark - (IDS_TEMPLATE_ROOM - 1));
		barrier_var(place);
		text[place & (IDS_TEMPLATE_ROOM - 1)] = IDS_TEMPLATE_SIGN;
		out += many * (mark + 1 - out);
		barrier_var(out);
		first = hex & ~((run + 0xff) >> 8);
		barrier_var(first);
		mark += first * (out - mark);
		barrier_var(mark);
		run = (run + 1) * hex;
		barrier_var(run);
		seen = (seen | number) & hex;
		barrier_var(seen);
		version = number & (version | (last >> 2 & before >> 3));
		barrier_var(version);
		/* Written, unless it goes on with a number. */
		sign = number & ~version;
		barrier_var(sign);
		text[out & (IDS_TEMPLATE_ROOM - 1)] = byte + sign * (IDS_TEMPLATE_SIGN - byte);
		out += 1 ^ (sign & digit);
		barrier_var(out);
		digit = sign;
		before = last;
		last = class;
	}
	walk->out = out;
	walk->run = run;
	walk->seen = seen;
	walk->mark = mark;
	walk->digit = digit;
	walk->version = version;
	walk->last = last;
	walk->before = before;
	return 0;
}

/* Writes the template of bytes[from..from + length) to IDS_TEMPLATE_AT; returns its length. */
__noinline __u32 ids_path_template(struct ids_io *io, __u32 from, __u32 length)
{
	struct ids_template_walk walk = { .from = from, .length = length };
	__u32 out;

	if (!io || length > IDS_TEMPLATE_MAX)
		return 0;
	walk.io = io;
	/* At least one byte behind the last one, so that a run ends. */
	bpf_loop(length / 8 + 1, ids_template_chunk, &walk, 0);
	out = walk.out - (8 - length % 8);
	return out < IDS_TEMPLATE_MAX ? out : IDS_TEMPLATE_MAX;
}

#endif
