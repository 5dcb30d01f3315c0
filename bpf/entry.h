/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The way of every packet through the stages to the one exit. */
#ifndef IDS_ENTRY_H
#define IDS_ENTRY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "export.h"
#include "packet.h"
#include "parse.h"
#include "flow.h"
#include "lists.h"
#include "rules.h"
#include "stream.h"
#include "handed.h"
#include "quic.h"
#include "verdict.h"
#include "flood.h"
#include "views.h"
#include "fast.h"
#include "judged.h"

/*
 * The stages over one IP layer, whose packet of ethertype `type` begins at pkt->l3: the frame's own, or one that it
 * carries.
 */
static __always_inline void ids_judge_layer(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, int type)
{
	__u8 app;

	ids_parse(ctx, hook, pkt, type);
	if (ids_flow(pkt) && hook == IDS_HOOK_XDP && ids_flow_may_ask(pkt) && ids_established(ctx, hook, pkt))
		ids_flow_prove(pkt);
	if (pkt->refused)
		ids_l7_refused(pkt);
	ids_judge_lists(pkt);
	if (pkt->verdict == IDS_VERDICT_PASS && pkt->reason != IDS_REASON_RULE_PASS)
		ids_judge_rules(pkt, false);
	app = pkt->app;
	/* A pass rule ends the judging of this packet; the payload of a tunnel is the packet that is judged next. */
	if (!pkt->inner && pkt->reason != IDS_REASON_RULE_PASS) {
		if (ids_l7_wanted(pkt))
			ids_stream(ctx, hook, pkt);
		else if (ids_dns_wanted(pkt))
			ids_dns_datagram(ctx, hook, pkt);
		if (ids_quic_wanted(pkt))
			ids_quic(ctx, hook, pkt);
		if (ids_payload_wanted(pkt))
			ids_payload_packet(ctx, hook, pkt);
		if (pkt->app != app && pkt->verdict == IDS_VERDICT_PASS)
			ids_judge_rules(pkt, true);
	}
	if (pkt->handed && pkt->verdict == IDS_VERDICT_PASS && pkt->reason != IDS_REASON_RULE_PASS)
		ids_hand_over(ctx, hook, pkt);
	ids_messages_settle(pkt);
	ids_flow_settle(pkt);
}

IDS_OUTLINE_WITH(ids_judge_view, (int type), (type))
{
	ids_judge_layer(ctx, hook, pkt, type);
	return 0;
}

/* Judges what else the frame is, as long as that may pass: each layer can be a fragment and a datagram. */
static __always_inline void ids_judge_views(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	int n;

#pragma clang loop unroll(disable)
	for (n = 0; n < 2 * IDS_LAYERS; n++) {
		int type = ids_next_view(ctx, hook, pkt);

		if (!type)
			break;
		ids_judge_view(ctx, hook, pkt, type);
	}
	if (pkt->reason == IDS_REASON_CLEAN)
		pkt->reason = pkt->judged;
}

/* Returns an XDP action, whatever the hook. */
static __always_inline int ids_judge(void *ctx, const enum ids_hook hook)
{
	struct ids_packet *pkt;
	int action;

	if (hook == IDS_HOOK_TC && ids_judged_before(ctx)) {
		ids_count(IDS_STAT_JUDGED_BEFORE);
		return XDP_PASS;
	}
	if (ids_fast(ctx, hook))
		return XDP_PASS;
	pkt = ids_open(ctx, hook);
	if (!pkt)
		return XDP_PASS;
	if (ids_flood(ctx, hook, pkt))
		return XDP_DROP;
	ids_judge_layer(ctx, hook, pkt, ids_parse_link(ctx, hook, pkt));
	ids_fast_note(pkt);
	if (pkt->fragment || pkt->inner)
		ids_judge_views(ctx, hook, pkt);
	action = ids_exit(ctx, hook, pkt);
	if (pkt->taken)
		ids_defrag_release(pkt);
	return action;
}

#endif
