/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Answers of a reject over IPv4: who may be answered, and the RST or ICMP error that is the answer. */
#ifndef IDS_REJECT4_H
#define IDS_REJECT4_H

#include "reply.h"

enum ids_icmp4 {
	IDS_ICMP4_UNREACHABLE = 3,
	IDS_ICMP4_PORT = 3,
	IDS_ICMP4_PROHIBITED = 13, /* RFC 1812 5.2.7.1 */
};

/* This-network, loopback, multicast, reserved and broadcast addresses neither send nor receive an answer. */
static __always_inline bool ids_reject4_is_host(const union ids_address *address)
{
	__u8 first = address->byte[12];

	return first != 0 && first != 127 && first < 224;
}

/* RFC 1122 3.2.2 and RFC 1812 4.3.2.7: never an error about an error; what is of no known type may be one. */
static __always_inline bool ids_reject4_icmp(__u32 type)
{
	switch (type) {
	case 0:  /* echo reply */
	case 8:  /* echo */
	case 10: /* router solicitation */
	case 13: /* timestamp, its reply, and what went out of use */
	case 14:
	case 15:
	case 16:
	case 17:
	case 18:
		return true;
	default:
		return false;
	}
}

/* Fills `reply`, which is zero; the length of the IP packet, or 0 if it cannot be made. */
static __always_inline __u32 ids_reject4(void *ctx, const enum ids_hook hook, struct ids_packet *pkt,
					 union ids_reply *reply)
{
	struct iphdr *ip = &reply->v4.ip;
	__u32 length = sizeof(*ip);

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = IDS_REPLY_TTL;
	ip->saddr = pkt->daddr.word[3];
	ip->daddr = pkt->saddr.word[3];
	if (pkt->proto_key == IPPROTO_TCP) {
		struct tcphdr *tcp = &reply->v4.tcp;
		struct {
			__be32 addr[2];
			__be16 proto;
			__be16 length;
		} pseudo = { { ip->saddr, ip->daddr }, bpf_htons(IPPROTO_TCP), bpf_htons(sizeof(*tcp)) };

		ip->protocol = IPPROTO_TCP;
		length += sizeof(*tcp);
		ids_reply_rst(pkt, tcp);
		tcp->check = ids_fold(bpf_csum_diff(0, 0, (__be32 *)tcp, sizeof(*tcp),
						    bpf_csum_diff(0, 0, (__be32 *)&pseudo, sizeof(pseudo), 0)));
	} else {
		struct ids_icmp *icmp = &reply->v4.icmp;
		__u32 quoted = ids_reply_quote(ctx, hook, pkt, (__u8 *)(icmp + 1), sizeof(*ip));

		if (!quoted)
			return 0;
		ip->protocol = IPPROTO_ICMP;
		ip->tos = 0xc0; /* internetwork control, RFC 1812 4.3.2.5 */
		length += sizeof(*icmp) + quoted;
		icmp->type = IDS_ICMP4_UNREACHABLE;
		icmp->code = pkt->proto_key == IPPROTO_UDP ? IDS_ICMP4_PORT : IDS_ICMP4_PROHIBITED;
		icmp->check = ids_fold(bpf_csum_diff(0, 0, (__be32 *)icmp, sizeof(*icmp) + IDS_REPLY_QUOTE, 0));
	}
	ip->tot_len = bpf_htons(length);
	ip->check = ids_fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0));
	return length;
}

#endif
