/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The lists stage: blocklist by source (by destination of what leaves), the two promises that win over it, and the flows that are cut. */
#ifndef IDS_LISTS_H
#define IDS_LISTS_H

#include "list4.h"
#include "list6.h"
#include "flow_table.h"

/* What the allowlist promises the packet's peer: bits of enum ids_allow_kind. Out of line: its key takes up stack. */
__noinline __u32 ids_allowed(const struct ids_packet *pkt)
{
	struct ids_prefix key = { .prefix = 128 };
	const struct ids_allow *allow;

	if (!pkt)
		return 0;
	__builtin_memcpy(key.addr, &pkt->peer, sizeof(key.addr));
	allow = bpf_map_lookup_elem(&ids_allowlist, &key);
	return allow ? allow->kind : 0;
}

/* Turns a drop into a pass if the operator's allowlist holds the peer; returns whether it does. */
static __always_inline bool ids_spared(struct ids_packet *pkt, __u32 allowed)
{
	if (!((allowed | pkt->spared) & IDS_ALLOW_OPERATOR))
		return false;
	pkt->verdict = IDS_VERDICT_PASS;
	pkt->reason = IDS_REASON_ALLOWLIST;
	pkt->decider = IDS_MAX_RULES;
	pkt->event_flags |= IDS_EVENT_ALLOWLISTED;
	return true;
}

/* Looks the peer up in the tables of its family. */
static __always_inline void ids_find(struct ids_packet *pkt, __u32 want)
{
	if (pkt->ip_version == 4)
		ids_list4_find(pkt, bpf_ntohl(pkt->peer.word[3]), want);
	else
		ids_list6_find(pkt, want);
}

/* What is done about the entry that was found. The allowlist is asked here: most packets are not listed. */
static __always_inline void ids_judge_entry(struct ids_packet *pkt)
{
	/* The promises are about drops: nobody is kept from being reported. */
	if (!(pkt->listed & IDS_ENTRY_ALERT)) {
		__u32 found = pkt->listed, allowed = ids_allowed(pkt);

		if (ids_spared(pkt, allowed)) {
			/* Alerts are still raised, as of rules. */
			ids_list_origin(pkt);
			pkt->event_type = IDS_EVENT_LISTED;
			return;
		}
		if (allowed & IDS_ALLOW_EXEMPT && !(pkt->listed & IDS_ENTRY_FORCED)) {
			ids_count(IDS_STAT_EXEMPTED);
			/* Behind an entry that is not forced there may be one that is. */
			pkt->listed = 0;
			ids_find(pkt, IDS_ENTRY_FORCED);
			/* Or one that only reports. */
			if (!pkt->listed)
				ids_find(pkt, IDS_ENTRY_ALERT);
			if (!pkt->listed) {
				/* Nothing acts, but it is there: the flow must not remember that no list names it. */
				pkt->listed = found;
				return;
			}
		}
	}
	ids_list_origin(pkt);
	ids_list_hit(pkt);
	if (pkt->listed & IDS_ENTRY_ALERT) {
		pkt->event_type = IDS_EVENT_LISTED;
		return;
	}
	pkt->verdict = IDS_VERDICT_DROP;
	pkt->reason = IDS_REASON_BLOCKLIST;
	pkt->event_type = IDS_EVENT_BLOCKED;
}

static __always_inline void ids_judge_blocklist(struct ids_packet *pkt)
{
	if (!pkt->looked)
		ids_find(pkt, 0);
	if (pkt->expired)
		ids_count(IDS_STAT_EXPIRED_HITS);
	if (pkt->listed)
		ids_judge_entry(pkt);
}

/*
 * Drops what is left of a flow of which the engine has ordered it, or a rule has dropped a packet; an order, or a rule that
 * passed the flow, can also say that no rule is asked any more.
 */
static __always_inline void ids_judge_flow(struct ids_packet *pkt)
{
	__u32 index = pkt->flow;
	const struct ids_flow_orders *orders = bpf_map_lookup_elem(&ids_flow_orders, &index);
	struct ids_flow *flow = ids_flow_at(index);
	__u32 order = orders && orders->id == pkt->flow_id ? orders->order : 0;

	if (!flow || !(order || flow->flags & (IDS_FLOW_DROPPED | IDS_FLOW_PASSED)))
		return;
	if (order & IDS_ORDER_PASS || flow->flags & IDS_FLOW_PASSED) {
		pkt->reason = IDS_REASON_RULE_PASS;
		return;
	}
	if (ids_spared(pkt, ids_allowed(pkt)))
		return;
	pkt->verdict = IDS_VERDICT_DROP;
	pkt->reason = IDS_REASON_FLOW_DROP;
	pkt->event_type = IDS_EVENT_CUT;
	if (!order) {
		/* Whichever side goes on has not heard of it. */
		if (flow->flags & IDS_FLOW_REJECTED) {
			pkt->verdict = IDS_VERDICT_REJECT;
			pkt->sides = IDS_RULE_REJECT_SRC;
		}
		return;
	}
	pkt->reason = IDS_REASON_FLOW_CUT;
	if (order & IDS_ORDER_REJECT) {
		pkt->verdict = IDS_VERDICT_REJECT;
		pkt->sides = IDS_RULE_REJECT_SRC;
	}
	/* From here on the entry stays as it is. */
	if (!(flow->flags & IDS_FLOW_DROPPED)) {
		flow->sid = orders->sid;
		ids_flow_flag(flow, IDS_FLOW_DROPPED);
	}
}

/*
 * Drops packets of a flow that the engine has cut. Where the rule rejects they are answered: by now the peer may have
 * received more than the engine's own answer says, and what a later packet acknowledges is where it stands.
 * Kept out of line: nothing is cut most of the time.
 */
__noinline int ids_judge_cuts(struct ids_packet *pkt)
{
	struct ids_cut_key key = {};
	const struct ids_cut *cut;
	bool swapped;

	if (!pkt)
		return 0;
	swapped = ids_tuple_order(pkt->saddr.half[0], pkt->saddr.half[1], pkt->daddr.half[0], pkt->daddr.half[1],
				  pkt->sport, pkt->dport);
	__builtin_memcpy(key.addr[0], swapped ? &pkt->daddr : &pkt->saddr, sizeof(key.addr[0]));
	__builtin_memcpy(key.addr[1], swapped ? &pkt->saddr : &pkt->daddr, sizeof(key.addr[1]));
	key.port[0] = swapped ? pkt->dport : pkt->sport;
	key.port[1] = swapped ? pkt->sport : pkt->dport;
	key.proto = pkt->proto;
	cut = bpf_map_lookup_elem(&ids_cuts, &key);
	if (!cut || (cut->expires && ids_coarse(pkt) >= cut->expires * IDS_SECOND) || ids_spared(pkt, ids_allowed(pkt)))
		return 0;
	pkt->verdict = IDS_VERDICT_DROP;
	pkt->reason = IDS_REASON_FLOW_CUT;
	pkt->event_type = IDS_EVENT_CUT;
	if (cut->flags & IDS_CUT_REJECT) {
		pkt->verdict = IDS_VERDICT_REJECT;
		pkt->sides = IDS_RULE_REJECT_SRC;
	}
	return 0;
}

static __always_inline void ids_judge_lists(struct ids_packet *pkt)
{
	if (!pkt->ip_version)
		return;
	ids_judge_blocklist(pkt);
	if (pkt->flow_id && pkt->verdict == IDS_VERDICT_PASS)
		ids_judge_flow(pkt);
	if (pkt->control & IDS_CONTROL_CUTS && pkt->verdict == IDS_VERDICT_PASS && !pkt->malformed)
		ids_judge_cuts(pkt);
}

#endif
