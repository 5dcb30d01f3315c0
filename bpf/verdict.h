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

/* The engine's own answer to a reject: it must not be lost to what it is the answer to. */
static __always_inline bool ids_is_answer(struct __sk_buff *skb)
{
	const struct ids_control *control = ids_settings();
	__u64 cookie = control && (control->answers[0] | control->answers[1]) ? bpf_get_socket_cookie(skb) : 0;

	return cookie && (cookie == control->answers[0] || cookie == control->answers[1]);
}

static __always_inline void ids_let_through(struct ids_packet *pkt)
{
	pkt->verdict = IDS_VERDICT_PASS;
	pkt->reason = IDS_REASON_CLEAN;
	pkt->event_type = pkt->matches = 0;
}

static __always_inline int ids_exit(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	bool would = false;
	int action = XDP_PASS;

	if (hook == IDS_HOOK_TC && pkt->verdict != IDS_VERDICT_PASS && ids_is_answer(ctx))
		ids_let_through(pkt);
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
