/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The TCP header with its options. Reasons and lengths are judged as Suricata judges them. */
#ifndef IDS_PARSE_TCP_H
#define IDS_PARSE_TCP_H

#include <linux/tcp.h>
#include "bytes.h"

#define IDS_TCP_SACK_MAX       34
/* Fast Open under an experimental option number (RFC 6994). */
#define IDS_TCP_FASTOPEN_MAGIC 0xf989

/* One TCP option at scratch[i], whose length lies within the header. */
static __always_inline void ids_tcp_option(struct ids_packet *pkt, __u32 i, __u32 length)
{
	const __u8 *option = &pkt->scratch[i];
	__u32 bit = 0;
	bool good = true;

	switch (option[0]) {
	case 2:
		bit = IDS_TCPOPT_MSS;
		good = length == 4;
		if (good && !(pkt->seen & bit))
			ids_set(pkt, IDS_FIELD_TCP_MSS, option[2] << 8 | option[3]);
		break;
	case 3:
		bit = IDS_TCPOPT_WSCALE;
		good = length == 3;
		if (good && !(pkt->seen & bit))
			ids_set(pkt, IDS_FIELD_TCP_WSCALE, option[2] > 14 ? 0 : option[2]);
		break;
	case 4:
		bit = IDS_TCPOPT_SACK_PERMITTED;
		good = length == 2;
		break;
	case 5:
		/* An empty one is useless but common. */
		if (length == 2)
			return;
		bit = IDS_TCPOPT_SACK;
		good = length >= 10 && length <= IDS_TCP_SACK_MAX && (length - 2) % 8 == 0;
		break;
	case 8:
		bit = IDS_TCPOPT_TIMESTAMP;
		good = length == 10;
		break;
	case 19:
		bit = IDS_TCPOPT_MD5;
		good = length == 18;
		break;
	case 29:
		bit = IDS_TCPOPT_AO;
		good = length >= 4;
		break;
	case 34:
		bit = IDS_TCPOPT_FASTOPEN;
		good = length == 2 || (length >= 6 && length <= 18 && !(length & 1));
		break;
	case 253:
	case 254:
		good = length == 4 || length == 12;
		if (good && (option[2] << 8 | option[3]) == IDS_TCP_FASTOPEN_MAGIC)
			bit = IDS_TCPOPT_FASTOPEN;
		break;
	}
	if (!good)
		ids_decode(pkt, IDS_DECODE_TCP_OPT_LEN);
	else if (pkt->seen & bit & ~(IDS_TCPOPT_MD5 | IDS_TCPOPT_AO))
		ids_decode(pkt, IDS_DECODE_TCP_OPT_DUP);
	else
		pkt->seen |= bit;
}

/* The option at the cursor, and on to the next; returns 1 behind the last. Verified once, not once a step. */
__noinline int ids_tcp_option_step(struct ids_packet *pkt)
{
	__u32 i, length, size;

	if (!pkt)
		return 1;
	i = pkt->cursor;
	length = pkt->limit;
	if (length > 40 || i >= length || pkt->scratch[i] == 0)
		return 1;
	if (pkt->scratch[i] == 1) {
		pkt->cursor = i + 1;
		return 0;
	}
	if (length - i < 2)
		return 1;
	size = pkt->scratch[i + 1];
	if (size < 2 || size > length - i) {
		ids_decode(pkt, IDS_DECODE_TCP_OPT_LEN);
		return 1;
	}
	ids_tcp_option(pkt, i, size);
	pkt->cursor = i + size;
	return 0;
}

/* Walks `length` bytes of TCP options at `at`; both are known to lie within the packet. */
IDS_OUTLINE_WITH(ids_tcp_options, (__u32 at, __u32 length), (at, length))
{
	int n;

	if (length == 0 || length > 40 || ids_load(ctx, hook, pkt, at, pkt->scratch, length))
		return 0;
	pkt->seen = 0;
	pkt->cursor = 0;
	pkt->limit = length;
#pragma clang loop unroll(disable)
	for (n = 0; n < 40; n++)
		if (ids_tcp_option_step(pkt))
			break;
	pkt->field[IDS_FIELD_TCP_OPTS] = pkt->seen;
	return 0;
}

static __always_inline int ids_parse_tcp(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	const __u32 left = pkt->end - pkt->l4;
	const struct tcphdr *tcp = left < sizeof(*tcp) ? 0 : ids_bytes(ctx, hook, pkt, pkt->l4, sizeof(*tcp));
	const __u8 *raw = (const void *)tcp;
	__u32 length;

	if (!tcp)
		return ids_malformed(pkt, IDS_DECODE_TCP_SHORT);
	length = (raw[12] >> 4) * 4;
	if (length < sizeof(*tcp)) {
		/* Suricata's tcp.invalid_optlen is this case: the length of the options would be negative. */
		ids_decode(pkt, IDS_DECODE_TCP_OPT);
		return ids_malformed(pkt, IDS_DECODE_TCP_DOFF);
	}
	if (length > left) {
		if (pkt->fragment)
			ids_decode(pkt, pkt->ip_version == 4 ? IDS_DECODE_IP4_FRAG_TINY : IDS_DECODE_IP6_FRAG_TINY);
		return ids_malformed(pkt, IDS_DECODE_TCP_DOFF_LONG);
	}
	pkt->sport = tcp->source;
	pkt->dport = tcp->dest;
	pkt->ports = true;
	pkt->urgent = bpf_ntohs(tcp->urg_ptr);
	ids_set(pkt, IDS_FIELD_TCP_FLAGS, raw[13]);
	ids_set(pkt, IDS_FIELD_TCP_RES, raw[12] & 0x0f);
	ids_set(pkt, IDS_FIELD_TCP_SEQ, bpf_ntohl(tcp->seq));
	ids_set(pkt, IDS_FIELD_TCP_ACK, bpf_ntohl(tcp->ack_seq));
	ids_set(pkt, IDS_FIELD_TCP_WINDOW, bpf_ntohs(tcp->window));
	ids_set(pkt, IDS_FIELD_TCP_OPTS, 0);
	pkt->payload = pkt->l4 + length;
	if (length > sizeof(*tcp)) {
		/* What nearly every data segment carries: NOP, NOP, timestamp. */
		const __u32 *usual =
			length == 32 ? ids_bytes(ctx, hook, pkt, pkt->l4 + sizeof(*tcp), sizeof(*usual)) : 0;

		if (usual && *usual == bpf_htonl(0x0101080a))
			pkt->field[IDS_FIELD_TCP_OPTS] = IDS_TCPOPT_TIMESTAMP;
		else
			ids_tcp_options(ctx, hook, pkt, pkt->l4 + sizeof(*tcp), length - sizeof(*tcp));
	}
	return 0;
}

#endif
