/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The chain of IPv6 extension headers, judged as Suricata judges it. */
#ifndef IDS_EXTENSIONS6_H
#define IDS_EXTENSIONS6_H

#include <linux/in.h>
#include <linux/in6.h>
#include "bytes.h"
#include "fragment.h"

#define IDS_EXTENSIONS    8
/* Linux itself drops packets with more than 8 options of one header. */
#define IDS_OPTIONS6      32
#define IDS_NEXT_MOBILITY 135
#define IDS_NEXT_HIP      139
#define IDS_NEXT_SHIM6    140

/* Extension headers seen before. */
enum ids_extension {
	IDS_SEEN_HOP = 1,
	IDS_SEEN_ROUTING = 2,
	IDS_SEEN_FRAGMENT = 4,
	IDS_SEEN_AUTH = 8,
	IDS_SEEN_DEST = 16,
	IDS_SEEN_DEST_TWICE = 32,
};

/*
 * The option at the cursor of a header that ends at pkt->limit, and on to the next; returns 1 behind the last, or where
 * they are damaged. Verified once, not once a step.
 */
IDS_OUTLINE(ids_ip6_option_step)
{
	__u32 at = pkt->cursor, end = pkt->limit, least = 0;
	const __u8 *option;

	if (at >= end)
		return 1;
	if (at + 1 == end) {
		/* The last byte of the header can only be padding. */
		option = ids_bytes(ctx, hook, pkt, at, 1);
		if (option && option[0] == 0)
			pkt->cursor = end;
		return 1;
	}
	option = ids_bytes(ctx, hook, pkt, at, 2);
	if (!option)
		return 1;
	if (option[0] == 0) {
		pkt->cursor = at + 1;
		return 0;
	}
	if (option[0] == 5) /* router alert */
		least = 2;
	else if (option[0] == 0xc2) /* jumbo payload */
		least = 4;
	else if (option[0] == 0xc9) /* home address */
		least = 16;
	if (at + 2 + option[1] > end || option[1] < least)
		return 1;
	pkt->cursor = at + 2 + option[1];
	return 0;
}

/* Walks the options of a hop-by-hop or destination header: `length` bytes at `at`, known to lie within the packet. */
IDS_OUTLINE_WITH(ids_ip6_options, (__u32 at, __u32 length), (at, length))
{
	int n;

	if (length > 2048)
		return 0;
	pkt->cursor = at;
	pkt->limit = at + length;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_OPTIONS6; n++)
		if (ids_ip6_option_step(ctx, hook, pkt))
			break;
	if (pkt->cursor < pkt->limit)
		ids_decode(pkt, IDS_DECODE_IP6_OPT_LEN);
	return 0;
}

/* The fragment header at `raw`; returns what ids_ip6_chain() shall return, or 2 to go on. */
static __always_inline int ids_ip6_fragment(struct ids_packet *pkt, const __u8 *raw, __u32 left)
{
	__u32 bits = raw[2] << 8 | raw[3];
	__u32 offset = bits >> 3;
	bool more = bits & 1;
	__u8 proto = raw[0];

	if (!more && !offset) {
		ids_decode(pkt, IDS_DECODE_IP6_USELESS_FH);
		return 2;
	}
	pkt->fragment = true;
	pkt->fragment_at = pkt->l4;
	pkt->fragment_proto = proto;
	pkt->fragment_id = (__u32)raw[4] << 24 | raw[5] << 16 | raw[6] << 8 | raw[7];
	ids_set(pkt, IDS_FIELD_FRAGBITS, more);
	ids_set(pkt, IDS_FIELD_FRAGOFFSET, offset);
	ids_set(pkt, IDS_FIELD_FRAGMENT, 1);
	if (offset * 8 + left - 8 > 65535)
		ids_decode(pkt, IDS_DECODE_IP6_FRAG_BIG);
	if (offset == 1 && proto == IPPROTO_TCP)
		ids_decode(pkt, IDS_DECODE_IP6_FRAG_OVERLAP);
	if (offset) {
		pkt->proto = proto;
		return 0;
	}
	if (ids_fragment_tiny(proto, left - 8))
		return ids_malformed(pkt, IDS_DECODE_IP6_FRAG_TINY);
	return 2;
}

/* Follows the chain from pkt->l4 on, behind the headers that pkt->seen has; returns as ids_parse_ip6(). */
IDS_OUTLINE(ids_ip6_chain)
{
	int n;

#pragma clang loop unroll(disable)
	for (n = 0; n <= IDS_EXTENSIONS; n++) {
		__u32 at = pkt->l4;
		__u32 left = pkt->end - at;
		__u8 header = pkt->proto;
		__u32 length, mark;
		const __u8 *raw;
		int rc;

		switch (header) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
		case IPPROTO_DSTOPTS:
		case IDS_NEXT_MOBILITY:
		case IDS_NEXT_HIP:
		case IDS_NEXT_SHIM6:
			break;
		case IPPROTO_NONE:
			if (left)
				ids_decode(pkt, IDS_DECODE_IP6_NONE_DATA);
			return 0;
		default:
			return 1;
		}
		if (n == IDS_EXTENSIONS)
			return ids_malformed(pkt, IDS_DECODE_IP6_EXT_LONG);
		raw = left < 8 ? 0 : ids_bytes(ctx, hook, pkt, at, 8);
		if (!raw)
			return ids_malformed(pkt, IDS_DECODE_IP6_EXT_SHORT);
		length = 8 + raw[1] * 8;
		if (header == IPPROTO_FRAGMENT)
			length = 8;
		else if (header == IPPROTO_AH)
			length = raw[1] ? 8 + raw[1] * 4 : 12;
		if (length > left)
			return ids_malformed(pkt, IDS_DECODE_IP6_EXT_SHORT);
		pkt->proto = raw[0];
		pkt->l4 = at + length;
		if (header == IPPROTO_ROUTING) {
			if (pkt->seen & IDS_SEEN_ROUTING)
				ids_decode(pkt, IDS_DECODE_IP6_DUP_RH);
			else if (raw[2] == 0)
				ids_decode(pkt, IDS_DECODE_IP6_RH0);
			pkt->seen |= IDS_SEEN_ROUTING;
		} else if (header == IPPROTO_AH) {
			if (raw[2] | raw[3])
				ids_decode(pkt, IDS_DECODE_IP6_AH_RES);
			if (pkt->seen & IDS_SEEN_AUTH)
				ids_decode(pkt, IDS_DECODE_IP6_DUP_AH);
			pkt->seen |= IDS_SEEN_AUTH;
		} else if (header == IPPROTO_FRAGMENT) {
			if (raw[1])
				ids_decode(pkt, IDS_DECODE_IP6_FH_RES);
			if (pkt->seen & IDS_SEEN_FRAGMENT) {
				ids_decode(pkt, IDS_DECODE_IP6_DUP_FH);
				continue;
			}
			pkt->seen |= IDS_SEEN_FRAGMENT;
			rc = ids_ip6_fragment(pkt, raw, left);
			if (rc != 2)
				return rc;
		} else if (header == IPPROTO_HOPOPTS || header == IPPROTO_DSTOPTS) {
			mark = IDS_SEEN_HOP;
			if (header == IPPROTO_DSTOPTS)
				mark = pkt->seen & IDS_SEEN_DEST ? IDS_SEEN_DEST_TWICE : IDS_SEEN_DEST;
			if (pkt->seen & mark)
				ids_decode(pkt,
					   header == IPPROTO_HOPOPTS ? IDS_DECODE_IP6_DUP_HH : IDS_DECODE_IP6_DUP_DH);
			else
				ids_ip6_options(ctx, hook, pkt, at + 2, length - 2);
			pkt->seen |= mark;
		}
	}
	return 0;
}

#endif
