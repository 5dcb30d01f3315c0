/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What rules could need of a flow beyond its headers: asked once a flow and direction, by addresses and ports. */
#ifndef IDS_INSPECT_H
#define IDS_INSPECT_H

#include "rules.h"

static long ids_inspect_candidate(__u32 index, void *data)
{
	struct ids_walk *walk = data;
	struct ids_packet *pkt = walk->pkt;
	const struct ids_rule *rule;
	__u64 live = pkt->live, bits;
	__u32 word;

	(void)index;
	if (!live)
		return 1;
	word = ids_lowest(live) & (IDS_RULE_WORDS - 1);
	bits = pkt->candidate[word];
	if (bits) {
		rule = &walk->set->rule[word * 64 + (ids_lowest(bits) & 63)];
		bits &= bits - 1;
		pkt->candidate[word] = bits;
		if (ids_conditions_hold(pkt, rule))
			walk->last |= rule->flags;
	}
	if (!bits)
		pkt->live = live & (live - 1);
	return 0;
}

/* Bits of enum ids_inspect for the flow of this packet, in its direction. */
__noinline int ids_inspect(struct ids_packet *pkt)
{
	struct ids_walk walk = { .pkt = pkt };

	if (!pkt)
		return 0;
	walk.set = ids_ruleset(pkt);
	if (!walk.set || !walk.set->rules)
		return 0;
	ids_candidates(pkt, walk.set, walk.set->inspect[pkt->proto_key == IPPROTO_UDP]);
	if (pkt->live)
		ids_address_candidates(pkt, walk.set);
	if (pkt->live)
		bpf_loop(IDS_MAX_RULES, ids_inspect_candidate, &walk, 0);
	return (walk.last >> (pkt->direction & 1) & 1 ? IDS_INSPECT_PAYLOAD : 0) |
	       (walk.last & IDS_INSPECT_FLAG_MESSAGES ? IDS_INSPECT_MESSAGES : 0) |
	       (walk.last & (pkt->direction & 1 ? IDS_INSPECT_FLAG_RESPONSES : IDS_INSPECT_FLAG_REQUESTS)
			? IDS_INSPECT_HEADS
			: 0);
}

#endif
