/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The headers of ICMP and ICMPv6, and which of their types and codes Suricata knows. */
#ifndef IDS_PARSE_ICMP_H
#define IDS_PARSE_ICMP_H

#include "bytes.h"

#define IDS_ANY_CODE 0xff
#define IDS_NO_TYPE  0xfe

/* The highest code of each ICMP type that Suricata knows. */
static __always_inline __u32 ids_icmp4_codes(__u8 type)
{
	switch (type) {
	case 3:
		return 15;
	case 5:
		return 3;
	case 9:
		return IDS_ANY_CODE;
	case 11:
		return 1;
	case 0:
	case 4:
	case 8:
	case 12 ... 18:
		return 0;
	}
	return IDS_NO_TYPE;
}

static __always_inline __u32 ids_icmp6_codes(__u8 type)
{
	switch (type) {
	case 1:
		return 6;
	case 3:
		return 1;
	case 4:
	case 139:
	case 140:
		return 2;
	case 138:
	case 150 ... 153:
	case 155:
		return IDS_ANY_CODE;
	case 2:
	case 128 ... 137:
	case 141 ... 149:
	case 154:
	case 156 ... 159:
		return 0;
	}
	return IDS_NO_TYPE;
}

static __always_inline void ids_judge_icmp6(struct ids_packet *pkt, __u8 type, __u8 code)
{
	__u32 codes = ids_icmp6_codes(type);

	if (codes == IDS_NO_TYPE) {
		if ((type > 4 && type < 100) || (type >= 102 && type < 127) || (type >= 160 && type < 200))
			ids_decode(pkt, IDS_DECODE_ICMP6_UNASSIGNED);
		else if (type == 100 || type == 101 || type == 200 || type == 201)
			ids_decode(pkt, IDS_DECODE_ICMP6_EXPERIMENT);
		else
			ids_decode(pkt, IDS_DECODE_ICMP6_TYPE);
	} else if (code > codes || (type == 138 && code > 2 && code != 255) ||
		   (type == 155 && ((code > 3 && code < 128) || code > 132))) {
		ids_decode(pkt, IDS_DECODE_ICMP6_CODE);
	}
}

static __always_inline int ids_parse_icmp(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, bool v6)
{
	const __u32 left = pkt->end - pkt->l4;
	const __u8 *icmp = left < 8 ? 0 : ids_bytes(ctx, hook, pkt, pkt->l4, 8);
	__u8 type, code;

	if (!icmp)
		return ids_malformed(pkt, v6 ? IDS_DECODE_ICMP6_SHORT : IDS_DECODE_ICMP4_SHORT);
	type = icmp[0];
	code = icmp[1];
	ids_set(pkt, IDS_FIELD_ICMP_TYPE, type);
	ids_set(pkt, IDS_FIELD_ICMP_CODE, code);
	if (v6 ? type == 128 || type == 129 : type == 0 || type == 8 || (type >= 13 && type <= 18)) {
		ids_set(pkt, IDS_FIELD_ICMP_ID, icmp[4] << 8 | icmp[5]);
		ids_set(pkt, IDS_FIELD_ICMP_SEQ, icmp[6] << 8 | icmp[7]);
	}
	if (v6 && type == 2 && code == 0)
		ids_set(pkt, IDS_FIELD_ICMP_MTU, (__u32)icmp[4] << 24 | icmp[5] << 16 | icmp[6] << 8 | icmp[7]);
	pkt->payload = pkt->l4 + 8;
	if (v6) {
		ids_judge_icmp6(pkt, type, code);
	} else {
		__u32 codes = ids_icmp4_codes(type);

		if (codes == IDS_NO_TYPE)
			ids_decode(pkt, IDS_DECODE_ICMP4_TYPE);
		else if (code > codes)
			ids_decode(pkt, IDS_DECODE_ICMP4_CODE);
	}
	return 0;
}

#endif
