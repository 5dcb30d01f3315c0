/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The packet that a reject sends back: its room, and what IPv4 and IPv6 share in filling it. */
#ifndef IDS_REPLY_H
#define IDS_REPLY_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include "bytes.h"
#include "datagrams.h"
#include "packet.h"

#define IDS_REPLY_QUOTE 128 /* bytes of the rejected packet in an ICMP error: any IPv4 header, and what follows it */
#define IDS_REPLY_TTL   64

/* The head of every ICMP and ICMPv6 message; <linux/icmp.h> does not compile for BPF. */
struct ids_icmp {
	__u8 type;
	__u8 code;
	__sum16 check;
	__be32 rest;
};

/* From the IP header on; all zero before it is filled, so that a quote of odd length is padded for its checksum. */
union ids_reply {
	struct {
		struct iphdr ip;
		union {
			struct tcphdr tcp;
			struct ids_icmp icmp;
		};
	} v4;
	struct {
		struct ipv6hdr ip;
		union {
			struct tcphdr tcp;
			struct ids_icmp icmp;
		};
	} v6;
	__u8 byte[sizeof(struct ipv6hdr) + sizeof(struct ids_icmp) + IDS_REPLY_QUOTE];
};

/* The Internet checksum of a sum that bpf_csum_diff made. */
static __always_inline __sum16 ids_fold(__s64 sum)
{
	__u32 folded = (__u32)sum;

	folded = (folded & 0xffff) + (folded >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return ~folded;
}

/* The RST that RFC 9293 3.10.7.1 has for a segment without a connection. */
static __always_inline void ids_reply_rst(struct ids_packet *pkt, struct tcphdr *tcp)
{
	__u32 flags = ids_get(pkt, IDS_FIELD_TCP_FLAGS);

	tcp->source = pkt->dport;
	tcp->dest = pkt->sport;
	tcp->doff = sizeof(*tcp) / 4;
	tcp->rst = 1;
	if (flags & 16) {
		tcp->seq = bpf_htonl(ids_get(pkt, IDS_FIELD_TCP_ACK));
		return;
	}
	/* SYN and FIN count as a byte each. */
	tcp->ack_seq = bpf_htonl(ids_get(pkt, IDS_FIELD_TCP_SEQ) + pkt->payload_len + (flags >> 1 & 1) + (flags & 1));
	tcp->ack = 1;
}

/* The IP header in `to`, of the fragment that came last, becomes that of the whole datagram as its receiver has it. */
static __always_inline void ids_reply_head(const struct ids_packet *pkt, const struct ids_datagram *datagram, __u8 *to)
{
	if (pkt->ip_version == 4) {
		struct iphdr *ip = (struct iphdr *)to;

		ip->ihl = sizeof(*ip) / 4;
		ip->tot_len = bpf_htons(sizeof(*ip) + pkt->end > 65535 ? 65535 : sizeof(*ip) + pkt->end);
		ip->frag_off = 0;
		ip->ttl = pkt->field[IDS_FIELD_TTL];
		ip->tos = pkt->field[IDS_FIELD_TOS];
		ip->protocol = datagram->proto;
		ip->check = 0;
		ip->check = ids_fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0));
	} else {
		struct ipv6hdr *ip = (struct ipv6hdr *)to;

		ip->payload_len = bpf_htons(pkt->end);
		ip->nexthdr = datagram->proto;
		ip->hop_limit = pkt->field[IDS_FIELD_TTL];
	}
}

/* As ids_reply_quote(), of a datagram that was put together: a header of `head` bytes, and its first bytes. */
static __always_inline __u32 ids_reply_quote_whole(void *ctx, const enum ids_hook hook, struct ids_packet *pkt,
						   __u8 *to, const __u32 head)
{
	const struct ids_datagram *datagram = ids_datagram(pkt->assembled - 1);
	__u32 length = pkt->end, index = pkt->assembled;
	long rc;

	pkt->assembled = 0;
	rc = ids_load(ctx, hook, pkt, pkt->l3, to, head);
	pkt->assembled = index;
	if (rc || !datagram)
		return 0;
	if (length > IDS_REPLY_QUOTE - head)
		length = IDS_REPLY_QUOTE - head;
	barrier_var(length);
	if (length == 0 || length > IDS_REPLY_QUOTE - head || ids_datagram_load(pkt, 0, to + head, length))
		return 0;
	ids_reply_head(pkt, datagram, to);
	return head + length;
}

/* Copies the beginning of the rejected packet, whose IP header has `head` bytes at least, to `to`; its length, or 0 if that fails. */
static __always_inline __u32 ids_reply_quote(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u8 *to,
					     const __u32 head)
{
	__u32 length = pkt->end - pkt->l3;

	if (pkt->assembled)
		return ids_reply_quote_whole(ctx, hook, pkt, to, head);
	if (length > IDS_REPLY_QUOTE)
		length = IDS_REPLY_QUOTE;
	barrier_var(length);
	if (length == 0 || length > IDS_REPLY_QUOTE || ids_load(ctx, hook, pkt, pkt->l3, to, length))
		return 0;
	return length;
}

#endif
