/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The one exit: carries out the decision, unless in monitor mode, raises its events and counts it exactly once. */
#ifndef IDS_VERDICT_H
#define IDS_VERDICT_H

#include "events.h"
#include "reject.h"

static __always_inline void ids_count_verdict(const struct ids_packet *pkt, bool would)
{
	__u32 key = pkt->reason;
	struct ids_verdict_count *count = bpf_map_lookup_elem(&ids_verdicts, &key);

	if (!count)
		return;
	count->packets++;
	count->bytes += pkt->frame_len;
	if (would)
		count->would++;
}

static __always_inline int ids_exit(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	bool would = false;
	int action = XDP_PASS;

	if (pkt->verdict != IDS_VERDICT_PASS) {
		action = pkt->verdict == IDS_VERDICT_REJECT ? ids_reject(ctx, hook, pkt, pkt->sides) : XDP_DROP;
		/* Monitor mode is this bit. */
		would = pkt->control & IDS_CONTROL_MONITOR;
		if (would) {
			pkt->event_flags |= IDS_EVENT_WOULD;
			action = XDP_PASS;
		}
	} else if (pkt->reason == IDS_REASON_CLEAN && pkt->malformed) {
		pkt->reason = IDS_REASON_MALFORMED;
	}
	if (pkt->event_type || pkt->matches || pkt->event_flags & IDS_EVENT_NEED_REJECT)
		ids_raise(ctx, hook, pkt);
	ids_count_verdict(pkt, would);
	return action;
}

#endif
