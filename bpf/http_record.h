/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of header sections: what the engine gets, written to the bulk ring in parts, without another copy. */
#ifndef IDS_HTTP_RECORD_H
#define IDS_HTTP_RECORD_H

#include "bulk.h"

/* Bytes of the record of a section of `length` bytes. */
static __always_inline __u32 ids_http_size(const struct ids_io *io, __u32 length)
{
	__u32 masked = io->masked < IDS_MASKED ? io->masked : IDS_MASKED;
	__u32 hits = io->hits < IDS_HITS ? io->hits : IDS_HITS;
	__u32 edges = io->edges < IDS_EDGES ? io->edges : IDS_EDGES;

	return sizeof(struct ids_http) + (length + 7) / 8 * 8 + masked * sizeof(struct ids_masked) +
	       (hits + 1) / 2 * 4 + edges * 4;
}

/* Writes the record to memory that has room for it, in parts. Returns 0 if there is none. */
static __always_inline int ids_http_fill(struct ids_packet *pkt, struct ids_io *io, __u32 length, __u32 flags,
					 struct bpf_dynptr *record)
{
	__u32 masked = io->masked < IDS_MASKED ? io->masked : IDS_MASKED;
	__u32 hits = io->hits < IDS_HITS ? io->hits : IDS_HITS;
	__u32 edges = io->edges < IDS_EDGES ? io->edges : IDS_EDGES;
	struct ids_http *head = bpf_dynptr_data(record, 0, sizeof(*head));
	__u32 at = sizeof(*head) + (length + 7) / 8 * 8;
	const __u64 zero = 0;

	if (!head)
		return 0;
	ids_event_fill(pkt, &head->event);
	head->event.type = IDS_EVENT_HTTP;
	head->length = length;
	head->flags = flags | (io->hidden || masked ? IDS_HTTP_REDACTED : 0);
	head->message = io->message.number;
	head->section = io->length > length ? length : io->length;
	head->latency_us = io->message.latency_us;
	head->status = io->message.status;
	head->masked = masked;
	head->hits = hits;
	head->edges = edges;
	head->decided = io->decided < 255 ? io->decided : 255;
	__builtin_memcpy(head->rule, io->rule, sizeof(head->rule));
	head->pad = 0;
	head->told = io->told;
	bpf_dynptr_write(record, sizeof(*head), io->bytes, length, 0);
	if (length % 8)
		bpf_dynptr_write(record, sizeof(*head) + length, (void *)&zero, 8 - length % 8, 0);
	if (masked) {
		bpf_dynptr_write(record, at, io->mask, masked * sizeof(struct ids_masked), 0);
		at += masked * sizeof(struct ids_masked);
	}
	if (hits) {
		bpf_dynptr_write(record, at, io->hit, (hits + 1) / 2 * 4, 0);
		at += (hits + 1) / 2 * 4;
	}
	if (edges)
		bpf_dynptr_write(record, at, io->edge, edges * 4, 0);
	return 1;
}

/* Writes the first `length` bytes of the section, masked by now, as a record with these enum ids_http_flag. */
__noinline int ids_http_emit(struct ids_packet *pkt, struct ids_io *io, __u32 length, __u32 flags)
{
	struct bpf_dynptr record;

	if (!pkt || !io)
		return 0;
	barrier_var(length);
	if (length == 0 || length > IDS_SECTION_MAX)
		return 0;
	if (!ids_bulk_begin(&record, ids_http_size(io, length)))
		return 0;
	if (!ids_http_fill(pkt, io, length, flags, &record)) {
		bpf_ringbuf_discard_dynptr(&record, 0);
		return 0;
	}
	ids_bulk_end(pkt, &record, flags & (IDS_HTTP_WANTED | IDS_HTTP_DECIDED));
	return 1;
}

#endif
