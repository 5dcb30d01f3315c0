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
#include "lists.h"
#include "rules.h"
#include "http.h"
#include "structure.h"
#include "verdict.h"
#include "flood.h"

/*
 * The stages over one IP layer, whose packet of ethertype `type` begins at pkt->l3: the frame's own, or one that it
 * carries.
 */
static __always_inline void ids_judge_layer(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, int type)
{
	ids_parse(ctx, hook, pkt, type);
	ids_judge_lists(pkt);
	if (pkt->verdict == IDS_VERDICT_PASS)
		ids_judge_rules(pkt);
	/* A pass rule ends the judging of this packet. */
	if (pkt->reason != IDS_REASON_RULE_PASS && ids_http_wanted(pkt))
		ids_http(ctx, hook, pkt);
}

/* Returns an XDP action, whatever the hook. */
static __always_inline int ids_judge(void *ctx, const enum ids_hook hook)
{
	struct ids_packet *pkt = ids_open(ctx, hook);

	if (!pkt)
		return XDP_PASS;
	if (ids_flood(ctx, hook, pkt))
		return XDP_DROP;
	ids_judge_layer(ctx, hook, pkt, ids_parse_link(ctx, hook, pkt));
	return ids_exit(ctx, hook, pkt);
}

#endif
