/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The programs over one segment of a flow again and again, each time as the next one of it: its sequence number goes on by
 * its payload, as far as that is IPv4 without options and TCP with time stamps.
 */
#include <linux/pkt_cls.h>
#include "entry.h"
#include "unfinished.h"

#define BENCH_SEQ    (ETH_HLEN + 20 + 4)
#define BENCH_HEADER (ETH_HLEN + 20 + 32)

static __always_inline void bench_next(void *ctx, const enum ids_hook hook)
{
	__u8 *at = ids_frame_begin(ctx, hook), *end = ids_frame_end(ctx, hook);
	__be32 *seq = (__be32 *)(at + BENCH_SEQ);

	if (at + BENCH_HEADER > end)
		return;
	*seq = bpf_htonl(bpf_ntohl(*seq) + (__u32)(end - at) - BENCH_HEADER);
}

SEC("xdp.frags")
int ids_xdp(struct xdp_md *ctx)
{
	int action = ids_judge(ctx, IDS_HOOK_XDP);

	bench_next(ctx, IDS_HOOK_XDP);
	return action;
}

SEC("tc")
int ids_egress(struct __sk_buff *skb)
{
	int action = ids_judge(skb, IDS_HOOK_TC);

	bench_next(skb, IDS_HOOK_TC);
	return action == XDP_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("xdp")
int ids_unfinished_xdp(struct xdp_md *ctx)
{
	ids_unfinished(ctx);
	return XDP_DROP;
}

char ids_license[] SEC("license") = "Dual BSD/GPL";
