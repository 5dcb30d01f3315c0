/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The classifier: which header rules can match a packet is an AND of bit vectors, whatever their number. */
#ifndef IDS_CLASSIFY_H
#define IDS_CLASSIFY_H

#include <linux/in.h>
#include <linux/in6.h>
#include "packet.h"

/* Number of a bit by its place in a de Bruijn sequence: no branch, of which the verifier would follow all 64 ways. */
static const __u8 ids_bit_number[64] = {
	0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51,
	43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
	44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6,
};

/* Number of the lowest bit set; there must be one. */
static __always_inline __u32 ids_lowest(__u64 bits)
{
	__u32 number = ids_bit_number[(bits & -bits) * 0x03f79d71b4cb0a89ULL >> 58];

	/* The compiler knows the table, the verifier does not: neither may drop the bound. */
	barrier_var(number);
	return number & 63;
}

static __always_inline __u32 ids_protocol_key(const struct ids_packet *pkt)
{
	return pkt->proto_key < IDS_PROTO_KEYS ? pkt->proto_key : IDS_PROTO_NONE;
}

/* The vector of what does not depend on addresses, into candidate[] and live. `proto`: that of its protocol. */
static __always_inline void ids_candidates(struct ids_packet *pkt, const struct ids_ruleset *set, __u32 proto)
{
	__u32 words = set->words;
	__u32 key = ids_protocol_key(pkt);
	__u32 l4 = set->l4_none, sport = set->port_none[0], dport = set->port_none[1];
	__u32 word;

	if (pkt->l4_read) {
		if (key == IPPROTO_TCP)
			l4 = set->l4[IDS_L4_TCP][pkt->field[IDS_FIELD_TCP_FLAGS] & 255];
		else if (key == IPPROTO_ICMP)
			l4 = set->l4[IDS_L4_ICMP][pkt->field[IDS_FIELD_ICMP_TYPE] & 255];
		else if (key == IPPROTO_ICMPV6)
			l4 = set->l4[IDS_L4_ICMP6][pkt->field[IDS_FIELD_ICMP_TYPE] & 255];
	}
	if (pkt->ports) {
		sport = set->sport[bpf_ntohs(pkt->sport)];
		dport = set->dport[bpf_ntohs(pkt->dport)];
	}
	proto &= IDS_MAX_VECTORS - 1;
	l4 &= IDS_MAX_VECTORS - 1;
	sport &= IDS_MAX_VECTORS - 1;
	dport &= IDS_MAX_VECTORS - 1;
	pkt->live = 0;
	if (!proto || !l4 || !sport || !dport)
		return;
#pragma clang loop unroll(disable)
	for (word = 0; word < IDS_RULE_WORDS; word++) {
		__u64 bits;

		if (word >= words)
			break;
		bits = set->vector[proto][word] & set->vector[l4][word] & set->vector[sport][word] &
		       set->vector[dport][word];
		pkt->candidate[word] = bits;
		if (bits)
			pkt->live |= 1ULL << word;
	}
}

/* Keeps those candidates that the packet's addresses meet. */
static __always_inline void ids_address_candidates(struct ids_packet *pkt, const struct ids_ruleset *set)
{
	__u32 source = set->address_default[0], target = set->address_default[1];
	__u32 slot = pkt->slot, word;
	__u64 live = pkt->live;
	void *trie = bpf_map_lookup_elem(&ids_addresses, &slot);

	if (trie && pkt->ip_version && set->flags & IDS_RULESET_ADDRESSES) {
		struct ids_prefix key = { .prefix = 128 };
		const struct ids_address_class *class;

		__builtin_memcpy(key.addr, &pkt->saddr, sizeof(key.addr));
		class = bpf_map_lookup_elem(trie, &key);
		if (class)
			source = class->src;
		__builtin_memcpy(key.addr, &pkt->daddr, sizeof(key.addr));
		class = bpf_map_lookup_elem(trie, &key);
		if (class)
			target = class->dst;
	}
	source &= IDS_MAX_VECTORS - 1;
	target &= IDS_MAX_VECTORS - 1;
	pkt->live = 0;
	if (!source || !target)
		return;
#pragma clang loop unroll(disable)
	for (word = 0; word < IDS_RULE_WORDS; word++) {
		__u64 bits;

		if (!(live >> word & 1))
			continue;
		bits = pkt->candidate[word] & set->vector[source][word] & set->vector[target][word];
		pkt->candidate[word] = bits;
		if (bits)
			pkt->live |= 1ULL << word;
	}
}

#endif
