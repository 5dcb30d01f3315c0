/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The Network Service Header (RFC 8300): the packet behind it is the one that is judged, as Suricata does. */
#ifndef IDS_NSH_H
#define IDS_NSH_H

#include <linux/if_ether.h>
#include "bytes.h"

/* What is behind the header at pkt->l3, which moves on: an ethertype; 0 if it is none of ours; less if it is malformed. */
IDS_OUTLINE(ids_nsh)
{
	const __u32 left = pkt->bound - pkt->l3;
	const __u8 *raw = left < 8 ? 0 : ids_bytes(ctx, hook, pkt, pkt->l3, 8);
	__u32 length, type;

	if (!raw)
		return ids_malformed(pkt, IDS_DECODE_NSH_SHORT);
	length = (raw[1] & 0x3f) * 4;
	type = raw[2] & 0x0f;
	if (raw[0] >> 6) {
		ids_decode(pkt, IDS_DECODE_NSH_VERSION);
		return 0;
	}
	if (length < 8 || length >= left)
		return ids_malformed(pkt, IDS_DECODE_NSH_LENGTH);
	if (type == 0 || type == 0x0f) {
		ids_decode(pkt, IDS_DECODE_NSH_RESERVED);
		return 0;
	}
	if (type == 1 && length != 24)
		return ids_malformed(pkt, IDS_DECODE_NSH_LENGTH);
	if (type > 2) {
		ids_decode(pkt, IDS_DECODE_NSH_TYPE);
		return 0;
	}
	pkt->l3 += length;
	switch (raw[3]) {
	case 1:
		return ETH_P_IP;
	case 2:
		return ETH_P_IPV6;
	case 3:
		return ETH_P_TEB;
	}
	ids_decode(pkt, IDS_DECODE_NSH_PAYLOAD);
	return 0;
}

#endif
