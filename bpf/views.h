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
	pkt->field[IDS_FIELD_DECODE0] = pkt->field[IDS_FIELD_DECODE1] = pkt->field[IDS_FIELD_DECODE2] = 0;
	pkt->present &= (1u << IDS_FIELD_TCP_FLAGS) - 1 | IDS_ALWAYS_PRESENT | 1u << IDS_FIELD_VLAN_LAYERS |
			1u << IDS_FIELD_VLAN_ID0 | 1u << IDS_FIELD_VLAN_ID1;
	pkt->ports = pkt->l4_read = pkt->fragment = pkt->malformed = false;
	return IDS_TYPE_DATAGRAM;
}

/* Turns to the packet that this one carries; its ethertype, less if what it is cannot be read, 0 if it is not IP. */
static __always_inline int ids_enter_inner(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	__u32 at = pkt->inner_at, vlan = pkt->inner_vlan;
	int type = pkt->inner;

	if (pkt->layer >= IDS_LAYERS - 1) {
		ids_count(IDS_STAT_TUNNELS_DEEP);
		return 0;
	}
	pkt->spared |= ids_allowed(pkt);
	ids_turn(ctx, hook, pkt);
	pkt->bound = pkt->end;
	ids_clear_headers(pkt);
	pkt->layer++;
	pkt->l3 = at;
	if (type == ETH_P_NSH)
		type = ids_parse_nsh(ctx, hook, pkt);
	else if (type == ETH_P_TEB)
		type = ids_parse_ethernet(ctx, hook, pkt, at);
	else
		type = ids_parse_tags(ctx, hook, pkt, at, type);
	if (vlan && pkt->vlans == IDS_VLANS) {
		ids_decode(pkt, IDS_DECODE_ERSPAN_VLANS);
	} else if (vlan) {
		pkt->vlan[1] = pkt->vlan[0];
		pkt->vlan[0] = vlan;
		pkt->vlans++;
		ids_set(pkt, IDS_FIELD_VLAN_ID0, vlan);
		if (pkt->vlans > 1)
			ids_set(pkt, IDS_FIELD_VLAN_ID1, pkt->vlan[1]);
		ids_set(pkt, IDS_FIELD_VLAN_LAYERS, pkt->vlans);
	}
	if (type >= 0 && type != ETH_P_IP && type != ETH_P_IPV6) {
		/* ARP and the like. */
		if (!(pkt->field[IDS_FIELD_DECODE1] | pkt->field[IDS_FIELD_DECODE2]))
			return 0;
		type = -1;
	}
	ids_count(IDS_STAT_TUNNELS);
	return type;
}

/*
 * Turns to the next view of the packet, whose last one may pass; its type as ids_judge_layer() takes it, or 0 if there is
 * none.
 */
IDS_OUTLINE(ids_next_view)
{
	if (pkt->verdict != IDS_VERDICT_PASS)
		return 0;
	if (pkt->fragment) {
		__u32 complete = ids_defrag(ctx, hook, pkt);

		return complete ? ids_enter_datagram(ctx, hook, pkt, complete - 1) : 0;
	}
	return pkt->inner ? ids_enter_inner(ctx, hook, pkt) : 0;
}

#endif
