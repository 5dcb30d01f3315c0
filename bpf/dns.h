/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * DNS over UDP and TCP, recognised by content on any port: a header that makes sense and a question that can be read. The
 * name that is asked for is judged here, on the very packet that asks.
 */
#ifndef IDS_DNS_H
#define IDS_DNS_H

#include "bytes_record.h"
#include "patterns.h"
#include "prefilter.h"

#define IDS_DNS_HEADER   12
#define IDS_DNS_QUESTION 17 /* the shortest message with a question */
#define IDS_DNS_RECORDS  (65535 / 11)
#define IDS_DNS_NAME     255
#define IDS_DNS_LABELS   128

/* The first words of a message, as they are sent. */
struct ids_dns_header {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additionals;
};

/* Bits of the flags. */
enum ids_dns_flag {
	IDS_DNS_RESPONSE = 0x8000,
	IDS_DNS_OPCODE = 0x7800,
	IDS_DNS_OPCODE_SHIFT = 11,
};

/*
 * True if a message can begin so: one question, and no more records than fit into the longest message. Whatever else is
 * sent over UDP is done with after this. What servers overlook (flags that make no sense in a request, counts that are
 * not true) is overlooked here.
 */
static __always_inline bool ids_dns_begins(const struct ids_dns_header *header)
{
	__u32 opcode = (bpf_ntohs(header->flags) & IDS_DNS_OPCODE) >> IDS_DNS_OPCODE_SHIFT;

	return header->questions == bpf_htons(1) && opcode <= 6 && opcode != 3 &&
	       bpf_ntohs(header->answers) + bpf_ntohs(header->authorities) + bpf_ntohs(header->additionals) <=
		       IDS_DNS_RECORDS;
}

/* A walk over the labels of the question. Their lengths stand in `length` while dots stand in the message. */
struct ids_dns_walk {
	struct ids_io *io;
	__u32 at;
	__u32 end;   /* bytes that are there */
	__u32 first; /* offset of the name */
	__u32 count; /* of labels */
	__u32 state; /* enum ids_dns_state */
};

enum ids_dns_state {
	IDS_DNS_MORE = 0,
	IDS_DNS_NAMED = 1,   /* the name has ended */
	IDS_DNS_POINTED = 2, /* with a pointer: nobody sends a first question so, and it is not judged here */
	IDS_DNS_SENSELESS = 3,
};

/* Where the lengths are kept: the section of a DNS message has no masked values. */
static __always_inline __u8 *ids_dns_length(struct ids_io *io, __u32 label)
{
	return (__u8 *)io->mask + (label & (IDS_DNS_LABELS - 1));
}

static long ids_dns_label(__u32 index, void *data)
{
	struct ids_dns_walk *walk = data;
	__u32 at = walk->at, size;

	walk->state = IDS_DNS_SENSELESS;
	if (at >= walk->end || at >= IDS_SECTION_MAX)
		return 1;
	size = walk->io->bytes[at];
	if (size == 0 || size >= 0xc0) {
		walk->state = size ? IDS_DNS_POINTED : IDS_DNS_NAMED;
		walk->at = at + (size ? 2 : 1);
		return 1;
	}
	if (size > 63 || at + size - walk->first > IDS_DNS_NAME)
		return 1;
	*ids_dns_length(walk->io, index) = size;
	walk->count = index + 1;
	walk->at = at + 1 + size;
	walk->state = IDS_DNS_MORE;
	return 0;
}

/* Puts a dot, or the length again, in front of a label. */
static long ids_dns_dot(__u32 index, void *data)
{
	struct ids_dns_walk *walk = data;
	struct ids_io *io = walk->io;
	__u32 at = walk->at, size = *ids_dns_length(io, index);

	if (index >= walk->count || at >= IDS_SECTION_MAX)
		return 1;
	io->bytes[at] = walk->state ? '.' : size;
	walk->at = at + 1 + size;
	return 0;
}

/* Where the consumer leaves what ids_dns_done() needs: indices of ids_io.own. */
enum ids_dns_own {
	IDS_DNS_FROM = 0,     /* offset of the message */
	IDS_DNS_TOTAL = 1,    /* bytes of the message */
	IDS_DNS_FLAGS = 2,    /* enum ids_bytes_flag */
	IDS_DNS_NAME_END = 3, /* offset behind the name that is asked for, in which dots stand; 0 = nothing to judge */
	IDS_DNS_COUNT = 4,    /* of its labels */
};

/* Reads the message of `total` bytes at bytes[from..length): 0, or less if it is none. Its end, or more, may be missing. */
static __always_inline int ids_dns_message(struct ids_io *io, const __u32 from, __u32 total)
{
	const struct ids_dns_header *header = (const struct ids_dns_header *)(io->bytes + from);
	const struct ids_l7_settings *settings = ids_l7_setting();
	struct ids_dns_walk walk = { .io = io };
	__u32 flags = 0, class, end;

	if (!settings || io->length < from + IDS_DNS_QUESTION || io->length > IDS_SECTION_MAX ||
	    !ids_dns_begins(header))
		return -1;
	walk.end = io->length - from > total ? from + total : io->length;
	walk.first = walk.at = from + IDS_DNS_HEADER;
	bpf_loop(IDS_DNS_LABELS, ids_dns_label, &walk, 0);
	if (walk.state != IDS_DNS_NAMED && walk.state != IDS_DNS_POINTED)
		return -1;
	if (walk.at + 4 > walk.end || walk.at > IDS_SECTION_MAX - 4)
		return -1;
	/* The highest bit is mDNS's: an answer to me alone. */
	class = (io->bytes[walk.at + 2] & 0x7f) << 8 | io->bytes[walk.at + 3];
	if (!(io->bytes[walk.at] | io->bytes[walk.at + 1]) || (class != 1 && class != 3 && class != 4 && class < 254))
		return -1;
	if (settings->flags & IDS_L7_LOG_DNS)
		flags |= IDS_BYTES_LOGGED;
	end = 0;
	if (header->flags & bpf_htons(IDS_DNS_RESPONSE)) {
		if (settings->flags & IDS_L7_ALL_ANSWERS)
			flags |= IDS_BYTES_WANTED;
	} else {
		if (settings->flags & IDS_L7_ALL_QUERIES || walk.state == IDS_DNS_POINTED)
			flags |= IDS_BYTES_WANTED;
		if (walk.state == IDS_DNS_NAMED && walk.count) {
			end = walk.at - 1;
			walk.at = walk.first;
			walk.state = 1;
			bpf_loop(IDS_DNS_LABELS, ids_dns_dot, &walk, 0);
		}
	}
	io->own[IDS_DNS_FROM] = from;
	io->own[IDS_DNS_TOTAL] = total;
	io->own[IDS_DNS_FLAGS] = flags;
	io->own[IDS_DNS_NAME_END] = end;
	io->own[IDS_DNS_COUNT] = walk.count;
	return 0;
}

/* Puts the name that is dotted text back as it was. */
__noinline int ids_dns_restore(struct ids_io *io)
{
	struct ids_dns_walk walk = { .io = io };

	if (!io)
		return 0;
	walk.at = io->own[IDS_DNS_FROM] + IDS_DNS_HEADER;
	walk.count = io->own[IDS_DNS_COUNT];
	bpf_loop(IDS_DNS_LABELS, ids_dns_dot, &walk, 0);
	return 0;
}

/* Judges the name as dotted text, puts it back as it was, and hands over the message that ids_dns_section() found. */
static __always_inline void ids_dns_done(struct ids_packet *pkt, struct ids_io *io)
{
	__u32 from = io->own[IDS_DNS_FROM], total = io->own[IDS_DNS_TOTAL], flags = io->own[IDS_DNS_FLAGS], length;

	ids_count(IDS_STAT_DNS);
	if (io->own[IDS_DNS_NAME_END]) {
		ids_pattern_span(pkt, io, IDS_REGION_QUERY, from + IDS_DNS_HEADER + 1, io->own[IDS_DNS_NAME_END], 1, 1);
		ids_prefilter_name(pkt, io, from + IDS_DNS_HEADER + 1, io->own[IDS_DNS_NAME_END], IDS_GRAM_QUERY);
		ids_dns_restore(io);
		if (io->wanted)
			flags |= IDS_BYTES_WANTED;
	}
	length = io->length - from;
	if (length > total)
		length = total;
	ids_bytes_emit(pkt, io, IDS_EVENT_DNS, flags, from, length, total);
}

/* Whether a stream that begins so is DNS: 1, 0 if not, -1 if these are too few bytes to tell. */
static __always_inline int ids_dns_stream_begins(const struct ids_io *io)
{
	const struct ids_dns_header *header = (const struct ids_dns_header *)(io->bytes + 2);

	if (io->length < 2)
		return -1;
	if ((io->bytes[0] << 8 | io->bytes[1]) < IDS_DNS_QUESTION)
		return 0;
	if (io->length < 8)
		return -1;
	if (header->questions != bpf_htons(1))
		return 0;
	return io->length < 2 + IDS_DNS_HEADER ? -1 : ids_dns_begins(header);
}

/*
 * The consumer of DNS: a datagram, or over TCP messages with their length in front, one a section. ids_dns_done() is to
 * follow.
 */
__noinline int ids_dns_section(struct ids_packet *pkt, struct ids_io *io)
{
	__u32 total;
	int result;

	if (!pkt || !io)
		return -1;
	if (io->flags & IDS_IO_DATAGRAM)
		return ids_dns_message(io, 0, pkt->payload_len);
	result = ids_dns_stream_begins(io);
	if (result != 1)
		return result && !(io->flags & IDS_IO_LAST) ? 0 : -1;
	io->fresh = io->length;
	total = io->bytes[0] << 8 | io->bytes[1];
	if (io->length < 2 + total && !(io->flags & IDS_IO_LAST))
		return 0;
	if (ids_dns_message(io, 2, total))
		return -1;
	return io->length < 2 + total ? io->length : 2 + total;
}

/* Whether the packet is a datagram that may be looked at. */
static __always_inline bool ids_dns_wanted(const struct ids_packet *pkt)
{
	return pkt->proto_key == IPPROTO_UDP && pkt->verdict == IDS_VERDICT_PASS && pkt->l4_read &&
	       pkt->payload_len >= IDS_DNS_QUESTION;
}

/* Looks at the payload of a UDP packet. Returns 0 if it is no DNS, or nobody wants to know. */
IDS_OUTLINE(ids_dns_datagram)
{
	const struct ids_l7_settings *settings = ids_l7_setting();
	const struct ids_dns_header *header;
	struct ids_io *io = ids_io();
	__u32 length = pkt->payload_len, port;

	if (!io || !settings || !(settings->flags & IDS_L7_DNS) || length < IDS_DNS_QUESTION)
		return 0;
	header = ids_bytes(ctx, hook, pkt, pkt->payload, sizeof(*header));
	if (!header || !ids_dns_begins(header))
		return 0;
	port = bpf_ntohs(pkt->direction & 1 ? pkt->sport : pkt->dport);
	if (settings->ignored[port / 8] >> port % 8 & 1)
		return 0;
	if (length > IDS_SECTION_MAX)
		length = IDS_SECTION_MAX;
	barrier_var(length);
	if (length == 0 || length > IDS_SECTION_MAX)
		return 0;
	ids_io_begin(io, 0, IDS_IO_LAST | IDS_IO_DATAGRAM);
	if (ids_load(ctx, hook, pkt, pkt->payload, io->bytes, length))
		return 0;
	io->length = length;
	if (ids_dns_section(pkt, io))
		return 0;
	ids_dns_done(pkt, io);
	if (pkt->app != IDS_APP_DNS)
		ids_flow_note(pkt, 0, IDS_APP_DNS);
	return 1;
}

#endif
