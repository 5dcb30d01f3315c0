/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The table of the aggregates: which values were met how often. Places are taken by compare-and-swap; nothing is locked. */
#ifndef IDS_TOP_TABLE_H
#define IDS_TOP_TABLE_H

#include "http_select.h"
#include "siphash.h"

/*
 * Keys and counts. Written by layer 7 alone, read by the engine. 8,192 values, 131 KB: a value that finds its set full
 * takes the place of the one that was met least there, so that nobody who makes up values gets rid of those that count.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_TOP_SETS);
	__type(key, __u32);
	__type(value, struct ids_top_set);
} ids_top_sets SEC(".maps");

/* What else is known of them: 2.6 MB. Written by layer 7 alone, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_TOP_SETS *IDS_TOP_WAYS);
	__type(key, __u32);
	__type(value, struct ids_top);
} ids_top SEC(".maps");

/* The last place that bytes of a value may begin at: behind it lies all that is looked at of it. */
#define IDS_TOP_LAST (IDS_SECTION_MAX + IDS_SECTION_PAD - IDS_TOP_HASHED)

/* What the verifier is not to follow from one step to the next lies in io->own: here, and in the walk over header lines. */
enum ids_top_own {
	IDS_TOP_LENGTH = 6,
	IDS_TOP_WAY = 7,
};

/* The way of a set that a new value may have: free, of another epoch, or the one that was met least. */
static __always_inline __u32 ids_top_victim(struct ids_io *io, const struct ids_top_set *set, __u32 epoch)
{
	__u32 n;

	io->own[IDS_TOP_WAY] = 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_TOP_WAYS; n++) {
		/* What is in memory is read again, and not known. */
		barrier();
		__u64 key = *(volatile __u64 *)&set->key[n];

		if (key != IDS_TOP_BUSY && (!key || (key & IDS_TOP_EPOCH) != epoch)) {
			io->own[IDS_TOP_WAY] = n;
			break;
		}
		if (key != IDS_TOP_BUSY && set->count[n] < set->count[io->own[IDS_TOP_WAY] & (IDS_TOP_WAYS - 1)])
			io->own[IDS_TOP_WAY] = n;
	}
	return io->own[IDS_TOP_WAY] & (IDS_TOP_WAYS - 1);
}

/* A place in the table, and what says that it is still this value's. */
static __always_inline __u32 ids_top_place(__u32 line, __u32 way, __u64 key)
{
	return (line * IDS_TOP_WAYS + way + 1) | (__u32)(key >> 60) << 16;
}

/*
 * Gives a value its place in the set `line`: `what` is its kind, and where its bytes are << 8. Returns as ids_top_count().
 */
__noinline __u32 ids_top_enter(struct ids_io *io, __u64 key, __u32 line, __u32 index, __u32 what)
{
	struct ids_top_set *set = bpf_map_lookup_elem(&ids_top_sets, &line);
	__u32 from = what >> 8, way, at, n, length;
	struct ids_top *top;
	__u64 before;

	if (!io || !set)
		return 0;
	way = ids_top_victim(io, set, key & IDS_TOP_EPOCH);
	at = line * IDS_TOP_WAYS + way;
	before = *(volatile __u64 *)&set->key[way];
	top = bpf_map_lookup_elem(&ids_top, &at);
	if (!top || before == IDS_TOP_BUSY ||
	    __sync_val_compare_and_swap(&set->key[way], before, IDS_TOP_BUSY) != before) {
		ids_count(IDS_STAT_TOP_FULL);
		return 0;
	}
	if (before && (before & IDS_TOP_EPOCH) == (key & IDS_TOP_EPOCH))
		ids_count(IDS_STAT_TOP_DISPLACED);
	set->count[way] = 1;
	__builtin_memset(top, 0, sizeof(*top));
	top->kind = what & 0xff;
	top->index = index;
	length = io->own[IDS_TOP_LENGTH];
	if (length > IDS_TOP_TEXT)
		length = IDS_TOP_TEXT;
	top->length = length;
	barrier_var(length);
	if (length && length <= IDS_TOP_TEXT && from <= IDS_TOP_LAST)
		bpf_probe_read_kernel(top->text, length, io->bytes + from);
	/* Hosts are the same in whatever letters. */
	if (top->kind == IDS_TOP_HOST) {
#pragma clang loop unroll(disable)
		for (n = 0; n < IDS_TOP_TEXT / 4; n++) {
			__u32 *word = (__u32 *)top->text + n;

			*word = ids_lower8(*word);
		}
	}
	__sync_lock_test_and_set(&set->key[way], key);
	return ids_top_place(line, way, key);
}

static __always_inline __u64 ids_top_mix(__u64 hash, __u64 word, __u32 kind)
{
	if (kind == IDS_TOP_HOST)
		word = ids_lower8(word);
	hash ^= word;
	hash ^= hash >> 32;
	return hash * 0x9e3779b97f4a7c15ULL;
}

/*
 * Counts bytes[from..to) as a value of that kind. Returns its place from 1, and its tag << 16; 0 if it has none. The hash
 * is keyed, as whoever knew it could choose values that displace each other.
 */
__noinline __u32 ids_top_count(struct ids_io *io, __u32 kind, __u32 index, __u32 from, __u32 to)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 n, length = to - from, line, at;
	struct ids_top_set *set;
	__u64 hash, key;

	if (!io || !settings || from >= to || from > IDS_TOP_LAST)
		return 0;
	if (length > IDS_TOP_HASHED)
		length = IDS_TOP_HASHED;
	io->own[IDS_TOP_LENGTH] = length;
	hash = settings->hash_key[0] ^ ((__u64)kind << 32 | index);
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_TOP_HASHED; n += 8) {
		at = from + n;
		barrier_var(at);
		if (n + 8 > length || at > IDS_TOP_LAST + IDS_TOP_HASHED - 8)
			break;
		hash = ids_top_mix(hash, *(const __u64 *)(io->bytes + at), kind);
	}
	/* How often the loop went round says nothing of what follows. */
	length = io->own[IDS_TOP_LENGTH];
	at = from + (length & ~7);
	barrier_var(at);
	if (length & 7 && at <= IDS_TOP_LAST + IDS_TOP_HASHED - 8) {
		__u64 word = *(const __u64 *)(io->bytes + at);

		hash = ids_top_mix(hash, word & ((1ULL << 8 * (length & 7)) - 1), kind);
	}
	hash = ids_mix(hash ^ settings->hash_key[1] ^ length);
	line = hash & (IDS_TOP_SETS - 1);
	key = (hash & ~(__u64)(2 * IDS_TOP_EPOCH + 1)) | (IDS_TOP_EPOCH + 1) | (settings->epoch & IDS_TOP_EPOCH);
	set = bpf_map_lookup_elem(&ids_top_sets, &line);
	if (!set)
		return 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_TOP_WAYS; n++) {
		if (set->key[n] != key)
			continue;
		__sync_fetch_and_add(&set->count[n], 1);
		return ids_top_place(line, n, key);
	}
	return ids_top_enter(io, key, line, index, kind | from << 8);
}

/* Adds a response to what is known of the value at that place; its latency too, if that is `known`. */
__noinline int ids_top_answer(__u32 place, __u32 hundreds, __u32 latency_us, int known)
{
	__u32 at = (place & 0xffff) - 1, line = at / IDS_TOP_WAYS, bucket = 0, left = latency_us;
	struct ids_top_set *set = bpf_map_lookup_elem(&ids_top_sets, &line);
	struct ids_top *top = bpf_map_lookup_elem(&ids_top, &at);
	__u64 key;

	if (!set || !top)
		return 0;
	key = *(volatile __u64 *)&set->key[at & (IDS_TOP_WAYS - 1)];
	if (key >> 60 != place >> 16 || key == IDS_TOP_BUSY)
		return 0;
#pragma unroll
	for (int bits = 16; bits; bits /= 2) {
		if (left >> bits) {
			left >>= bits;
			bucket += bits;
		}
	}
	__sync_fetch_and_add(&top->status[hundreds < 6 ? hundreds : 0], 1);
	if (!known)
		return 0;
	__sync_fetch_and_add(&top->latency_us, latency_us);
	__sync_fetch_and_add(&top->latency[bucket & (IDS_TOP_BUCKETS - 1)], 1);
	return 0;
}

#endif
