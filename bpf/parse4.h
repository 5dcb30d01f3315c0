/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The IPv4 header with its options. Reasons and lengths are judged as Suricata judges them. */
#ifndef IDS_PARSE4_H
#define IDS_PARSE4_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include "bytes.h"

/* Quick-Start has no name in `ipopts`: seen, but not shown. */
#define IDS_IPOPT_HIDDEN 0x80000000

/* A commercial security option at scratch[i] is a chain of tags; the alignment octet of a tag is 0. */
static __always_inline bool ids_cipso_good(const struct ids_packet *pkt, __u32 i, __u32 length)
{
	__u32 tag = i + 6;
	__u32 left = length - 6;
	int n;

#pragma clang loop unroll(disable)
	for (n = 0; n < 9; n++) {
		__u8 type, size;

		if (left == 0)
			return true;
		if (left < 2 || tag > 60)
			return false;
		type = pkt->scratch[tag];
		size = pkt->scratch[tag + 1];
		if (size < 4 || size > left || type == 0 || type == 3 || type == 4 || type > 7)
			return false;
		if (type != 7 && pkt->scratch[tag + 2])
			return false;
		tag += size;
		left -= size;
	}
	return left == 0;
}

/* One option at scratch[i], whose length lies within the header. */
static __always_inline void ids_ip4_option(struct ids_packet *pkt, __u32 i, __u32 length)
{
	const __u8 *option = &pkt->scratch[i];
	__u32 pointer = length > 2 ? option[2] : 0;
	bool long_enough = true;
	bool well_formed = true;
	__u32 bit, record;

	switch (option[0]) {
	case 7:
	case 131:
	case 137:
		bit = option[0] == 7 ? IDS_IPOPT_RR : option[0] == 131 ? IDS_IPOPT_LSRR : IDS_IPOPT_SSRR;
		long_enough = length >= 3;
		well_formed = pointer >= 4 && pointer % 4 == 0 && pointer <= length + 1;
		break;
	case 68:
		bit = IDS_IPOPT_TS;
		long_enough = length >= 5;
		record = (option[3] & 0x0f) == 1 || (option[3] & 0x0f) == 3 ? 8 : 4;
		well_formed = pointer >= 5 && (pointer - 5) % record == 0 && pointer <= length + 1;
		break;
	case 130:
		bit = IDS_IPOPT_SEC;
		long_enough = length >= 3;
		break;
	case 133:
		bit = IDS_IPOPT_ESEC;
		long_enough = length >= 3;
		break;
	case 134:
		bit = IDS_IPOPT_CIPSO;
		long_enough = length >= 10;
		well_formed = long_enough && ids_cipso_good(pkt, i, length);
		break;
	case 136:
		bit = IDS_IPOPT_SATID;
		long_enough = length == 4;
		break;
	case 148:
		bit = IDS_IPOPT_RTRALT;
		long_enough = length == 4;
		break;
	case 25:
		bit = IDS_IPOPT_HIDDEN;
		long_enough = length >= 8;
		break;
	default:
		ids_decode(pkt, IDS_DECODE_IP4_OPT);
		/* Of a class that RFC 791 reserves. */
		if (option[0] & 0x20)
			ids_decode(pkt, IDS_DECODE_IP4_OPT_UNKNOWN);
		return;
	}
	if (pkt->seen & bit)
		ids_decode(pkt, IDS_DECODE_IP4_OPT_DUP);
	else if (!long_enough)
		ids_decode(pkt, IDS_DECODE_IP4_OPT_LEN);
	else if (!well_formed)
		ids_decode(pkt, IDS_DECODE_IP4_OPT_MALFORMED);
	else
		pkt->seen |= bit;
}

/* Walks `length` bytes of IPv4 options at `at`; both are known to lie within the packet. */
__noinline int ids_ip4_options(struct xdp_md *ctx, struct ids_packet *pkt, __u32 at, __u32 length)
{
	int n;

	if (!pkt || length == 0 || length > 40 || bpf_xdp_load_bytes(ctx, at, pkt->scratch, length))
		return 0;
	pkt->seen = 0;
	pkt->cursor = 0;
	pkt->limit = length;
	if (length % 8)
		ids_decode(pkt, IDS_DECODE_IP4_OPT_PAD);
#pragma clang loop unroll(disable)
	for (n = 0; n < 40; n++) {
		__u32 i = pkt->cursor;
		__u32 size;

		length = pkt->limit;
		if (length > 40 || i >= length)
			break;
		if (pkt->scratch[i] == 0) {
			pkt->seen |= IDS_IPOPT_EOL;
			break;
		}
		if (pkt->scratch[i] == 1) {
			pkt->seen |= IDS_IPOPT_NOP;
			pkt->cursor = i + 1;
			continue;
		}
		if (length - i < 2) {
			ids_decode(pkt, IDS_DECODE_IP4_OPT_EOL);
			break;
		}
		size = pkt->scratch[i + 1];
		if (size < 2 || size > length - i) {
			ids_decode(pkt, IDS_DECODE_IP4_OPT_LEN);
			break;
		}
		ids_ip4_option(pkt, i, size);
		pkt->cursor = i + size;
	}
	pkt->field[IDS_FIELD_IPOPTS] = pkt->seen & ~IDS_IPOPT_HIDDEN;
	return 0;
}

/* Whether `left` bytes can hold the transport header that a first fragment must bring along (RFC 1858). */
static __always_inline bool ids_fragment_tiny(__u8 proto, __u32 left)
{
	if (proto == IPPROTO_TCP)
		return left < 20;
	return (proto == IPPROTO_UDP || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) && left < 8;
}

/* Returns 1 if a transport header follows, 0 if none does, less if the header could not be read. */
static __always_inline int ids_parse_ip4(struct xdp_md *ctx, struct ids_packet *pkt)
{
	const __u32 left = pkt->frame_len - pkt->l3;
	const struct iphdr *ip = left < sizeof(*ip) ? 0 : ids_bytes(ctx, pkt, pkt->l3, sizeof(*ip));
	__u32 length, total, bits, offset;

	if (!ip)
		return ids_malformed(pkt, IDS_DECODE_IP4_SHORT);
	if (ip->version != 4)
		return ids_malformed(pkt, IDS_DECODE_IP4_VERSION);
	length = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	bits = bpf_ntohs(ip->frag_off);
	offset = bits & 0x1fff;
	/* Known even if the rest is not to be trusted: the lists judge by them. */
	pkt->ip_version = 4;
	pkt->saddr.half[0] = pkt->daddr.half[0] = 0;
	pkt->saddr.word[2] = pkt->daddr.word[2] = bpf_htonl(0xffff);
	pkt->saddr.word[3] = ip->saddr;
	pkt->daddr.word[3] = ip->daddr;
	pkt->ip_len = total;
	pkt->proto = ip->protocol;
	ids_set(pkt, IDS_FIELD_IP_VERSION, 4);
	ids_set(pkt, IDS_FIELD_TTL, ip->ttl);
	ids_set(pkt, IDS_FIELD_IP_ID, bpf_ntohs(ip->id));
	ids_set(pkt, IDS_FIELD_TOS, ip->tos);
	ids_set(pkt, IDS_FIELD_FRAGBITS, bits >> 13);
	ids_set(pkt, IDS_FIELD_FRAGOFFSET, offset);
	ids_set(pkt, IDS_FIELD_IPOPTS, 0);
	ids_set(pkt, IDS_FIELD_IP_PROTO, pkt->proto);
	ids_set(pkt, IDS_FIELD_SAMEIP, ip->saddr == ip->daddr);
	ids_set(pkt, IDS_FIELD_FRAGMENT, !!(bits & 0x3fff));
	if (length < sizeof(*ip))
		return ids_malformed(pkt, IDS_DECODE_IP4_IHL);
	if (total < length)
		return ids_malformed(pkt, IDS_DECODE_IP4_LENGTH);
	if (total > left)
		return ids_malformed(pkt, IDS_DECODE_IP4_TRUNCATED);
	pkt->proto_key = pkt->proto;
	pkt->l4 = pkt->l3 + length;
	pkt->end = pkt->l3 + total;
	if (length > sizeof(*ip))
		ids_ip4_options(ctx, pkt, pkt->l3 + sizeof(*ip), length - sizeof(*ip));
	if (!(bits & 0x3fff))
		return 1;

	pkt->fragment = true;
	pkt->fragment_id = pkt->field[IDS_FIELD_IP_ID];
	if (length + offset * 8 + (total - length) > 65535)
		ids_decode(pkt, IDS_DECODE_IP4_FRAG_BIG);
	if (offset == 1 && pkt->proto == IPPROTO_TCP)
		ids_decode(pkt, IDS_DECODE_IP4_FRAG_OVERLAP);
	if (offset)
		return 0;
	if (ids_fragment_tiny(pkt->proto, total - length))
		return ids_malformed(pkt, IDS_DECODE_IP4_FRAG_TINY);
	return 1;
}

#endif
