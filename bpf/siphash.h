/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* SipHash-2-4 of a run of bytes: what a masked value is known by, without being known. */
#ifndef IDS_SIPHASH_H
#define IDS_SIPHASH_H

#include "hash.h"
#include "io.h"

struct ids_sip {
	const struct ids_io *io;
	__u64 a, b, c, d;
	__u32 at;
	__u32 to;
};

/* One word; the last one holds the length in its first byte. */
static long ids_sip_word(__u32 index, void *data)
{
	struct ids_sip *sip = data;
	__u64 a = sip->a, b = sip->b, c = sip->c, d = sip->d, word;
	__u32 at = sip->at + index * 8, left = sip->to - at;

	if (at > sip->to || at > IDS_SECTION_MAX + IDS_SECTION_PAD - 8)
		return 1;
	word = *(const __u64 *)(sip->io->bytes + at);
	if (left < 8)
		word = (word & ((1ULL << left * 8) - 1)) | (__u64)(sip->to - sip->at) << 56;
	d ^= word;
	IDS_SIP_ROUND(a, b, c, d);
	IDS_SIP_ROUND(a, b, c, d);
	a ^= word;
	sip->a = a;
	sip->b = b;
	sip->c = c;
	sip->d = d;
	return left < 8;
}

/* Of bytes[from..to). */
__noinline __u64 ids_sip_bytes(struct ids_io *io, __u32 from, __u32 to, __u64 key0, __u64 key1)
{
	struct ids_sip sip = { .at = from, .to = to };
	__u64 a, b, c, d;

	if (!io || from > to || to > IDS_SECTION_MAX)
		return 0;
	sip.io = io;
	sip.a = key0 ^ 0x736f6d6570736575ULL;
	sip.b = key1 ^ 0x646f72616e646f6dULL;
	sip.c = key0 ^ 0x6c7967656e657261ULL;
	sip.d = key1 ^ 0x7465646279746573ULL;
	bpf_loop(IDS_SECTION_MAX / 8 + 1, ids_sip_word, &sip, 0);
	a = sip.a;
	b = sip.b;
	c = sip.c ^ 0xff;
	d = sip.d;
	IDS_SIP_ROUND(a, b, c, d);
	IDS_SIP_ROUND(a, b, c, d);
	IDS_SIP_ROUND(a, b, c, d);
	IDS_SIP_ROUND(a, b, c, d);
	return a ^ b ^ c ^ d;
}

#endif
