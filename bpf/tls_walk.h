/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The walk over the records of one direction of TLS, up to where the handshake says no more that we can read. */
#ifndef IDS_TLS_WALK_H
#define IDS_TLS_WALK_H

#include "io.h"

#define IDS_TLS_RECORD_MAX (16384 + 2048)
#define IDS_TLS_HEADER     5

enum ids_tls_type {
	IDS_TLS_HANDSHAKE = 22,
	IDS_TLS_CLIENT_HELLO = 1,
	IDS_TLS_SERVER_HELLO = 2,
	IDS_TLS_CERTIFICATE = 11,
	IDS_TLS_HELLO_DONE = 14,
};

/* Where the walk over records stands: indices of ids_io.own. Places in the handshake are as if there were no records. */
enum ids_tls_own {
	IDS_TLS_AT = 0,      /* offset of the record that comes next */
	IDS_TLS_SEEN = 1,    /* bytes of handshake in the records before it */
	IDS_TLS_RECORDS = 2, /* how many these are */
	IDS_TLS_MESSAGE = 3, /* where in the handshake the next message begins */
	IDS_TLS_NUMBER = 4,  /* the bytes of its header that were read, as a number, and */
	IDS_TLS_READ = 5,    /* how many they are */
	IDS_TLS_END = 6,     /* where in the handshake what we want ends; 0 = not known yet */
	IDS_TLS_STATE = 7,   /* enum ids_tls_state */

	/* Once the walk is over: */
	IDS_TLS_NAME = 3,     /* offset of the server name that the client asks for, 0 = none, */
	IDS_TLS_NAME_END = 4, /* and of what is behind it, */
	IDS_TLS_JOINED = 5,   /* in ids_tls_whole if set */
};

enum ids_tls_state {
	IDS_TLS_OPEN = 0,
	IDS_TLS_DONE = 1,
	IDS_TLS_BROKEN = 2,
};

/* Whether a direction that begins so is TLS: 1 if a handshake record's first message is a hello, 0 if not, -1 too few. */
static __always_inline int ids_tls_begins(const struct ids_io *io)
{
	const __u8 *bytes = io->bytes;
	__u32 length = io->length;

	if (length == 0)
		return -1;
	if (bytes[0] != IDS_TLS_HANDSHAKE || (length > 1 && bytes[1] != 3) || (length > 2 && bytes[2] > 4))
		return 0;
	if (length <= IDS_TLS_HEADER)
		return -1;
	return bytes[IDS_TLS_HEADER] == IDS_TLS_CLIENT_HELLO || bytes[IDS_TLS_HEADER] == IDS_TLS_SERVER_HELLO;
}

/* The header of a message is complete: what does it mean for the walk? */
static __always_inline void ids_tls_message(struct ids_io *io, __u32 number)
{
	__u32 type = number >> 24, begin = io->own[IDS_TLS_MESSAGE], end = begin + 4 + (number & 0xffffff);

	if (type == IDS_TLS_CLIENT_HELLO || type == IDS_TLS_CERTIFICATE || type == IDS_TLS_HELLO_DONE)
		io->own[IDS_TLS_END] = end;
	io->own[IDS_TLS_MESSAGE] = end;
	io->own[IDS_TLS_READ] = io->own[IDS_TLS_NUMBER] = 0;
}

/* One step of the walk: a byte of a message's header, or on to the next record. */
static long ids_tls_step(__u32 index IDS_UNUSED, void *data)
{
	struct ids_io *io = *(struct ids_io **)data;
	__u32 at = io->own[IDS_TLS_AT], seen = io->own[IDS_TLS_SEEN], size, next;

	if (at > IDS_SECTION_MAX - IDS_TLS_HEADER || at + IDS_TLS_HEADER > io->length)
		return 1;
	if (io->bytes[at + 1] != 3 || io->bytes[at] != IDS_TLS_HANDSHAKE) {
		/* Encryption begins, or an alert ends it: enough was seen if there was a hello. */
		io->own[IDS_TLS_STATE] = seen ? IDS_TLS_DONE : IDS_TLS_BROKEN;
		return 1;
	}
	size = io->bytes[at + 3] << 8 | io->bytes[at + 4];
	if (size == 0 || size > IDS_TLS_RECORD_MAX) {
		io->own[IDS_TLS_STATE] = IDS_TLS_BROKEN;
		return 1;
	}
	if (at + IDS_TLS_HEADER + size > io->length)
		return 1;
	next = io->own[IDS_TLS_MESSAGE] + io->own[IDS_TLS_READ];
	if (next < seen + size) {
		__u32 place = at + IDS_TLS_HEADER + (next - seen);

		if (place >= IDS_SECTION_MAX)
			return 1;
		io->own[IDS_TLS_NUMBER] = io->own[IDS_TLS_NUMBER] << 8 | io->bytes[place];
		if (++io->own[IDS_TLS_READ] == 4)
			ids_tls_message(io, io->own[IDS_TLS_NUMBER]);
		return 0;
	}
	io->own[IDS_TLS_AT] = at + IDS_TLS_HEADER + size;
	io->own[IDS_TLS_SEEN] = seen + size;
	io->own[IDS_TLS_RECORDS]++;
	if (!io->own[IDS_TLS_END] || seen + size < io->own[IDS_TLS_END])
		return 0;
	io->own[IDS_TLS_STATE] = IDS_TLS_DONE;
	return 1;
}

#endif
