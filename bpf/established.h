/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Whether a TCP packet belongs to a connection of this host: what a forged source cannot fake. */
#ifndef IDS_ESTABLISHED_H
#define IDS_ESTABLISHED_H

#include <linux/in.h>
#include <bpf/bpf_core_read.h>
#include "packet.h"

#define IDS_TCP_ESTABLISHED  1
#define IDS_TCP_NEW_SYN_RECV 12

/* What is read of the kernel's own structure; offsets are found at load time. */
struct tcp_sock {
	__u32 rcv_nxt;
	__u32 rcv_wup;
	__u32 rcv_wnd;
} __attribute__((preserve_access_index));

/* A connection whose handshake is about to end. */
struct tcp_request_sock {
	__u32 snt_isn;
} __attribute__((preserve_access_index));

/* As the kernel's tcp_sequence(): not before what was acknowledged, not behind what is open. */
static __always_inline bool ids_in_window(const struct tcp_sock *tcp, __u32 seq, __u32 length)
{
	__u32 edge = tcp->rcv_wup + tcp->rcv_wnd;

	return (__s32)(seq + length - tcp->rcv_wup) >= 0 && (__s32)(edge - seq) >= 0;
}

/*
 * A request can follow the last packet of the handshake so closely that the stack has not seen that one yet. Whoever
 * acknowledges the number that we have sent has received it.
 */
static __always_inline bool ids_acknowledges(const struct ids_packet *pkt, struct bpf_sock *sock)
{
	const struct tcp_request_sock *request = bpf_skc_to_tcp_request_sock(sock);

	return request && ids_get(pkt, IDS_FIELD_TCP_FLAGS) & IDS_TCP_ACK &&
	       ids_get(pkt, IDS_FIELD_TCP_ACK) == request->snt_isn + 1;
}

/* A packet of a socket of this host carries it along. */
static __always_inline int ids_sent_established(const struct __sk_buff *skb)
{
	const struct bpf_sock *sock = skb->sk;

	return sock && sock->state == IDS_TCP_ESTABLISHED;
}

/* Looks up the socket that gets the packet. */
static __always_inline int ids_received_established(void *ctx, const struct ids_packet *pkt)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sock;
	struct tcp_sock *tcp;
	int result = 0;

	if (pkt->ip_version == 4) {
		tuple.ipv4.saddr = pkt->saddr.word[3];
		tuple.ipv4.daddr = pkt->daddr.word[3];
		tuple.ipv4.sport = pkt->sport;
		tuple.ipv4.dport = pkt->dport;
		sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &pkt->saddr, sizeof(tuple.ipv6.saddr));
		__builtin_memcpy(tuple.ipv6.daddr, &pkt->daddr, sizeof(tuple.ipv6.daddr));
		tuple.ipv6.sport = pkt->sport;
		tuple.ipv6.dport = pkt->dport;
		sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sock)
		return 0;
	if (sock->state == IDS_TCP_ESTABLISHED) {
		tcp = bpf_skc_to_tcp_sock(sock);
		if (tcp)
			result = ids_in_window(tcp, ids_get(pkt, IDS_FIELD_TCP_SEQ), pkt->payload_len);
	} else if (sock->state == IDS_TCP_NEW_SYN_RECV) {
		result = ids_acknowledges(pkt, sock);
	}
	bpf_sk_release(sock);
	return result;
}

/* Costs some hundred nanoseconds, hence only for a packet that raises an event. */
IDS_OUTLINE(ids_established)
{
	return hook == IDS_HOOK_TC ? ids_sent_established(ctx) : ids_received_established(ctx, pkt);
}

#endif
