/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Access to the bytes of a frame wherever they lie, and the note that something is wrong with them. */
#ifndef IDS_BYTES_H
#define IDS_BYTES_H

#include "packet.h"

/* No header of ours starts beyond this offset; the verifier wants a bound on what is added to a packet pointer. */
#define IDS_OFFSET_MAX 0x7fff

/*
 * `length` bytes at `at`, or null if the frame ends before. They are read in place; only bytes of a multi-buffer frame
 * that are not in its linear part are copied, to the scratch space, where the next call overwrites them.
 */
static __always_inline const void *ids_bytes(struct xdp_md *ctx, struct ids_packet *pkt, __u32 at, const __u32 length)
{
	const __u8 *data = (const void *)(long)ctx->data;
	const __u8 *end = (const void *)(long)ctx->data_end;

	if (at > IDS_OFFSET_MAX)
		return 0;
	data += at;
	if (data + length <= end)
		return data;
	if (at + length > pkt->frame_len || bpf_xdp_load_bytes(ctx, at, pkt->scratch, length))
		return 0;
	return pkt->scratch;
}

/* Notes a decode reason. */
static __always_inline void ids_decode(struct ids_packet *pkt, enum ids_reason reason)
{
	__u32 bit = reason - IDS_REASON_DECODE;

	if (bit < 32)
		pkt->field[IDS_FIELD_DECODE0] |= 1u << bit;
	else
		pkt->field[IDS_FIELD_DECODE1] |= 1u << (bit - 32);
}

/* Notes a decode reason that ends parsing. */
static __always_inline int ids_malformed(struct ids_packet *pkt, enum ids_reason reason)
{
	ids_decode(pkt, reason);
	pkt->malformed = true;
	return -1;
}

#endif
