/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The flow table: which entry a packet belongs to. Buckets of IDS_FLOW_WAYS entries by a keyed hash, found by a line of
 * tags; places are taken by compare-and-swap of the id, and nothing is locked.
 */
#ifndef IDS_FLOW_TABLE_H
#define IDS_FLOW_TABLE_H

#include "clock.h"
#include "classify.h"

/* Tags of a bucket: half a cache line, so that a packet that belongs to no flow touches no entry. */
struct ids_flow_line {
	__u32 tag[IDS_FLOW_WAYS];
};

/* Written by the flow stage alone. One entry is a bucket; the size is set by the loader, a power of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_FLOW_BUCKETS);
	__type(key, __u32);
	__type(value, struct ids_flow_line);
} ids_flow_tags SEC(".maps");

/* The entries, IDS_FLOW_WAYS a bucket. Written by the kernel, read by the engine through a memory map. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_FLOW_BUCKETS *IDS_FLOW_WAYS);
	__type(key, __u32);
	__type(value, struct ids_flow);
	__uint(map_flags, BPF_F_MMAPABLE);
} ids_flows SEC(".maps");

/* What the engine orders about the flow of the same index. Written by the engine, read by the lists stage. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_FLOW_BUCKETS *IDS_FLOW_WAYS);
	__type(key, __u32);
	__type(value, struct ids_flow_orders);
	__uint(map_flags, BPF_F_MMAPABLE);
} ids_flow_orders SEC(".maps");

/* Flow ids that a CPU has given out. Written by the flow stage alone. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids_flow_ids SEC(".maps");

/* Bits of a flow id that name the CPU; with those above them an id stays an exact number in JavaScript. */
#define IDS_FLOW_CPU_BITS 12

/* The key of an entry as it lies behind its id: addresses, ports, protocol, layer and VLAN. */
struct ids_tuple {
	__u64 addr[4];
	__u64 rest;
};

_Static_assert(__builtin_offsetof(struct ids_flow, start) - __builtin_offsetof(struct ids_flow, addr) ==
		       sizeof(struct ids_tuple),
	       "a tuple is what lies between id and start");

/* What is read of the kernel's own structure: a map that an earlier run has pinned may have another size. */
struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));

static __always_inline __u32 ids_flow_buckets(void)
{
	return ((struct bpf_map *)&ids_flow_tags)->max_entries;
}

static __always_inline struct ids_flow *ids_flow_at(__u32 index)
{
	return bpf_map_lookup_elem(&ids_flows, &index);
}

/* Whether (address, port) of the source come second in the canonical order. Addresses as four words of the wire. */
static __always_inline bool ids_tuple_order(__u64 source0, __u64 source1, __u64 target0, __u64 target1, __be16 sport,
					    __be16 dport)
{
	if (source0 != target0)
		return bpf_be64_to_cpu(source0) > bpf_be64_to_cpu(target0);
	if (source1 != target1)
		return bpf_be64_to_cpu(source1) > bpf_be64_to_cpu(target1);
	return bpf_ntohs(sport) > bpf_ntohs(dport);
}

/*
 * Makes the key of a packet; returns whether its source comes second. Addresses are two halves each, as they lie in
 * union ids_address; `kind` is protocol, layer << 8 and VLAN id << 16.
 */
static __always_inline bool ids_tuple_make(struct ids_tuple *tuple, __u64 source0, __u64 source1, __u64 target0,
					   __u64 target1, __be16 sport, __be16 dport, __u32 kind)
{
	bool swapped = ids_tuple_order(source0, source1, target0, target1, sport, dport);
	__u32 ports = swapped ? dport | (__u32)sport << 16 : sport | (__u32)dport << 16;

	tuple->addr[0] = swapped ? target0 : source0;
	tuple->addr[1] = swapped ? target1 : source1;
	tuple->addr[2] = swapped ? source0 : target0;
	tuple->addr[3] = swapped ? source1 : target1;
	tuple->rest = ports | (__u64)kind << 32;
	return swapped;
}

/* Protocol, layer and VLAN of a packet, as ids_tuple_make() takes them. */
static __always_inline __u32 ids_flow_kind(const struct ids_packet *pkt)
{
	return pkt->proto | pkt->layer << 8 | (__u32)pkt->vlan[0] << 16;
}

/* The second half of an IPv4 address as ::ffff:a.b.c.d; the first one is 0. */
static __always_inline __u64 ids_half4(__be32 address)
{
	return (__u64)address << 32 | bpf_htonl(0xffff);
}

/*
 * Multilinear hashing over 32-bit words with a word of key each: of two keys that differ, whatever they are, one in 2^32
 * pairs of hashes is the same, so nobody who does not know the key can aim at a bucket. IPv4 leaves out what is constant.
 */
static __always_inline __u32 ids_tuple_hash(const struct ids_control *control, const struct ids_tuple *tuple,
					    bool version6)
{
	const __u64 *key = control->flow_key;
	__u64 hash = key[0] + key[1] * (tuple->addr[1] >> 32) + key[2] * (tuple->addr[3] >> 32) +
		     key[3] * (__u32)tuple->rest + key[4] * (tuple->rest >> 32);

	if (version6)
		hash += key[5] * (__u32)tuple->addr[0] + key[6] * (tuple->addr[0] >> 32) +
			key[7] * (__u32)tuple->addr[1] + key[8] * (__u32)tuple->addr[2] +
			key[9] * (tuple->addr[2] >> 32) + key[10] * (__u32)tuple->addr[3];
	/* Ports one behind the other would stand in buckets at equal distances. */
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
	return hash >> 32;
}

/* 0 is a place that was never used. */
static __always_inline __u32 ids_flow_tag(__u32 hash)
{
	return hash ? hash : 1;
}

/* Whether an entry has this key. The id is asked behind it: an entry that is being written belongs to nobody. */
static __always_inline bool ids_flow_is(const struct ids_flow *flow, const struct ids_tuple *tuple)
{
	const volatile __u64 *key = (const volatile __u64 *)flow->addr;

	return key[3] == tuple->addr[3] && key[1] == tuple->addr[1] && key[4] == tuple->rest &&
	       key[0] == tuple->addr[0] && key[2] == tuple->addr[2] &&
	       *(const volatile __u64 *)&flow->id > IDS_FLOW_BUSY;
}

/* The entry of a key, and its index; null if there is none. */
static __always_inline struct ids_flow *ids_flow_find(const struct ids_tuple *tuple, __u32 hash, __u32 *index)
{
	__u32 bucket = hash & (ids_flow_buckets() - 1), hits = 0, tag = ids_flow_tag(hash);
	const struct ids_flow_line *line = bpf_map_lookup_elem(&ids_flow_tags, &bucket);
	int n;

	if (!line)
		return 0;
#pragma unroll
	for (n = 0; n < IDS_FLOW_WAYS; n++)
		/* The difference minus one is negative only if there is none. */
		hits |= (((__u64)(line->tag[n] ^ tag) - 1) >> 63) << n;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_FLOW_WAYS; n++) {
		__u32 at;
		struct ids_flow *flow;

		if (!hits)
			return 0;
		at = bucket * IDS_FLOW_WAYS + (ids_lowest(hits) & (IDS_FLOW_WAYS - 1));
		hits &= hits - 1;
		flow = ids_flow_at(at);
		if (flow && ids_flow_is(flow, tuple)) {
			*index = at;
			return flow;
		}
	}
	return 0;
}

/* Nanoseconds without a packet after which a flow is over. */
static __always_inline __u64 ids_flow_idle(const struct ids_control *control, const struct ids_flow *flow)
{
	__u32 state = flow->state, kind;

	if (flow->proto == IPPROTO_TCP)
		kind = state < IDS_FLOW_ESTABLISHED ? IDS_TIMEOUT_TCP_NEW
		       : state == IDS_FLOW_CLOSED   ? IDS_TIMEOUT_TCP_CLOSED
						    : IDS_TIMEOUT_TCP_ESTABLISHED;
	else if (flow->proto == IPPROTO_UDP)
		kind = state < IDS_FLOW_ESTABLISHED ? IDS_TIMEOUT_UDP_NEW : IDS_TIMEOUT_UDP_ESTABLISHED;
	else
		kind = state < IDS_FLOW_ESTABLISHED ? IDS_TIMEOUT_OTHER_NEW : IDS_TIMEOUT_OTHER_ESTABLISHED;
	return control->timeout[kind & (IDS_TIMEOUTS - 1)] * IDS_SECOND;
}

/* Whether the clock went on since the last packet of the flow. Those of two CPUs are some milliseconds apart. */
static __always_inline bool ids_flow_ticked(const struct ids_flow *flow, __u64 now)
{
	return (__s64)(now - flow->last) > 0;
}

/* Whether the flow of an entry is over. Another CPU's `last` may lie a little ahead of ours. */
static __always_inline bool ids_flow_expired(const struct ids_control *control, const struct ids_flow *flow, __u64 now)
{
	return (__s64)(now - flow->last) > (__s64)ids_flow_idle(control, flow);
}

static __always_inline void ids_flow_flag(struct ids_flow *flow, __u32 flag)
{
	__sync_fetch_and_or((__u32 *)&flow->state, flag << 16);
}

/* From one state to another, unless a packet on another CPU was faster; what it has set beside stays. */
static __always_inline bool ids_flow_turn(struct ids_flow *flow, __u32 from, __u32 to, __u32 end)
{
	__u32 *word = (__u32 *)&flow->state;
	int n;

#pragma unroll
	for (n = 0; n < 3; n++) {
		__u32 old = *(volatile __u32 *)word;

		if ((old & 0xff) != from)
			return false;
		if (__sync_val_compare_and_swap(word, old, (old & 0xffff0000) | end << 8 | to) == old)
			return true;
	}
	return false;
}

#endif
