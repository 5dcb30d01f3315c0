/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The sections that were complete last, as they were sent: a segment that brings a part of one once more is compared, so
 * that other content is noticed. The first one was judged; the receiver may have taken the second.
 */
#ifndef IDS_PAST_H
#define IDS_PAST_H

#include "bytes.h"
#include "hash.h"
#include "l7_state.h"

#define IDS_PAST       8192 /* places, a power of two */
#define IDS_PAST_WAYS  4    /* sections of a direction: more than one request may come in a segment */
#define IDS_PAST_BYTES 1000 /* of a section, its first ones: lines and headers that rules look into, names of hellos */
/* Bytes of frames, in units of 1 MiB, behind which sequence numbers may mean something else. */
#define IDS_PAST_REACH 1024

struct ids_past {
	__u64 key; /* flow id << 1 | direction; 0: nothing, or it is being written */
	__u32 begin;
	__u32 length; /* in use of bytes[] */
	__u32 since;  /* MiB of frames that the direction had had */
	__u32 pad;
	__u8 bytes[IDS_PAST_BYTES];
};

/*
 * By a hash of flow and direction, IDS_PAST_WAYS places each in turn. Written and read by layer 7 alone. Whoever comes
 * later takes the place: what is forgotten is not noticed, and nothing else depends on it. 8 MB.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_PAST);
	__type(key, __u32);
	__type(value, struct ids_past);
} ids_past SEC(".maps");

static __always_inline __u64 ids_past_key(const struct ids_packet *pkt)
{
	return pkt->flow_id << 1 | (pkt->direction & 1);
}

static __always_inline struct ids_past *ids_past_at(__u64 key, __u32 way)
{
	__u32 index = (ids_mix(key) & (IDS_PAST - 1) & ~(IDS_PAST_WAYS - 1)) | (way & (IDS_PAST_WAYS - 1));

	return bpf_map_lookup_elem(&ids_past, &index);
}

static __always_inline __u32 ids_past_now(const struct ids_packet *pkt)
{
	const struct ids_flow *flow = ids_flow_at(pkt->flow);

	return flow ? flow->dir[pkt->direction & 1].bytes >> 20 : 0;
}

/*
 * The place for a section: the first one that is free, or whose section the other side has acknowledged, since it takes
 * nothing else for that any more. So a connection on which requests take turns with responses has one place, in the cache.
 */
static __always_inline struct ids_past *ids_past_place(const struct ids_packet *pkt, __u64 key, __u32 message)
{
	const struct ids_flow *flow = ids_flow_at(pkt->flow);
	__u32 way;

	if (!flow)
		return 0;
#pragma clang loop unroll(disable)
	for (way = 0; way < IDS_PAST_WAYS; way++) {
		struct ids_past *past = ids_past_at(key, way);

		if (!past)
			return 0;
		if (past->key != key ||
		    ids_behind(flow->dir[(pkt->direction & 1) ^ 1].ack, past->begin + past->length) >= 0)
			return past;
	}
	return ids_past_at(key, message - 1);
}

/* Keeps the complete section io->bytes[0..length), of which nothing is masked yet. */
__noinline int ids_past_put(struct ids_packet *pkt, struct ids_io *io, __u32 message, __u32 length)
{
	struct ids_past *past;
	__u64 key;

	if (!pkt || !io || !pkt->flow_id)
		return 0;
	key = ids_past_key(pkt);
	past = ids_past_place(pkt, key, message);
	if (!past)
		return 0;
	if (length > IDS_PAST_BYTES)
		length = IDS_PAST_BYTES;
	*(volatile __u64 *)&past->key = 0;
	past->begin = io->begin;
	past->length = length;
	past->since = ids_past_now(pkt);
	barrier_var(length);
	if (length == 0 || length > IDS_PAST_BYTES)
		return 0;
	bpf_probe_read_kernel(past->bytes, length, io->bytes);
	*(volatile __u64 *)&past->key = key;
	return 0;
}

/* A comparison of bytes[at..] of a section with what lies in the scratch. */
struct ids_past_walk {
	const struct ids_past *past;
	const struct ids_io *fresh;
	__u32 at;
	__u32 length;
	__u32 differs;
};

static long ids_past_step(__u32 index, void *data)
{
	struct ids_past_walk *walk = data;
	__u32 done = index * 8, at = walk->at + done, n, left = walk->length - done;

	if (done >= walk->length)
		return 1;
	if (left >= 8 && at <= IDS_PAST_BYTES - 8 && done <= IDS_PAST_BYTES) {
		walk->differs = *(const __u64 *)(walk->past->bytes + at) != *(const __u64 *)(walk->fresh->bytes + done);
		return walk->differs;
	}
#pragma clang loop unroll(disable)
	for (n = 0; n < 8; n++) {
		__u32 from = done + n, to = at + n;

		barrier_var(from);
		barrier_var(to);
		if (n >= left || to >= IDS_PAST_BYTES || from >= IDS_PAST_BYTES)
			break;
		walk->differs |= walk->past->bytes[to] ^ walk->fresh->bytes[from];
	}
	return 1;
}

/* Whether the first `length` bytes of the scratch differ from those at `at` of the section. */
__noinline int ids_past_differs(struct ids_past *past, struct ids_io *fresh, __u32 at, __u32 length)
{
	struct ids_past_walk walk = { .at = at, .length = length };

	if (!past || !fresh)
		return 0;
	walk.past = past;
	walk.fresh = fresh;
	bpf_loop(IDS_PAST_BYTES / 8 + 1, ids_past_step, &walk, 0);
	return walk.differs != 0;
}

/* A probe whether the other side is still there brings the last byte once more, or anything in its place (RFC 9293 3.8.4). */
static __always_inline bool ids_past_probe(const struct ids_packet *pkt)
{
	const struct ids_flow *flow = ids_flow_at(pkt->flow);

	return pkt->payload_len == 1 && flow && flow->dir[pkt->direction & 1].next == pkt->seq + 1;
}

/* Compares the payload of a segment that begins before the end of the last section with those that are kept. */
IDS_OUTLINE(ids_past_compare)
{
	__u64 key = ids_past_key(pkt);
	struct ids_io *io = ids_io();
	struct ids_l7 *l7 = ids_l7_of(pkt);
	__u32 way, now = ids_past_now(pkt), differs = 0;

	if (!io || !l7 || ids_past_probe(pkt))
		return 0;
#pragma clang loop unroll(disable)
	for (way = 0; way < IDS_PAST_WAYS; way++) {
		struct ids_past *past = ids_past_at(key, way);
		__u32 at, from = 0, length;
		__s32 behind;

		if (!past || *(volatile __u64 *)&past->key != key || now - past->since >= IDS_PAST_REACH)
			continue;
		/* Where in the section the segment begins, or where in the segment the section does. */
		behind = ids_behind(pkt->seq, past->begin);
		at = behind < 0 ? 0 : behind;
		if (behind < 0)
			from = -behind;
		if (at >= past->length || from >= pkt->payload_len)
			continue;
		length = past->length - at;
		if (length > pkt->payload_len - from)
			length = pkt->payload_len - from;
		barrier_var(length);
		if (length == 0 || length > IDS_PAST_BYTES ||
		    ids_load(ctx, hook, pkt, pkt->payload + from, io->bytes, length))
			continue;
		if (ids_past_differs(past, io, at, length) && *(volatile __u64 *)&past->key == key)
			differs = 1;
	}
	if (!differs)
		return 0;
	ids_count(IDS_STAT_CONFLICTS);
	ids_l7_anomaly(pkt, l7, IDS_L7_CONFLICT);
	return 0;
}

#endif
