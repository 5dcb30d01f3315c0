/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of the bulk ring that are put together in the ring itself: how each begins and ends. */
#ifndef IDS_BULK_H
#define IDS_BULK_H

#include "l7_state.h"

/* Reserves a record of `size` bytes, which has to be submitted or discarded then; false, and counted, if there is no room. */
static __always_inline bool ids_bulk_begin(struct bpf_dynptr *record, __u32 size)
{
	if (!bpf_ringbuf_reserve_dynptr(&ids_bulk, size, 0, record))
		return true;
	bpf_ringbuf_discard_dynptr(record, 0);
	ids_count(IDS_STAT_BULK_LOST);
	return false;
}

/* The same, with its first `head` bytes to be written in place; null if there is nothing to submit. */
static __always_inline void *ids_bulk_open(struct bpf_dynptr *record, __u32 size, const __u32 head)
{
	void *at;

	if (!ids_bulk_begin(record, size))
		return 0;
	at = bpf_dynptr_data(record, 0, head);
	if (!at)
		bpf_ringbuf_discard_dynptr(record, 0);
	return at;
}

/* Submits it; `soon`: the engine judges it. */
static __always_inline void ids_bulk_end(struct ids_packet *pkt, struct bpf_dynptr *record, bool soon)
{
	bpf_ringbuf_submit_dynptr(record, ids_wake(pkt, soon));
	ids_count(IDS_STAT_BULK);
}

#endif
