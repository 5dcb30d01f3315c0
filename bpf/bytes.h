/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Access to the bytes of a packet wherever they lie, and the note that something is wrong with them. */
#ifndef IDS_BYTES_H
#define IDS_BYTES_H

#include "datagrams.h"
#include "packet.h"

/* No header of ours starts beyond this offset; the verifier wants a bound on what is added to a packet pointer. */
#define IDS_OFFSET_MAX 0x7fff

/*
 * Copies `length` bytes at `offset` of the frame, or of the datagram that was put together, to memory that the program
 * owns; 0, or less if it ends before. This and ids_bytes() are the only ways to the bytes of a packet.
 */
static __always_inline long ids_load(void *ctx, const enum ids_hook hook, const struct ids_packet *pkt, __u32 offset,
				     void *to, __u32 length)
{
	/* What the verifier knows of the lower half of a parameter it shall know of all of it. */
	asm volatile("%0 = %0" : "+w"(length));
	if (pkt->assembled)
		return ids_datagram_load(pkt, offset, to, length);
	return hook == IDS_HOOK_TC ? bpf_skb_load_bytes(ctx, offset, to, length)
				   : bpf_xdp_load_bytes(ctx, offset, to, length);
}

/*
 * `length` bytes at `at`, or null if the frame ends before. They are read in place; only bytes of a datagram, or of a
 * multi-buffer frame that are not in its linear part, are copied, to the scratch space, where the next call overwrites
 * them.
 */
static __always_inline const void *ids_bytes(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 at,
					     const __u32 length)
{
	const __u8 *data = ids_frame_begin(ctx, hook);
	const __u8 *end = ids_frame_end(ctx, hook);

	if (!pkt->assembled) {
		if (at > IDS_OFFSET_MAX)
			return 0;
		data += at;
		if (data + length <= end)
			return data;
	}
	if (at + length > pkt->bound || ids_load(ctx, hook, pkt, at, pkt->scratch, length))
		return 0;
	return pkt->scratch;
}

/*
 * The length that an IP header names; 0 stands for what a header cannot say, in segments of more than 64 KiB that the
 * device is to cut: then it is all that is left.
 */
static __always_inline __u32 ids_ip_length(void *ctx, const enum ids_hook hook, __u32 length, __u32 left)
{
	return hook == IDS_HOOK_TC && !length && ((struct __sk_buff *)ctx)->gso_size ? left : length;
}

/* Notes a decode reason. */
static __always_inline void ids_decode(struct ids_packet *pkt, enum ids_reason reason)
{
	__u32 bit = reason - IDS_REASON_DECODE;

	if (bit < 32)
		pkt->field[IDS_FIELD_DECODE0] |= 1u << bit;
	else if (bit < 64)
		pkt->field[IDS_FIELD_DECODE1] |= 1u << (bit - 32);
	else
		pkt->field[IDS_FIELD_DECODE2] |= 1u << (bit - 64);
}

/* Notes a decode reason that ends parsing. */
static __always_inline int ids_malformed(struct ids_packet *pkt, enum ids_reason reason)
{
	ids_decode(pkt, reason);
	pkt->malformed = true;
	return -1;
}

#endif
