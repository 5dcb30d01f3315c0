/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whether a record of the bulk ring wakes the reader. An interrupt and a switch of threads for each record cost more than
 * the record: who reads tells when it sleeps, and what nobody is in a hurry for waits until it looks by itself.
 */
#ifndef IDS_WAKE_H
#define IDS_WAKE_H

#include "packet.h"

/* Flags for bpf_ringbuf_submit() of a record that was reserved before. `urgent`: somebody acts on it. */
static __always_inline __u64 ids_wake(struct ids_packet *pkt, bool urgent)
{
	const struct ids_reader *reader;
	__u32 zero = 0;

	reader = bpf_map_lookup_elem(&ids_reader, &zero);
	/* Either the reader sees the reservation, or its sleep is seen here: a full barrier on every architecture. */
	__sync_fetch_and_add(&pkt->fence, 1);
	if (reader && *(const volatile __u32 *)&reader->sleep > (urgent ? IDS_SLEEP_NONE : IDS_SLEEP_NAP))
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

#endif
