/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The passes over a section, without packets around it: for what they cost, and for tests that compare them byte by byte.
 * A frame is an Ethernet header, struct bench_order, then the section.
 */
#include "entry.h"

#define BENCH_AT (14 + sizeof(struct bench_order))

struct bench_order {
	__u8 start; /* state of the structure automaton; 0: without that pass */
	__u8 judge; /* 1: patterns are looked for; else the region that all bytes are the buffer of */
	__u16 step; /* bytes that come at once; 0: all */
};

/* What the last run made of its section. Written by the program, read by the benchmark and by tests. */
struct bench_result {
	__u32 returned;
	__u32 length;
	__u32 scanned;
	__u32 edges;
	__u32 crowded;
	__u32 odd;
	__u32 hits;
	__u32 wanted;
	__u32 decided;
	__u32 told;
	__u16 rule[IDS_DECIDED];
	__u16 hit[IDS_HITS];
	__u32 edge[IDS_EDGES];
	__u64 word[IDS_RULE_WORDS]; /* positions of rules whose contents were found */
	__u8 bytes[IDS_SECTION_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_result);
} bench_result SEC(".maps");

const volatile __u32 bench_report = 1;

struct bench_walk {
	struct ids_packet *pkt;
	struct ids_io *io;
	__u32 total;
	__u32 start;
	__u32 step;
	__u32 judge;
	int returned;
};

static long bench_step(__u32 index, void *data)
{
	struct bench_walk *walk = data;

	__u32 from = walk->io->length;

	if (from >= walk->total || walk->returned)
		return 1;
	walk->io->length += walk->step;
	if (walk->io->length > walk->total)
		walk->io->length = walk->total;
	if (walk->start)
		walk->returned = ids_structure_pass(walk->io, walk->start);
	if (walk->judge == 1)
		ids_patterns_pass(walk->pkt, walk->io);
	else if (walk->judge)
		ids_pattern_span(walk->pkt, walk->io, walk->judge, from, walk->io->length, index == 0,
				 walk->io->length == walk->total);
	return 0;
}

SEC("xdp.frags")
int bench_layer7(struct xdp_md *ctx)
{
	__u32 zero = 0, total = bpf_xdp_get_buff_len(ctx) - BENCH_AT;
	struct bench_result *result = bpf_map_lookup_elem(&bench_result, &zero);
	struct ids_packet *pkt = ids_open(ctx, IDS_HOOK_XDP);
	struct ids_pattern_room *room = bpf_map_lookup_elem(&ids_pattern_scratch, &zero);
	struct ids_io *io = ids_io();
	struct bench_order order;
	struct bench_walk walk = { .pkt = pkt, .io = io };

	barrier_var(total);
	if (!result || !io || !pkt || !room || total == 0 || total > IDS_SECTION_MAX)
		return XDP_ABORTED;
	if (bpf_xdp_load_bytes(ctx, 14, &order, sizeof(order)) || bpf_xdp_load_bytes(ctx, BENCH_AT, io->bytes, total))
		return XDP_ABORTED;
	ids_io_begin(io, 0, 0);
	room->live = 0;
	walk.total = total;
	walk.start = order.start;
	walk.step = order.step ? order.step : total;
	walk.judge = order.judge;
	pkt->proto_key = pkt->proto = IPPROTO_TCP;
	if (order.start || order.judge)
		bpf_loop(IDS_SECTION_MAX, bench_step, &walk, 0);
	if (!bench_report)
		return XDP_PASS;
	result->returned = walk.returned;
	result->length = io->length;
	result->scanned = io->scanned;
	result->edges = io->edges;
	result->crowded = io->crowded;
	result->odd = io->odd;
	result->hits = io->hits;
	result->wanted = io->wanted;
	result->decided = io->decided;
	result->told = io->told;
	bpf_probe_read_kernel(result->rule, sizeof(result->rule), io->rule);
	bpf_probe_read_kernel(result->hit, sizeof(result->hit), io->hit);
	bpf_probe_read_kernel(result->edge, sizeof(result->edge), io->edge);
#pragma clang loop unroll(disable)
	for (__u32 n = 0; n < IDS_RULE_WORDS; n++)
		result->word[n] = room->live >> n & 1 ? room->word[n] : 0;
	bpf_probe_read_kernel(result->bytes, sizeof(result->bytes), io->bytes);
	return XDP_PASS;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
