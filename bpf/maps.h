/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every map of the programs: who writes it, who reads it, why this size. Maps that later runs must find again are
 * pinned by the loader under their own names; per-run ones (scratch) are not. A size marked "set by the loader" is the
 * default of a setting.
 */
#ifndef IDS_MAPS_H
#define IDS_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

/* Run-time settings. Written by the engine, read by every stage. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_control);
	__uint(map_flags, BPF_F_MMAPABLE);
} ids_control SEC(".maps");

/* The rule sets: one value an inner map; the engine fills the spare slot, then turns ids_control.slot. */
struct ids_ruleset_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_ruleset);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, IDS_RULE_SLOTS);
	__type(key, __u32);
	__array(values, struct ids_ruleset_map);
} ids_rulesets SEC(".maps");

/* The addresses that the rules of a slot name, one trie a slot. Written by the engine, read by the classifier. */
struct ids_address_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, IDS_RULE_PREFIXES);
	__type(key, struct ids_prefix);
	__type(value, struct ids_address_class);
	__uint(map_flags, BPF_F_NO_PREALLOC);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, IDS_RULE_SLOTS);
	__type(key, __u32);
	__array(values, struct ids_address_map);
} ids_addresses SEC(".maps");

/* Counters by rule position, one map a slot, made anew with each rule set. Written by the kernel, read by the engine. */
struct ids_rule_count_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IDS_MAX_RULES);
	__type(key, __u32);
	__type(value, struct ids_rule_count);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, IDS_RULE_SLOTS);
	__type(key, __u32);
	__array(values, struct ids_rule_count_map);
} ids_rule_counts SEC(".maps");

/*
 * The blocklist, see abi.h. Written by the engine through memory maps, read by the lists stage; the sizes
 * of the lines follow the capacity and are set by the loader.
 */
#define IDS_LIST_MAP(name, type_, entries)         \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(max_entries, entries);      \
		__type(key, __u32);                \
		__type(value, type_);              \
		__uint(map_flags, BPF_F_MMAPABLE); \
	} name SEC(".maps")

IDS_LIST_MAP(ids_list_root, struct ids_list_root, 1);
/* 64 bits a value, by the first 22 bits of an address: is there an entry that holds it or lies below? For the L2 cache. */
IDS_LIST_MAP(ids_filter4, __u64, 1 << 16);
IDS_LIST_MAP(ids_filter6, __u64, 1 << 16);
/* The same by the first 24 bits, asked behind the filter. */
IDS_LIST_MAP(ids_any4, __u64, 1 << 18);
IDS_LIST_MAP(ids_any6, __u64, 1 << 18);
/* By the first 22 bits: is there more than full ones? */
IDS_LIST_MAP(ids_mixed4, __u64, 1 << 16);
IDS_LIST_MAP(ids_mixed6, __u64, 1 << 16);
IDS_LIST_MAP(ids_front4, struct ids_front, 1 << 22);
IDS_LIST_MAP(ids_front6, struct ids_front, 1 << 22);
IDS_LIST_MAP(ids_entries4, struct ids_line4, 16384);
IDS_LIST_MAP(ids_entries6, struct ids_line6, 4096);
IDS_LIST_MAP(ids_buckets6, struct ids_length_buckets, IDS_LENGTH_BUCKETS / 64);
IDS_LIST_MAP(ids_length_sets, struct ids_length_set, IDS_LENGTH_SETS);
IDS_LIST_MAP(ids_sets, struct ids_set, IDS_SETS);

/* Counters by origin of blocklist entries. Written by the kernel, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IDS_ORIGINS);
	__type(key, __u32);
	__type(value, struct ids_hits);
} ids_origin_hits SEC(".maps");

/* The operator's allowlist and the built-in exemptions. Written by the engine, read by the lists stage. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__type(key, struct ids_prefix);
	__type(value, struct ids_allow);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} ids_allowlist SEC(".maps");

/* Flows cut by an engine-placed drop. Written by the engine alone, so a packet cannot fill it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct ids_cut_key);
	__type(value, struct ids_cut);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} ids_cuts SEC(".maps");

/* Interfaces by ifindex. Written by the engine at attach, read by reject. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct ids_interface);
} ids_interfaces SEC(".maps");

/* The patterns that rules look for in messages, by slot; absent if there are none. Written by the engine, read by pass 2. */
struct ids_pattern_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_patterns);
	__uint(map_flags, BPF_F_MMAPABLE);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, IDS_RULE_SLOTS);
	__type(key, __u32);
	__array(values, struct ids_pattern_map);
} ids_pattern_sets SEC(".maps");

/*
 * The structure automaton: the one in force and the one that is being filled, see ids_control.structure. Written by the
 * engine, read by pass 1 of the HTTP stage.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ids_structure);
} ids_structures SEC(".maps");

/* Terminal reasons: every packet is counted in exactly one of these. Written by the one exit, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IDS_REASONS);
	__type(key, __u32);
	__type(value, struct ids_verdict_count);
} ids_verdicts SEC(".maps");

/* Decode reasons: a packet may count under several. Written by the parser, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IDS_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} ids_decodes SEC(".maps");

/* enum ids_stat. Written by the kernel, read by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IDS_STATS);
	__type(key, __u32);
	__type(value, __u64);
} ids_stats SEC(".maps");

/*
 * Threshold state: entries by a keyed hash of rule and tracked address, IDS_BUCKET_WAYS a bucket, one lock a bucket.
 * Written by the rules stage alone. The size is set by the loader, never below IDS_COMMON_BUCKETS.
 */
struct ids_slot {
	__u64 key;     /* 0: never used */
	__u64 expires; /* now() at which the window has passed */
	__u32 count;
	__u32 next; /* backoff: the count that alerts next; with a set: its epoch */
};

struct ids_bucket {
	struct bpf_spin_lock lock;
	__u32 pad;
	struct ids_slot way[IDS_BUCKET_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_MAX_BUCKETS);
	__type(key, __u32);
	__type(value, struct ids_bucket);
} ids_thresholds SEC(".maps");

/*
 * Sets of distinct values: cells of (epoch << 32 | value), open addressing, never emptied: a cell of another epoch is
 * free. Written by the rules stage alone. The size is set by the loader.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_MAX_CELLS);
	__type(key, __u32);
	__type(value, __u64);
} ids_cells SEC(".maps");

/* The epoch given out last. Written by the rules stage alone. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids_epoch SEC(".maps");

/* Rate bounds: the first IDS_RATE_CELLS by a keyed hash of what is bounded, behind them one a rule position. */
#define IDS_RATE_CELLS 65536
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_RATE_CELLS + IDS_MAX_RULES);
	__type(key, __u32);
	__type(value, __u64);
} ids_rates SEC(".maps");

/* Verdicts and alerts; read in place by the engine. Apart from the bulk ring so that logs cannot evict an alert. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} ids_events SEC(".maps");

/* What the reader of the rings does. Written by it through a memory map, read by those who write to the bulk ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_reader);
	__uint(map_flags, BPF_F_MMAPABLE);
} ids_reader SEC(".maps");

/* Header sections; read in place by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} ids_bulk SEC(".maps");

#endif
