/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of the bulk ring that carry bytes as they were sent: of TLS handshakes and DNS messages. */
#ifndef IDS_BYTES_RECORD_H
#define IDS_BYTES_RECORD_H

#include "bulk.h"

/* Five arguments are all that a function can have. */
enum ids_bytes_what {
	IDS_BYTES_WHAT_FLAGS = 8, /* shift of enum ids_bytes_flag; below it the enum ids_event_type */
	IDS_BYTES_WHAT_FROM = 16, /* shift of the offset of the first byte */
};

/*
 * Writes io->bytes[from..from + length) to the bulk ring; `total` is how long the message was that they come from. The
 * record is put together in the ring itself, so that the bytes are copied once.
 */
__noinline int ids_bytes_write(struct ids_packet *pkt, struct ids_io *io, __u32 what, __u32 length, __u32 total)
{
	struct ids_bytes_record *head;
	__u32 from = what >> IDS_BYTES_WHAT_FROM, kind = what >> IDS_BYTES_WHAT_FLAGS & 0xff, size;
	struct bpf_dynptr place;
	struct ids_l7 *l7;

	if (!pkt || !io || from > IDS_SECTION_MAX || length > IDS_SECTION_MAX || from + length > IDS_SECTION_MAX)
		return 0;
	size = sizeof(*head) + length;
	head = ids_bulk_open(&place, size, sizeof(*head));
	if (!head)
		return 0;
	ids_event_fill(pkt, &head->event);
	head->event.type = what & 0xff;
	head->length = length;
	head->flags = kind;
	head->total = total;
	head->told = io->told;
	head->decided = io->decided < 255 ? io->decided : 255;
	__builtin_memcpy(head->rule, io->rule, sizeof(head->rule));
	__builtin_memset(head->pad, 0, sizeof(head->pad));
	l7 = ids_l7_of(pkt);
	head->offset = l7 && pkt->flow_id ? ids_l7_dir(pkt, l7)->message : 0;
	barrier_var(from);
	barrier_var(length);
	if (from > IDS_SECTION_MAX || length > IDS_SECTION_MAX)
		length = 0;
	bpf_dynptr_write(&place, sizeof(*head), io->bytes + (from & (IDS_SECTION_PAD - 1)), length, 0);
	ids_bulk_end(pkt, &place, kind & (IDS_BYTES_WANTED | IDS_BYTES_DECIDED));
	return 0;
}

/* Hands the bytes to the engine if it wants them: `wanted` are enum ids_bytes_flag. */
static __always_inline void ids_bytes_emit(struct ids_packet *pkt, struct ids_io *io, enum ids_event_type type,
					   __u32 flags, __u32 from, __u32 length, __u32 total)
{
	if (io->decided)
		flags |= IDS_BYTES_DECIDED;
	if (!(flags & (IDS_BYTES_LOGGED | IDS_BYTES_WANTED | IDS_BYTES_DECIDED)))
		return;
	if (length < total)
		flags |= IDS_BYTES_TRUNCATED;
	if (io->flags & IDS_IO_GAP)
		flags |= IDS_BYTES_GAP;
	if (io->flags & IDS_IO_DATAGRAM)
		flags |= IDS_BYTES_PACKET;
	ids_bytes_write(pkt, io, type | flags << IDS_BYTES_WHAT_FLAGS | from << IDS_BYTES_WHAT_FROM, length, total);
}

#endif
