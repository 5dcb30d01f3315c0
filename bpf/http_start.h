/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Whether the first bytes of a section are those of an HTTP message. */
#ifndef IDS_HTTP_START_H
#define IDS_HTTP_START_H

#include "io.h"

#define IDS_HTTP_METHOD_MAX 32
#define IDS_HTTP_LEAD_MAX   16 /* bytes of empty lines that are passed over at once */

/* What the first bytes say. */
enum ids_guess {
	IDS_GUESS_MORE = 0, /* too few to tell */
	IDS_GUESS_REQUEST = 1,
	IDS_GUESS_RESPONSE = 2,
	IDS_GUESS_HTTP2 = 3,
	IDS_GUESS_NO = 4,
	IDS_GUESS_TLS = 5,
	IDS_GUESS_DNS = 6,
};

#define IDS_HTTP_BYTE(s, i) ((i) < sizeof(s) - 1 ? (__u64)(s)[(i) < sizeof(s) ? (i) : 0] << 8 * (i) : 0)
#define IDS_HTTP_WORD(s)                                                                                               \
	(IDS_HTTP_BYTE(s, 0) | IDS_HTTP_BYTE(s, 1) | IDS_HTTP_BYTE(s, 2) | IDS_HTTP_BYTE(s, 3) | IDS_HTTP_BYTE(s, 4) | \
	 IDS_HTTP_BYTE(s, 5) | IDS_HTTP_BYTE(s, 6) | IDS_HTTP_BYTE(s, 7))
#define IDS_HTTP_STARTS(w, s) (((w) & ~0ull >> (64 - 8 * (sizeof(s) - 1))) == IDS_HTTP_WORD(s))

/* True if a request begins with these 8 bytes, beyond doubt. */
static __always_inline bool ids_http_is_usual(__u64 word)
{
	return IDS_HTTP_STARTS(word, "GET /") || IDS_HTTP_STARTS(word, "POST /") || IDS_HTTP_STARTS(word, "HEAD /") ||
	       IDS_HTTP_STARTS(word, "PUT /") || IDS_HTTP_STARTS(word, "PATCH /") || IDS_HTTP_STARTS(word, "TRACE /") ||
	       IDS_HTTP_STARTS(word, "DELETE /");
}

/* RFC 9110 5.6.2: one bit a byte, and no branch. */
static const __u32 ids_http_tokens[8] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff };

static __always_inline bool ids_http_is_token(__u8 byte)
{
	return ids_http_tokens[byte >> 5] >> (byte & 31) & 1;
}

/* One byte of a first line: stops behind it, or where its version begins, as only HTTP names one. */
static long ids_http_version_byte(__u32 index, void *data)
{
	struct ids_io *io = *(struct ids_io **)data;
	__u32 at = io->guessed;
	__u8 byte;

	(void)index;
	if (at >= io->length || at >= IDS_SECTION_MAX)
		return 1;
	byte = io->bytes[at];
	if (byte == '\n') {
		io->verdict = IDS_GUESS_NO;
		return 1;
	}
	if (byte >= '0' && byte <= '9' && (io->last & 0xffffffffffffull) == 0x20485454502full) { /* " HTTP/" */
		io->verdict = IDS_GUESS_REQUEST;
		return 1;
	}
	io->last = io->last << 8 | byte;
	io->guessed = at + 1;
	return 0;
}

/* Judges the first bytes of a section: enum ids_guess. What it has seen is not looked at again. */
__noinline int ids_http_guess(struct ids_io *io)
{
	__u32 n, length;
	__u64 word;

	if (!io)
		return IDS_GUESS_NO;
	length = io->length;
	if (io->guessed == 0) {
		word = *(const __u64 *)io->bytes;
		if (length >= 8 && ids_http_is_usual(word))
			return IDS_GUESS_REQUEST;
		if (length >= 7 && IDS_HTTP_STARTS(word, "HTTP/1."))
			return IDS_GUESS_RESPONSE;
		if (length >= 6 && (IDS_HTTP_STARTS(word, "GET /") || IDS_HTTP_STARTS(word, "PUT /")))
			return IDS_GUESS_REQUEST;
		if (length < 7 && !((word ^ IDS_HTTP_WORD("HTTP/1.")) & ((1ull << length % 8 * 8) - 1)))
			return IDS_GUESS_MORE;
#pragma clang loop unroll(disable)
		for (n = 0; n <= IDS_HTTP_METHOD_MAX; n++) {
			if (n >= length)
				return IDS_GUESS_MORE;
			if (!ids_http_is_token(io->bytes[n]))
				break;
		}
		if (n == 0 || n > IDS_HTTP_METHOD_MAX || io->bytes[n] != ' ')
			return IDS_GUESS_NO;
		if (n == 3 && IDS_HTTP_STARTS(word, "PRI * HT"))
			return length < 12 ? IDS_GUESS_MORE : io->bytes[11] == '2' ? IDS_GUESS_HTTP2 : IDS_GUESS_NO;
		io->guessed = n;
		io->last = 0;
		io->verdict = IDS_GUESS_MORE;
	}
	bpf_loop(IDS_SECTION_MAX, ids_http_version_byte, &io, 0);
	return io->verdict;
}

/* Whether a target of a request stands behind the method: what has values that are masked. */
static __always_inline bool ids_http_has_target(const struct ids_io *io)
{
	bool blank = false;
	__u32 n;

#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_HTTP_METHOD_MAX + 8 && n < io->length; n++) {
		if (io->bytes[n] == ' ')
			blank = true;
		else if (blank)
			return io->bytes[n] == '/' || (io->bytes[n] | 0x20) == 'h';
	}
	return false;
}

/* Bytes of empty lines in front of a message. */
static __always_inline __u32 ids_http_lead(const struct ids_io *io)
{
	__u32 n;

	if (io->bytes[0] != '\r' && io->bytes[0] != '\n')
		return 0;
#pragma clang loop unroll(disable)
	for (n = 1; n < IDS_HTTP_LEAD_MAX; n++) {
		if (n >= io->length || (io->bytes[n] != '\r' && io->bytes[n] != '\n'))
			break;
	}
	return n;
}

#endif
