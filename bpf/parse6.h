/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The IPv6 header. Reasons and lengths are judged as Suricata judges them. */
#ifndef IDS_PARSE6_H
#define IDS_PARSE6_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include "bytes.h"
#include "extensions6.h"

/* Returns 1 if a transport header follows, 0 if none does, less if the headers could not be read. */
static __always_inline int ids_parse_ip6(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	const __u32 left = pkt->bound - pkt->l3;
	const struct ipv6hdr *ip = left < sizeof(*ip) ? 0 : ids_bytes(ctx, hook, pkt, pkt->l3, sizeof(*ip));
	const __u8 *raw = (const void *)ip;
	__u32 total;
	int rc = 1;

	if (!ip)
		return ids_malformed(pkt, IDS_DECODE_IP6_SHORT);
	if (raw[0] >> 4 != 6)
		return ids_malformed(pkt, IDS_DECODE_IP6_VERSION);
	total = ids_ip_length(ctx, hook, bpf_ntohs(ip->payload_len), left - sizeof(*ip)) + sizeof(*ip);
	/* Known even if the rest is not to be trusted: the lists judge by them. */
	pkt->ip_version = 6;
	__builtin_memcpy(&pkt->saddr, &ip->saddr, sizeof(pkt->saddr));
	__builtin_memcpy(&pkt->daddr, &ip->daddr, sizeof(pkt->daddr));
	pkt->peer = hook == IDS_HOOK_TC ? pkt->daddr : pkt->saddr;
	pkt->ip_len = total > 0xffff ? 0xffff : total;
	pkt->proto = ip->nexthdr;
	ids_set(pkt, IDS_FIELD_IP_VERSION, 6);
	ids_set(pkt, IDS_FIELD_TTL, ip->hop_limit);
	ids_set(pkt, IDS_FIELD_TOS, (raw[0] & 0x0f) << 4 | raw[1] >> 4);
	ids_set(pkt, IDS_FIELD_SAMEIP,
		pkt->saddr.half[0] == pkt->daddr.half[0] && pkt->saddr.half[1] == pkt->daddr.half[1]);
	ids_set(pkt, IDS_FIELD_FRAGMENT, 0);
	if (total > left)
		return ids_malformed(pkt, IDS_DECODE_IP6_TRUNCATED);
	pkt->l4 = pkt->l3 + sizeof(*ip);
	pkt->end = pkt->l3 + total;
	pkt->seen = 0;
	if (pkt->proto != IPPROTO_TCP && pkt->proto != IPPROTO_UDP && pkt->proto != IPPROTO_ICMPV6)
		rc = ids_ip6_chain(ctx, hook, pkt);
	pkt->proto_key = pkt->proto;
	ids_set(pkt, IDS_FIELD_IP_PROTO, pkt->proto);
	return rc;
}

#endif
