/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The programs: one judges what comes in, one what leaves, and one hands over what waits in flows that are over. */
#include <linux/pkt_cls.h>
#include "entry.h"
#include "unfinished.h"

SEC("xdp.frags")
int ids_xdp(struct xdp_md *ctx)
{
	return ids_judge(ctx, IDS_HOOK_XDP);
}

/* What passes goes on to other programs of the interface. */
SEC("tc")
int ids_egress(struct __sk_buff *skb)
{
	return ids_judge(skb, IDS_HOOK_TC) == XDP_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* Run by the engine alone. */
SEC("xdp")
int ids_unfinished_xdp(struct xdp_md *ctx)
{
	ids_unfinished(ctx);
	return XDP_DROP;
}

char ids_license[] SEC("license") = "Dual BSD/GPL";
