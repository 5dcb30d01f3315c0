/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Both ends of the live blocklist benchmark: the sender, which gives each frame the next of many sources, and the two
 * receivers that are nobody's product, a bare drop and a look into the kernel's LPM trie.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BENCH_SENDERS (1 << 19)

/* A source with the header checksum that goes with it, both in the order of the wire. */
struct bench_sender {
	__be32 addr;
	__be16 check;
	__u16 pad;
};

/* Written by the benchmark, read in turn by the sender. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_SENDERS);
	__type(key, __u32);
	__type(value, struct bench_sender);
	__uint(map_flags, BPF_F_MMAPABLE);
} bench_senders SEC(".maps");

struct bench_prefix4 {
	__u32 prefix;
	__be32 addr;
};

struct bench_block {
	__u32 expires;
	__u32 pad;
	__u64 packets;
};

/* What a blocklist in the kernel's own structure is: the expiry and the count of an entry as its value. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 2000000);
	__type(key, struct bench_prefix4);
	__type(value, struct bench_block);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} bench_trie SEC(".maps");

/* One core sends: nobody else counts here. */
static __u32 bench_next;

static __always_inline struct iphdr *bench_ip(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	return ip;
}

SEC("xdp")
int bench_send(struct xdp_md *ctx)
{
	__u32 index = bench_next++ & (BENCH_SENDERS - 1);
	const struct bench_sender *sender = bpf_map_lookup_elem(&bench_senders, &index);
	struct iphdr *ip = bench_ip(ctx);

	if (!sender || !ip)
		return XDP_ABORTED;
	ip->saddr = sender->addr;
	ip->check = sender->check;
	return XDP_TX;
}

SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp")
int bench_trie_drop(struct xdp_md *ctx)
{
	struct bench_prefix4 key = { .prefix = 32 };
	struct iphdr *ip = bench_ip(ctx);
	struct bench_block *block;

	if (!ip)
		return XDP_PASS;
	key.addr = ip->saddr;
	block = bpf_map_lookup_elem(&bench_trie, &key);
	if (!block || (block->expires && bpf_ktime_get_boot_ns() / 1000000000 >= block->expires))
		return XDP_PASS;
	__sync_fetch_and_add(&block->packets, 1);
	return XDP_DROP;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
