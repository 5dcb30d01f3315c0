/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Copies a fragment into its datagram. Where it overlaps with others the bytes that came first stay. */
#ifndef IDS_FRAGMENT_COPY_H
#define IDS_FRAGMENT_COPY_H

#include "bytes.h"
#include "datagrams.h"
#include "hook.h"

/* The fragment that is being copied. */
struct ids_fragment {
	__u64 key;
	__u32 from; /* its place in the datagram */
	__u32 length;
	__u32 at; /* where its bytes are in the packet */
	__u32 done;
	__u32 index;    /* of the datagram */
	__u32 overlap;  /* units that were there already */
	__u32 conflict; /* units that were there with other content */
	bool more;      /* fragments follow */
	bool looking;   /* nothing is to be written: what would overlap? */
	__u8 bytes[IDS_DATAGRAM_STEP + 8];
};

/* One fragment at a time is copied on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_fragment);
} ids_fragment_scratch SEC(".maps");

static __always_inline struct ids_fragment *ids_fragment(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ids_fragment_scratch, &zero);
}

/* Units `first` to `last` of a datagram. */
struct ids_units {
	struct ids_datagram *datagram;
	__u32 first;
	__u32 last;
	__u32 found;
	__u32 pad;
};

/* The bits of word number `word` that stand for units `first` to `last`. */
static __always_inline __u64 ids_unit_bits(__u32 word, __u32 first, __u32 last)
{
	__u64 bits = ~0ULL;

	if (first > word * 64)
		bits &= ~0ULL << (first & 63);
	if (last < word * 64 + 63)
		bits &= ~0ULL >> (63 - (last & 63));
	return bits;
}

static __always_inline __u32 ids_bits(__u64 word)
{
	word -= word >> 1 & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return word * 0x0101010101010101ULL >> 56;
}

/* Counts those that are there. */
static long ids_count_units(__u32 index, void *data)
{
	struct ids_units *units = data;
	__u32 word = (units->first >> 6) + index;

	if (word >= IDS_DATAGRAM_WORDS || word > units->last >> 6)
		return 1;
	units->found += ids_bits(units->datagram->held[word] & ids_unit_bits(word, units->first, units->last));
	return 0;
}

/* Notes that they are there; counts those that were not. */
static long ids_mark_units(__u32 index, void *data)
{
	struct ids_units *units = data;
	__u32 word = (units->first >> 6) + index;
	__u64 bits;

	if (word >= IDS_DATAGRAM_WORDS || word > units->last >> 6)
		return 1;
	bits = ids_unit_bits(word, units->first, units->last);
	units->found += ids_bits(bits & ~units->datagram->held[word]);
	units->datagram->held[word] |= bits;
	return 0;
}

struct ids_merge {
	struct ids_fragment *fragment;
	struct ids_datagram *datagram;
	__u32 first; /* unit of the datagram */
	__u32 units;
};

/* One unit of a fragment that overlaps: kept if it is new, compared if not. */
static long ids_merge_unit(__u32 index, void *data)
{
	struct ids_merge *merge = data;
	__u32 unit = merge->first + index;
	__u64 bytes, *held;

	if (index >= merge->units || index >= IDS_DATAGRAM_STEP / 8 || unit >= IDS_DATAGRAM_MAX / 8)
		return 1;
	bytes = *(__u64 *)&merge->fragment->bytes[index * 8];
	held = (__u64 *)&merge->datagram->bytes[unit * 8];
	if (!(merge->datagram->held[unit >> 6] >> (unit & 63) & 1)) {
		if (!merge->fragment->looking)
			*held = bytes;
	} else if (*held != bytes) {
		merge->fragment->conflict++;
	}
	return 0;
}

/* Copies the next step of the fragment; 1 if there are more. */
IDS_OUTLINE(ids_fragment_step)
{
	struct ids_fragment *fragment = ids_fragment();
	struct ids_datagram *datagram = fragment ? ids_datagram(fragment->index) : 0;
	__u32 size, target;

	if (!datagram)
		return 0;
	size = fragment->length - fragment->done;
	target = fragment->from + fragment->done;
	if (size > IDS_DATAGRAM_STEP)
		size = IDS_DATAGRAM_STEP;
	barrier_var(size);
	barrier_var(target);
	if (size == 0 || size > IDS_DATAGRAM_STEP || target >= IDS_DATAGRAM_MAX)
		return 0;
	/* The bytes of a unit that the fragment does not fill are zero: two that end alike are equal in all of it. */
	if (!fragment->overlap) {
		*(__u64 *)&datagram->bytes[target + ((size - 1) & ~7u)] = 0;
		if (ids_load(ctx, hook, pkt, fragment->at + fragment->done, datagram->bytes + target, size))
			return 0;
	} else {
		struct ids_merge merge = {
			.fragment = fragment,
			.datagram = datagram,
			.first = target >> 3,
			.units = (size + 7) >> 3,
		};

		*(__u64 *)&fragment->bytes[(size - 1) & ~7u] = 0;
		if (ids_load(ctx, hook, pkt, fragment->at + fragment->done, fragment->bytes, size))
			return 0;
		bpf_loop(merge.units, ids_merge_unit, &merge, 0);
	}
	fragment->done += size;
	return fragment->done < fragment->length;
}

#endif
