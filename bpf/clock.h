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

#endif
