/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a look into the blocklist costs: each run writes the next of many sources into the frame, reads its headers as the
 * real program does, then looks the source up in one of several structures, or takes the whole way through the stages.
 */
#include "entry.h"

enum bench_mode {
	BENCH_FLOOR = 0, /* parse and drop */
	BENCH_LIST = 1,  /* the blocklist with expiry check and hit counters */
	BENCH_TRIE = 2,  /* the kernel's LPM trie, likewise */
	BENCH_HASH = 3,  /* the kernel's hash of whole addresses, likewise */
	BENCH_WHOLE = 4, /* every stage */
};

const volatile __u32 bench_mode = BENCH_FLOOR;

#define BENCH_SOURCES (1 << 19)

/* Sources in the order of their use: IPv4 in the first word, in the order of the wire. */
struct bench_source {
	__be32 word[4];
};

struct bench_value {
	__u32 expires;
	__u32 pad;
	__u64 packets;
	__u64 last_seen;
};

struct bench_prefix4 {
	__u32 prefix;
	__be32 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_SOURCES);
	__type(key, __u32);
	__type(value, struct bench_source);
	__uint(map_flags, BPF_F_MMAPABLE);
} bench_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 2000000);
	__type(key, struct bench_prefix4);
	__type(value, struct bench_value);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} bench_trie4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 500000);
	__type(key, struct ids_prefix);
	__type(value, struct bench_value);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} bench_trie6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000000);
	__type(key, __u32);
	__type(value, struct bench_value);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} bench_hash4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 200000);
	__type(key, struct bench_source);
	__type(value, struct bench_value);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} bench_hash6 SEC(".maps");

/* Runs so far, and how many of them found their source. Written by the program, read by the benchmark. */
struct bench_state {
	__u64 next;
	__u64 found;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_state);
} bench_state SEC(".maps");

static __always_inline bool bench_hit(struct ids_packet *pkt, struct bench_value *value)
{
	if (!value || (value->expires && ids_now(pkt) / IDS_SECOND >= value->expires))
		return false;
	__sync_fetch_and_add(&value->packets, 1);
	value->last_seen = ids_now(pkt);
	return true;
}

static __always_inline bool bench_trie(struct ids_packet *pkt)
{
	struct ids_prefix key6 = { .prefix = 128 };
	struct bench_prefix4 key4 = { .prefix = 32, .addr = pkt->saddr.word[3] };

	if (pkt->ip_version == 4)
		return bench_hit(pkt, bpf_map_lookup_elem(&bench_trie4, &key4));
	__builtin_memcpy(key6.addr, &pkt->saddr, sizeof(key6.addr));
	return bench_hit(pkt, bpf_map_lookup_elem(&bench_trie6, &key6));
}

static __always_inline bool bench_hash(struct ids_packet *pkt)
{
	__u32 key = pkt->saddr.word[3];

	if (pkt->ip_version == 4)
		return bench_hit(pkt, bpf_map_lookup_elem(&bench_hash4, &key));
	return bench_hit(pkt, bpf_map_lookup_elem(&bench_hash6, &pkt->saddr));
}

static __always_inline bool bench_list(struct ids_packet *pkt)
{
	ids_find(pkt, 0);
	if (!pkt->listed)
		return false;
	ids_list_origin(pkt);
	ids_list_hit(pkt);
	return true;
}

/* Writes the next source into the frame; false if it is no frame of ours. */
static __always_inline bool bench_prepare(struct xdp_md *ctx, struct bench_state *state)
{
	__u32 index = state->next++ & (BENCH_SOURCES - 1);
	const struct bench_source *source = bpf_map_lookup_elem(&bench_sources, &index);
	__u8 *data = (void *)(long)ctx->data;

	if (!source || data + 14 + 40 > (__u8 *)(long)ctx->data_end)
		return false;
	if (data[12] == 0x08)
		__builtin_memcpy(data + 14 + 12, source, 4);
	else
		__builtin_memcpy(data + 14 + 8, source, 16);
	return true;
}

SEC("xdp.frags")
int bench_lookup(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct bench_state *state = bpf_map_lookup_elem(&bench_state, &zero);
	struct ids_packet *pkt;
	bool found = false;
	int verdict;

	if (!state || !bench_prepare(ctx, state))
		return XDP_ABORTED;
	if (bench_mode == BENCH_WHOLE) {
		verdict = ids_judge(ctx, IDS_HOOK_XDP);
		state->found += verdict == XDP_DROP;
		return verdict;
	}
	pkt = ids_open(ctx, IDS_HOOK_XDP);
	if (!pkt)
		return XDP_ABORTED;
	ids_parse(ctx, IDS_HOOK_XDP, pkt, ids_parse_link(ctx, IDS_HOOK_XDP, pkt));
	if (bench_mode == BENCH_LIST)
		found = bench_list(pkt);
	else if (bench_mode == BENCH_TRIE)
		found = bench_trie(pkt);
	else if (bench_mode == BENCH_HASH)
		found = bench_hash(pkt);
	state->found += found;
	return XDP_DROP;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
