/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Masks the sensitive values of a header section in place and finds its end, in one table-driven pass. Without a
 * (fully) written table every header value is masked: nothing is ever handed out that the table did not let through.
 */
#ifndef IDS_REDACT_H
#define IDS_REDACT_H

#include "maps.h"

#define IDS_REDACT_CHUNK 32 /* bytes a bpf_loop step: unrolled, 3 ns a byte where one call a byte costs 10 */
#define IDS_REDACT_START 1  /* the automaton's first state; 0 is where an unwritten table leads, for good */

/* Captured bytes; what is behind `length` is room for the last chunk. */
struct ids_section {
	__u8 bytes[IDS_HEADER_MAX + IDS_REDACT_CHUNK];
};

struct ids_redact_pass {
	struct ids_section *section;
	const struct ids_redact *table;
	__u32 length; /* bytes captured */
	__u32 mask;   /* IDS_REDACT_MASK, or 0 if nothing is to be masked */
	__u32 state;
	__u32 seen; /* every transition taken, or-ed */
	__u32 kept; /* bytes up to the end of the section */
};

static long ids_redact_chunk(__u32 index, void *data)
{
	struct ids_redact_pass *pass = data;
	__u32 at = index * IDS_REDACT_CHUNK;

	if (at >= pass->length || at > IDS_HEADER_MAX - IDS_REDACT_CHUNK)
		return 1;
	__u8 *byte = pass->section->bytes + at;
	const struct ids_redact *table = pass->table;
	__u32 state = pass->state, mask = pass->mask, seen = 0, ended = 0;
#pragma unroll
	for (int i = 0; i < IDS_REDACT_CHUNK; i++) {
		__u32 class = table->byte_class[byte[i]] % IDS_REDACT_CLASSES;

		state = table->next[state % IDS_REDACT_STATES * IDS_REDACT_CLASSES + class];
		seen |= state;
		ended += state >> 15; /* IDS_REDACT_END: the end is behind the first byte that has it */
		if (state & mask)
			byte[i] = '*';
	}
	pass->state = state;
	pass->seen |= seen;
	if (!ended)
		return 0;
	pass->kept = at + IDS_REDACT_CHUNK - ended + 1;
	return 1;
}

enum ids_blind_state {
	IDS_BLIND_REQUEST,    /* in the request line */
	IDS_BLIND_REQUEST_CR, /* a CR in it */
	IDS_BLIND_LINE,       /* at the beginning of a line */
	IDS_BLIND_NAME,
	IDS_BLIND_VALUE,
};

/* The pass without a table, a byte a call: only the request line and the names of headers stay readable. */
static long ids_redact_blind(__u32 index, void *data)
{
	struct ids_redact_pass *pass = data;

	if (index >= pass->length || index >= IDS_HEADER_MAX)
		return 1;
	__u8 *at = pass->section->bytes + index;
	__u8 byte = *at;
	__u32 state = pass->state;

	if (byte == '\n') {
		if (state == IDS_BLIND_LINE) {
			pass->kept = index + 1;
			return 1;
		}
		pass->state = IDS_BLIND_LINE;
		return 0;
	}
	if (byte == '\r') {
		if (state == IDS_BLIND_REQUEST)
			pass->state = IDS_BLIND_REQUEST_CR;
		return 0;
	}
	if (state == IDS_BLIND_REQUEST)
		return 0;
	if (state != IDS_BLIND_VALUE) {
		pass->state = byte == ':' || byte <= ' ' ? IDS_BLIND_VALUE : IDS_BLIND_NAME;
		return 0;
	}
	if (byte == ' ' || byte == '\t')
		return 0;
	if (pass->mask) {
		*at = '*';
		pass->seen |= IDS_REDACT_MASK;
	}
	return 0;
}

/*
 * Masks the `length` bytes captured in `section` (`redact` set) and finds the end of the header section in them: the
 * bytes to hand out are the result, and *flags gets enum ids_http_flag.
 */
static __always_inline __u32 ids_redact_section(struct ids_section *section, __u32 length, int redact, __u32 *flags)
{
	struct ids_redact_pass pass = {
		.section = section,
		.length = length,
		.mask = redact ? IDS_REDACT_MASK : 0,
		.state = IDS_REDACT_START,
	};
	__u32 zero = 0;

	if (length > IDS_HEADER_MAX)
		return 0;
	/* Line feeds behind what was captured: never masked, and an end that they make lies beyond it. */
	__builtin_memset(section->bytes + length, '\n', IDS_REDACT_CHUNK);
	pass.table = bpf_map_lookup_elem(&ids_redact, &zero);
	if (pass.table)
		bpf_loop(IDS_HEADER_MAX / IDS_REDACT_CHUNK, ids_redact_chunk, &pass, 0);
	else
		pass.state = 0;
	if ((pass.state & IDS_REDACT_STATE) == 0) {
		pass.state = IDS_BLIND_REQUEST;
		pass.kept = 0;
		bpf_loop(IDS_HEADER_MAX, ids_redact_blind, &pass, 0);
	}
	*flags = pass.seen & IDS_REDACT_MASK ? IDS_HTTP_REDACTED : 0;
	if (pass.kept > 0 && pass.kept <= length)
		return pass.kept;
	*flags |= IDS_HTTP_TRUNCATED;
	return length;
}

#endif
