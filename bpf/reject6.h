/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Answers of a reject over IPv6: who may be answered, and the RST or ICMPv6 error that is the answer. */
#ifndef IDS_REJECT6_H
#define IDS_REJECT6_H

#include "reply.h"

enum ids_icmp6 {
	IDS_ICMP6_UNREACHABLE = 1,
	IDS_ICMP6_PROHIBITED = 1,
	IDS_ICMP6_PORT = 4,
	IDS_ICMP6_INFORMATIONAL = 128, /* types below are errors, RFC 4443 2.1 */
	IDS_ICMP6_REDIRECT = 137,
};

/* Neither multicast, nor unspecified, nor loopback, nor IPv4 in disguise, which is on no wire (RFC 4942 2.2). */
static __always_inline bool ids_reject6_is_host(const union ids_address *address)
{
	if (address->byte[0] == 0xff)
		return false;
	if (address->half[0] != 0)
		return true;
	return address->word[2] != bpf_htonl(0xffff) && (address->word[2] != 0 || bpf_ntohl(address->word[3]) > 1);
}

/* RFC 4443 2.4 (e): never about an error or a redirect. */
static __always_inline bool ids_reject6_icmp(__u32 type)
{
	return type >= IDS_ICMP6_INFORMATIONAL && type != IDS_ICMP6_REDIRECT;
}

struct ids_pseudo6 {
	struct in6_addr addr[2];
	__be32 length;
	__be32 proto;
};

/* The sum over the pseudo header, RFC 8200 8.1. */
static __always_inline __s64 ids_reject6_pseudo(const struct ipv6hdr *ip, __u32 length, __u32 proto)
{
	struct ids_pseudo6 pseudo = {
		.addr = { ip->saddr, ip->daddr },
		.length = bpf_htonl(length),
		.proto = bpf_htonl(proto),
	};

	return bpf_csum_diff(0, 0, (__be32 *)&pseudo, sizeof(pseudo), 0);
}

/* Fills `reply`, which is zero; the length of the IP packet, or 0 if it cannot be made. */
static __always_inline __u32 ids_reject6(void *ctx, const enum ids_hook hook, struct ids_packet *pkt,
					 union ids_reply *reply)
{
	struct ipv6hdr *ip = &reply->v6.ip;
	__u32 length;

	ip->version = 6;
	ip->hop_limit = IDS_REPLY_TTL;
	__builtin_memcpy(&ip->saddr, &pkt->daddr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &pkt->saddr, sizeof(ip->daddr));
	if (pkt->proto_key == IPPROTO_TCP) {
		struct tcphdr *tcp = &reply->v6.tcp;

		length = sizeof(*tcp);
		ip->nexthdr = IPPROTO_TCP;
		ids_reply_rst(pkt, tcp);
		tcp->check = ids_fold(
			bpf_csum_diff(0, 0, (__be32 *)tcp, sizeof(*tcp), ids_reject6_pseudo(ip, length, IPPROTO_TCP)));
	} else {
		struct ids_icmp *icmp = &reply->v6.icmp;
		__u32 quoted = ids_reply_quote(ctx, hook, pkt, (__u8 *)(icmp + 1), sizeof(*ip));

		if (!quoted)
			return 0;
		length = sizeof(*icmp) + quoted;
		ip->nexthdr = IPPROTO_ICMPV6;
		icmp->type = IDS_ICMP6_UNREACHABLE;
		icmp->code = pkt->proto_key == IPPROTO_UDP ? IDS_ICMP6_PORT : IDS_ICMP6_PROHIBITED;
		icmp->check = ids_fold(bpf_csum_diff(0, 0, (__be32 *)icmp, sizeof(*icmp) + IDS_REPLY_QUOTE,
						     ids_reject6_pseudo(ip, length, IPPROTO_ICMPV6)));
	}
	ip->payload_len = bpf_htons(length);
	return sizeof(*ip) + length;
}

#endif
