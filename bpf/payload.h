/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The inspection depth: the first bytes of a direction for rules that look into payload, as pieces that know their place
 * in it. Header sections of HTTP are handed over masked; what could be a part of one and cannot be told is not.
 */
#ifndef IDS_PAYLOAD_H
#define IDS_PAYLOAD_H

#include "bulk.h"
#include "inspect.h"

/* A piece that comes so far behind the depth says that what lies before it is not still on its way. */
#define IDS_DEPTH_SLACK 65536

static __always_inline bool ids_port_in(const __u8 *set, __u32 port)
{
	return set[(port & 0xffff) / 8] >> port % 8 & 1;
}

/* The server's port. */
static __always_inline __u32 ids_l7_port(const struct ids_packet *pkt)
{
	return bpf_ntohs(pkt->direction & 1 ? pkt->sport : pkt->dport);
}

/* Asks the rules in force what they need of this direction: IDS_L7_INSPECT or _BEYOND, and _RULES. */
static __always_inline void ids_l7_ask(struct ids_packet *pkt, struct ids_l7_dir *dir)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 asked;

	dir->asked = pkt->flow_generation;
	dir->flags &= ~(IDS_L7_INSPECT | IDS_L7_BEYOND | IDS_L7_RULES | IDS_L7_HEADS);
	asked = ids_inspect(pkt);
	if (asked & IDS_INSPECT_MESSAGES)
		dir->flags |= IDS_L7_RULES;
	if (asked & IDS_INSPECT_HEADS)
		dir->flags |= IDS_L7_HEADS;
	if (!(asked & IDS_INSPECT_PAYLOAD))
		return;
	if (!(dir->flags & IDS_L7_DEEP) && settings && settings->depth[pkt->direction & 1] &&
	    !ids_port_in(settings->shallow, ids_l7_port(pkt)))
		dir->flags |= IDS_L7_INSPECT;
	else
		dir->flags |= IDS_L7_BEYOND;
}

/* The depth is behind: nothing more is handed over of this direction. */
static __always_inline void ids_payload_done(struct ids_l7_dir *dir)
{
	dir->flags = (dir->flags & ~IDS_L7_INSPECT) | IDS_L7_DEEP | IDS_L7_BEYOND;
}

/* Counts what of `length` bytes at `offset` of their direction no rule gets to see: once a packet, when it is done. */
static __always_inline void ids_payload_beyond(const struct ids_packet *pkt, const struct ids_l7_dir *dir, __u32 offset,
					       __u32 length)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 depth = settings ? settings->depth[pkt->direction & 1] : 0;

	if (dir->flags & IDS_L7_INSPECT && offset < depth)
		length = length > depth - offset ? length - (depth - offset) : 0;
	if (length && dir->flags & (IDS_L7_INSPECT | IDS_L7_BEYOND))
		ids_add(IDS_STAT_UNINSPECTED, length);
}

/* What every record of payload begins with; `what`: enum ids_bytes_flag. */
static __always_inline void ids_payload_head(struct ids_packet *pkt, struct ids_bytes_record *head, __u32 length,
					     __u32 what)
{
	ids_event_fill(pkt, &head->event);
	head->event.type = IDS_EVENT_PAYLOAD;
	head->length = length;
	head->flags = what | (pkt->anew ? IDS_BYTES_ANEW : 0);
	pkt->anew = false;
	head->offset = pkt->piece;
	head->total = head->told = 0;
	head->decided = 0;
	__builtin_memset(head->rule, 0, sizeof(head->rule));
	__builtin_memset(head->pad, 0, sizeof(head->pad));
}

/* Writes io->bytes[from..from + length), which are at `offset` in their direction; `what`: enum ids_bytes_flag. */
__noinline int ids_payload_write(struct ids_packet *pkt, struct ids_io *io, __u32 from, __u32 length, __u32 what)
{
	struct ids_bytes_record *head;
	struct bpf_dynptr record;

	if (!pkt || !io || length > IDS_STREAM_MAX)
		return 0;
	head = ids_bulk_open(&record, sizeof(*head) + length, sizeof(*head));
	if (!head)
		return 0;
	ids_payload_head(pkt, head, length, what);
	barrier_var(from);
	barrier_var(length);
	/* The verifier knows bounds, and not that both together stay within. */
	if (length <= IDS_SECTION_PAD && from <= IDS_SECTION_MAX)
		bpf_dynptr_write(&record, sizeof(*head), io->bytes + from, length, 0);
	else if (length <= IDS_STREAM_MAX && from <= IDS_SECTION_MAX - IDS_STREAM_MAX)
		bpf_dynptr_write(&record, sizeof(*head), io->bytes + from, length, 0);
	ids_bulk_end(pkt, &record, true);
	ids_add(IDS_STAT_PAYLOAD, length);
	return 0;
}

/*
 * What of `length` bytes at sequence number `seq` lies within the depth: 0 if nothing. pkt->piece becomes their place in
 * the direction, and what comes after them is noted.
 */
static __always_inline __u32 ids_payload_room(struct ids_packet *pkt, struct ids_l7_dir *dir, __u32 seq, __u32 length)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	__u32 depth = settings ? settings->depth[pkt->direction & 1] : 0, offset = seq - dir->first;

	if (offset >= depth) {
		if (offset >= depth + IDS_DEPTH_SLACK || dir->inspected >= depth)
			ids_payload_done(dir);
		return 0;
	}
	pkt->piece = offset;
	if (length > depth - offset)
		length = depth - offset;
	pkt->anew = !!(dir->flags & IDS_L7_ANEW);
	dir->flags &= ~IDS_L7_ANEW;
	pkt->last_piece = offset + length == depth;
	if (offset <= dir->inspected && offset + length > dir->inspected)
		dir->inspected = offset + length;
	return length;
}

/*
 * Hands over io->bytes[from..to), masked by now, as far as the depth goes. Where nothing is to be masked each segment was
 * handed over when it came.
 */
__noinline int ids_payload_section(struct ids_packet *pkt, struct ids_l7 *l7, struct ids_io *io, __u32 from, __u32 to)
{
	struct ids_l7_dir *dir;
	__u32 length, n, what;

	if (!pkt || !l7 || !io || from >= to || to > IDS_SECTION_MAX || !(pkt->control & IDS_CONTROL_REDACT))
		return 0;
	dir = ids_l7_dir(pkt, l7);
	length = ids_payload_room(pkt, dir, io->begin + from, to - from);
	what = io->masked || io->hidden ? IDS_BYTES_MASKED : 0;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_SECTION_MAX / IDS_SECTION_PAD + 1; n++) {
		__u32 size = length > IDS_SECTION_PAD ? IDS_SECTION_PAD : length;

		if (size == 0)
			break;
		length -= size;
		if (length == 0 && pkt->last_piece)
			what |= IDS_BYTES_LAST;
		ids_payload_write(pkt, io, from, size, what);
		from += size;
		pkt->piece += size;
	}
	return 0;
}

/*
 * What of the segment may be handed over as it is: a body, a stream that is no HTTP, the first bytes of one that may yet
 * be; where nothing is to be masked all of it, once it is `done`, so that rules see it with the packet that brought it, also
 * when it is sent again.
 * Loaded into the scratch.
 */
static __always_inline void ids_payload_raw(void *ctx, const enum ids_hook hook, struct ids_packet *pkt,
					    struct ids_l7_dir *dir, struct ids_io *io, bool done)
{
	__u32 from = dir->passed - pkt->seq, to = dir->next - pkt->seq, length, n, again = 0;

	if (pkt->verdict != IDS_VERDICT_PASS)
		return;
	if ((__s32)to < (__s32)pkt->plain)
		to = pkt->plain;
	if (!(pkt->control & IDS_CONTROL_REDACT)) {
		if (!done)
			return;
		from = 0;
		to = pkt->payload_len;
		if (ids_behind(pkt->seq + to, dir->first + dir->inspected) <= 0)
			again = IDS_BYTES_AGAIN;
	}
	if ((__s32)from < (__s32)pkt->raw)
		from = pkt->raw;
	if (dir->phase == IDS_PHASE_QUIET || (__s32)to > (__s32)pkt->payload_len)
		to = pkt->payload_len;
	if ((__s32)(to - from) <= 0)
		return;
	pkt->raw = to;
	length = ids_payload_room(pkt, dir, pkt->seq + from, to - from);
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_SECTION_MAX / IDS_STREAM_MAX; n++) {
		__u32 size = length > IDS_STREAM_MAX ? IDS_STREAM_MAX : length;

		barrier_var(size);
		if (size == 0 || size > IDS_STREAM_MAX ||
		    ids_load(ctx, hook, pkt, pkt->payload + from, io->bytes, size))
			break;
		length -= size;
		ids_payload_write(pkt, io, 0, size, again | (length == 0 && pkt->last_piece ? IDS_BYTES_LAST : 0));
		from += size;
		pkt->piece += size;
	}
}

/* The direction ends with this segment. */
static __always_inline void ids_payload_end(struct ids_packet *pkt, struct ids_l7_dir *dir, struct ids_io *io)
{
	pkt->piece = pkt->seq + pkt->payload_len - dir->first;
	ids_payload_write(pkt, io, 0, 0, IDS_BYTES_LAST);
	dir->flags &= ~IDS_L7_INSPECT;
}

/*
 * Whether a TCP segment belongs to no stream: its flow was never established, it is a SYN whose data nobody has to take
 * (RFC 7413 says who has), or a RST. As in Suricata no message of it counts, and rules look into it by itself.
 */
static __always_inline bool ids_l7_apart(const struct ids_packet *pkt)
{
	__u32 flags = pkt->field[IDS_FIELD_TCP_FLAGS];
	const struct ids_flow *flow;

	if (flags & IDS_TCP_RST)
		return true;
	if (!pkt->flow_id)
		return false;
	if (flags & IDS_TCP_SYN)
		return !(ids_get(pkt, IDS_FIELD_TCP_OPTS) & IDS_TCPOPT_FASTOPEN);
	flow = ids_flow_at(pkt->flow);
	return flow && !flow->proven;
}

/* The payload of a packet that is part of no stream, for rules that look into packets. */
IDS_OUTLINE(ids_payload_packet)
{
	bool tcp = pkt->proto_key == IPPROTO_TCP;
	struct ids_l7 *l7 = tcp ? ids_l7_loosely() : ids_l7_of(pkt);
	struct ids_io *io = ids_io();
	struct ids_l7_dir *dir;
	__u32 length = pkt->payload_len;

	if (!l7 || !io)
		return 0;
	/* The entry of a TCP flow is that of its stream. */
	if (l7->id != pkt->flow_id || !pkt->flow_id || tcp) {
		__builtin_memset(l7, 0, sizeof(*l7));
		l7->id = pkt->flow_id;
	}
	dir = ids_l7_dir(pkt, l7);
	if (!(dir->flags & IDS_L7_SYNCED) || dir->asked != (__u8)pkt->flow_generation) {
		dir->flags |= IDS_L7_SYNCED;
		ids_l7_ask(pkt, dir);
	}
	ids_payload_beyond(pkt, dir, dir->inspected, length);
	if (!(dir->flags & IDS_L7_INSPECT))
		return 0;
	/* A segment could be a part of a header section, which nobody has masked. */
	if (tcp && pkt->control & IDS_CONTROL_REDACT) {
		ids_add(IDS_STAT_UNINSPECTED, length);
		return 0;
	}
	length = ids_payload_room(pkt, dir, dir->first + dir->inspected, length);
	if (length > IDS_STREAM_MAX)
		length = IDS_STREAM_MAX;
	pkt->piece = 0;
	barrier_var(length);
	if (length == 0 || length > IDS_STREAM_MAX || ids_load(ctx, hook, pkt, pkt->payload, io->bytes, length))
		return 0;
	ids_payload_write(pkt, io, 0, length, IDS_BYTES_PACKET);
	return 0;
}

/* Whether rules could look into the payload of this packet by itself. */
static __always_inline bool ids_payload_wanted(const struct ids_packet *pkt)
{
	if (pkt->verdict != IDS_VERDICT_PASS || !pkt->l4_read || !pkt->payload_len)
		return false;
	if (pkt->proto_key == IPPROTO_UDP)
		return !pkt->handed;
	return pkt->proto_key == IPPROTO_TCP && ids_l7_apart(pkt);
}

#endif
