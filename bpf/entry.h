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
#include "verdict.h"
#include "flood.h"

static __always_inline int ids_judge(struct xdp_md *ctx)
{
	struct ids_packet *pkt = ids_open(ctx);

	if (!pkt)
		return XDP_PASS;
	if (ids_flood(ctx, pkt))
		return XDP_DROP;
	ids_parse(ctx, pkt);
	ids_judge_lists(pkt);
	if (pkt->verdict == IDS_VERDICT_PASS)
		ids_judge_rules(pkt);
	/* A pass rule ends the judging of this packet. */
	if (pkt->reason != IDS_REASON_RULE_PASS && ids_http_wanted(pkt))
		ids_http(ctx, pkt);
	return ids_exit(ctx, pkt);
}

#endif
