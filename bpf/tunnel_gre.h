/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* GRE (RFC 2784, 2890, and the source routes of 1701), PPTP's (RFC 2637), and ERSPAN behind it. */
#ifndef IDS_TUNNEL_GRE_H
#define IDS_TUNNEL_GRE_H

#include <linux/if_ether.h>
#include "bytes.h"

#define IDS_GRE_PPP     0x880b
#define IDS_GRE_ERSPAN3 0x22eb
/* Entries of a source route that are skipped. */
#define IDS_GRE_ROUTES  8

#define IDS_GRE_CHECKSUM 0x8000
#define IDS_GRE_ROUTE    0x4000
#define IDS_GRE_KEY      0x2000
#define IDS_GRE_SEQUENCE 0x1000
#define IDS_GRE_STRICT   0x0800
#define IDS_GRE_RECUR    0x0700
#define IDS_GRE_ACK      0x0080
#define IDS_GRE_FLAGS    0x0078
#define IDS_GRE_VERSION  0x0007

/* Notes that a packet of that ethertype begins at `at`. */
static __always_inline void ids_carries(struct ids_packet *pkt, __u16 type, __u32 at)
{
	if (at >= pkt->end)
		return;
	pkt->inner = type;
	pkt->inner_at = at;
	pkt->inner_vlan = 0;
}

/* Skips source routes; where the packet begins, or 0. */
static __always_inline __u32 ids_gre_routes(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 at)
{
	int n;

	pkt->cursor = at;
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_GRE_ROUTES; n++) {
		const __u8 *raw;

		at = pkt->cursor;
		raw = at + 4 > pkt->end ? 0 : ids_bytes(ctx, hook, pkt, at, 4);
		if (!raw)
			break;
		if (!(raw[0] | raw[1] | raw[3]))
			return at + 4;
		pkt->cursor = at + 4 + raw[3];
	}
	ids_malformed(pkt, IDS_DECODE_GRE0_SRE);
	return 0;
}

/* PPP, with or without its address and control bytes and with its protocol in one byte or two. */
static __always_inline void ids_carries_ppp(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 at)
{
	const __u8 *raw = at + 4 > pkt->end ? 0 : ids_bytes(ctx, hook, pkt, at, 4);
	__u32 skip, protocol;

	if (!raw)
		return;
	skip = raw[0] == 0xff && raw[1] == 0x03 ? 2 : 0;
	protocol = raw[skip] & 1 ? raw[skip] : raw[skip] << 8 | raw[skip + 1];
	at += skip + (raw[skip] & 1 ? 1 : 2);
	if (protocol == 0x21)
		ids_carries(pkt, ETH_P_IP, at);
	else if (protocol == 0x57)
		ids_carries(pkt, ETH_P_IPV6, at);
}

/* Type II, and III (draft-foschiano-erspan). */
static __always_inline void ids_carries_erspan(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, __u32 at,
					       bool third)
{
	const __u32 size = third ? 12 : 8;
	const __u8 *raw = at + size > pkt->end ? 0 : ids_bytes(ctx, hook, pkt, at, 12 * third + 8 * !third);
	__u32 vlan;

	if (!raw) {
		ids_decode(pkt, IDS_DECODE_ERSPAN_SHORT);
		return;
	}
	if (raw[0] >> 4 != (third ? 2 : 1)) {
		ids_decode(pkt, IDS_DECODE_ERSPAN_VERSION);
		return;
	}
	vlan = (raw[0] << 8 | raw[1]) & 0x0fff;
	at += size;
	if (third && raw[11] & 1)
		at += 8;
	ids_carries(pkt, ETH_P_TEB, at);
	pkt->inner_vlan = vlan;
}

static __always_inline void ids_carries_gre(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	__u32 at = pkt->l4, flags, type;
	const __u8 *raw = at + 4 > pkt->end ? 0 : ids_bytes(ctx, hook, pkt, at, 4);
	bool first;

	if (!raw) {
		ids_malformed(pkt, IDS_DECODE_GRE_SHORT);
		return;
	}
	flags = raw[0] << 8 | raw[1];
	type = raw[2] << 8 | raw[3];
	first = (flags & IDS_GRE_VERSION) == 1;
	if ((flags & IDS_GRE_VERSION) > 1) {
		ids_malformed(pkt, IDS_DECODE_GRE_VERSION);
		return;
	}
	if (flags & IDS_GRE_RECUR)
		ids_decode(pkt, first ? IDS_DECODE_GRE1_RECUR : IDS_DECODE_GRE0_RECUR);
	if (flags & IDS_GRE_FLAGS)
		ids_decode(pkt, first ? IDS_DECODE_GRE1_FLAGS : IDS_DECODE_GRE0_FLAGS);
	at += 4;
	if (first) {
		if (flags & IDS_GRE_CHECKSUM)
			ids_decode(pkt, IDS_DECODE_GRE1_CHECKSUM);
		if (flags & IDS_GRE_ROUTE)
			ids_decode(pkt, IDS_DECODE_GRE1_ROUTE);
		if (flags & IDS_GRE_STRICT)
			ids_decode(pkt, IDS_DECODE_GRE1_SSR);
		if (type != IDS_GRE_PPP)
			ids_decode(pkt, IDS_DECODE_GRE1_PROTOCOL);
		if (!(flags & IDS_GRE_KEY))
			ids_decode(pkt, IDS_DECODE_GRE1_NO_KEY);
	} else if (flags & (IDS_GRE_CHECKSUM | IDS_GRE_ROUTE)) {
		at += 4;
	}
	at += (flags & IDS_GRE_KEY ? 4 : 0) + (flags & IDS_GRE_SEQUENCE ? 4 : 0);
	if (first && flags & IDS_GRE_ACK)
		at += 4;
	if (at > pkt->end) {
		ids_malformed(pkt, first ? IDS_DECODE_GRE1_LONG : IDS_DECODE_GRE0_LONG);
		return;
	}
	if (!first && flags & IDS_GRE_ROUTE) {
		at = ids_gre_routes(ctx, hook, pkt, at);
		if (!at)
			return;
	}
	switch (type) {
	case ETH_P_IP:
	case ETH_P_IPV6:
	case ETH_P_TEB:
	case ETH_P_8021Q:
	case ETH_P_8021AD:
	case ETH_P_NSH:
		ids_carries(pkt, type, at);
		break;
	case IDS_GRE_PPP:
		ids_carries_ppp(ctx, hook, pkt, at);
		break;
	case ETH_P_ERSPAN:
		/* Type I has no header of its own and no sequence number. */
		if (flags & IDS_GRE_SEQUENCE)
			ids_carries_erspan(ctx, hook, pkt, at, false);
		else
			ids_carries(pkt, ETH_P_TEB, at);
		break;
	case IDS_GRE_ERSPAN3:
		ids_carries_erspan(ctx, hook, pkt, at, true);
		break;
	}
}

#endif
