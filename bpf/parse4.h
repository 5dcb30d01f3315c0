/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The IPv4 header. Reasons and lengths are judged as Suricata judges them. */
#ifndef IDS_PARSE4_H
#define IDS_PARSE4_H

#include <linux/in.h>
#include <linux/ip.h>
#include "bytes.h"
#include "fragment.h"
#include "options4.h"

/* Returns 1 if a transport header follows, 0 if none does, less if the header could not be read. */
static __always_inline int ids_parse_ip4(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	const __u32 left = pkt->bound - pkt->l3;
	const struct iphdr *ip = left < sizeof(*ip) ? 0 : ids_bytes(ctx, hook, pkt, pkt->l3, sizeof(*ip));
	__u32 length, total, bits, offset;

	if (!ip)
		return ids_malformed(pkt, IDS_DECODE_IP4_SHORT);
	if (ip->version != 4)
		return ids_malformed(pkt, IDS_DECODE_IP4_VERSION);
	length = ip->ihl * 4;
	total = ids_ip_length(ctx, hook, bpf_ntohs(ip->tot_len), left);
	bits = bpf_ntohs(ip->frag_off);
	offset = bits & 0x1fff;
	/* Known even if the rest is not to be trusted: the lists judge by them. */
	pkt->ip_version = 4;
	pkt->saddr.half[0] = pkt->daddr.half[0] = 0;
	pkt->saddr.word[2] = pkt->daddr.word[2] = bpf_htonl(0xffff);
	pkt->saddr.word[3] = ip->saddr;
	pkt->daddr.word[3] = ip->daddr;
	pkt->peer = hook == IDS_HOOK_TC ? pkt->daddr : pkt->saddr;
	pkt->ip_len = total > 0xffff ? 0xffff : total;
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
		ids_ip4_options(ctx, hook, pkt, pkt->l3 + sizeof(*ip), length - sizeof(*ip));
	if (!(bits & 0x3fff))
		return 1;

	pkt->fragment = true;
	pkt->fragment_at = pkt->l4;
	pkt->fragment_proto = pkt->proto;
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
