/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What else one frame is: the datagram that its fragment completes, and the packets that a tunnel carries. */
#ifndef IDS_VIEWS_H
#define IDS_VIEWS_H

#include "defrag.h"
#include "events.h"
#include "parse.h"

/* Closes what was judged so far, which may pass: its events are raised, and what follows starts anew. */
static __always_inline void ids_turn(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();

	if (pkt->event_type || pkt->matches)
		ids_raise(ctx, hook, pkt);
	if (pkt->reason != IDS_REASON_CLEAN)
		pkt->judged = pkt->reason;
	else if (pkt->malformed && pkt->judged == IDS_REASON_CLEAN)
		pkt->judged = IDS_REASON_MALFORMED;
	/* Raising events has taken a bit away. */
	if (control)
		pkt->control = control->flags;
	ids_clear_decision(pkt);
}

/* Turns to the datagram with that index, which is complete. */
static __always_inline int ids_enter_datagram(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 index)
{
	const struct ids_fragment *fragment = ids_fragment();
	__u32 n = pkt->taken;

	if (fragment && n < IDS_LAYERS) {
		pkt->taken_index[n] = index;
		pkt->taken_key[n] = fragment->key;
		pkt->taken = n + 1;
	}
	ids_turn(ctx, hook, pkt);
	pkt->assembled = index + 1;
	pkt->sport = pkt->dport = 0;
	pkt->payload = pkt->payload_len = pkt->urgent = 0;
	pkt->field[IDS_FIELD_DECODE0] = pkt->field[IDS_FIELD_DECODE1] = 0;
	pkt->present &= (1u << IDS_FIELD_TCP_FLAGS) - 1 | 1u << IDS_FIELD_DECODE0 | 1u << IDS_FIELD_DECODE1 |
			1u << IDS_FIELD_VLAN_LAYERS | 1u << IDS_FIELD_VLAN_ID0 | 1u << IDS_FIELD_VLAN_ID1;
	pkt->ports = pkt->l4_read = pkt->fragment = pkt->malformed = false;
	return IDS_TYPE_DATAGRAM;
}

/* Turns to the next view of the packet, whose last one may pass; its type as ids_judge_layer() takes it, or less. */
IDS_OUTLINE(ids_next_view)
{
	if (pkt->verdict != IDS_VERDICT_PASS)
		return -1;
	if (pkt->fragment) {
		__u32 complete = ids_defrag(ctx, hook, pkt);

		return complete ? ids_enter_datagram(ctx, hook, pkt, complete - 1) : -1;
	}
	return -1;
}

#endif
