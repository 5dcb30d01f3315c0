/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The entry: one XDP program. */
#include "entry.h"

SEC("xdp.frags")
int ids_xdp(struct xdp_md *ctx)
{
	return ids_judge(ctx, IDS_HOOK_XDP);
}

char ids_license[] SEC("license") = "Dual BSD/GPL";
