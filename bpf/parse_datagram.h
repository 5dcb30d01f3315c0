/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The datagram that was put together, as its host will read it: the header of the first fragment, and what follows. */
#ifndef IDS_PARSE_DATAGRAM_H
#define IDS_PARSE_DATAGRAM_H

#include "datagrams.h"
#include "parse6.h"

/* Returns as ids_parse_ip4() and ids_parse_ip6(). The addresses are those of the fragment that was read last. */
IDS_OUTLINE(ids_parse_datagram)
{
	const struct ids_datagram *datagram = ids_datagram(pkt->assembled - 1);
	__u32 n, ip_len;
	int rc = 1;

	if (!datagram)
		return -1;
	/* The next packet's fragments may come to this place. */
	ip_len = datagram->head + datagram->total;
	pkt->ip_len = ip_len > 65535 ? 65535 : ip_len;
	ids_set(pkt, IDS_FIELD_TTL, datagram->ttl);
	ids_set(pkt, IDS_FIELD_TOS, datagram->tos);
	ids_set(pkt, IDS_FIELD_FRAGMENT, 0);
	if (pkt->ip_version == 4) {
		ids_set(pkt, IDS_FIELD_IPOPTS, datagram->ipopts);
		ids_set(pkt, IDS_FIELD_FRAGBITS, 0);
		ids_set(pkt, IDS_FIELD_FRAGOFFSET, 0);
	} else {
		pkt->present &= ~(1u << IDS_FIELD_FRAGBITS | 1u << IDS_FIELD_FRAGOFFSET);
	}
	pkt->tolds = datagram->generation == pkt->generation ? datagram->tolds : 0;
	for (n = 0; n < IDS_MATCHES; n++)
		pkt->told[n] = datagram->told[n];
	pkt->bound = pkt->end = datagram->total;
	pkt->l4 = 0;
	pkt->proto = datagram->proto;
	if (pkt->ip_version == 6) {
		/* A second fragment header is none (ipv6.exthdr_dupl_fh). */
		pkt->seen = IDS_SEEN_FRAGMENT;
		rc = ids_ip6_chain(ctx, hook, pkt);
	}
	pkt->proto_key = pkt->proto;
	ids_set(pkt, IDS_FIELD_IP_PROTO, pkt->proto);
	return rc;
}

#endif
