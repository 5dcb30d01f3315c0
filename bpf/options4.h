/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The options of an IPv4 header, judged as Suricata judges them. */
#ifndef IDS_OPTIONS4_H
#define IDS_OPTIONS4_H

#include "bytes.h"

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
		bit = IDS_IPOPT_QS;
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

/* The option at the cursor, and on to the next; returns 1 behind the last. Verified once, not once a step. */
__noinline int ids_ip4_option_step(struct ids_packet *pkt)
{
	__u32 i, length, size;

	if (!pkt)
		return 1;
	i = pkt->cursor;
	length = pkt->limit;
	if (length > 40 || i >= length)
		return 1;
	if (pkt->scratch[i] == 0) {
		pkt->seen |= IDS_IPOPT_EOL;
		return 1;
	}
	if (pkt->scratch[i] == 1) {
		pkt->seen |= IDS_IPOPT_NOP;
		pkt->cursor = i + 1;
		return 0;
	}
	if (length - i < 2) {
		ids_decode(pkt, IDS_DECODE_IP4_OPT_EOL);
		return 1;
	}
	size = pkt->scratch[i + 1];
	if (size < 2 || size > length - i) {
		ids_decode(pkt, IDS_DECODE_IP4_OPT_LEN);
		return 1;
	}
	ids_ip4_option(pkt, i, size);
	pkt->cursor = i + size;
	return 0;
}

/* Walks `length` bytes of IPv4 options at `at`; both are known to lie within the packet. */
IDS_OUTLINE_WITH(ids_ip4_options, (__u32 at, __u32 length), (at, length))
{
	int n;

	if (length == 0 || length > 40 || ids_load(ctx, hook, pkt, at, pkt->scratch, length))
		return 0;
	pkt->seen = 0;
	pkt->cursor = 0;
	pkt->limit = length;
	if (length % 8)
		ids_decode(pkt, IDS_DECODE_IP4_OPT_PAD);
#pragma clang loop unroll(disable)
	for (n = 0; n < 40; n++)
		if (ids_ip4_option_step(pkt))
			break;
	pkt->field[IDS_FIELD_IPOPTS] = pkt->seen;
	return 0;
}

#endif
