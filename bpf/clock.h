/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The one clock: boot time live, the capture's time in replay; read at most once a packet, and only if it is needed. */
#ifndef IDS_CLOCK_H
#define IDS_CLOCK_H

#include "packet.h"

#define IDS_SECOND 1000000000ULL

/* Set by the loader: now() is ids_control.clock, which the loader sets before each packet. */
const volatile bool ids_replay = false;

/* Nanoseconds of now(), the same for every stage of one packet. */
static __always_inline __u64 ids_now(struct ids_packet *pkt)
{
	if (!pkt->now) {
		const struct ids_control *control = ids_settings();

		pkt->now = ids_replay && control ? *(const volatile __u64 *)&control->clock : bpf_ktime_get_boot_ns();
	}
	return pkt->now;
}

/*
 * The same to a tick of the kernel (4 ms), for ends and times of lists: without the fence of a read of the counter, which
 * waits for every miss of the cache before it. The coarse clock stands still while the machine sleeps, so each CPU goes
 * back to the boot clock when a second has passed.
 */
static __always_inline __u64 ids_coarse(struct ids_packet *pkt)
{
	__u64 coarse;

	if (ids_replay || pkt->now)
		return ids_now(pkt);
	coarse = bpf_ktime_get_coarse_ns();
	if (coarse - pkt->anchor_coarse >= IDS_SECOND) {
		pkt->anchor = bpf_ktime_get_boot_ns();
		pkt->anchor_coarse = coarse;
	}
	return pkt->anchor + (coarse - pkt->anchor_coarse);
}

#endif
