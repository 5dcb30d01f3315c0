/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Keyed hashes over what an attacker chooses: without the secret nobody can aim at an entry of a table. */
#ifndef IDS_HASH_H
#define IDS_HASH_H

#include "packet.h"

static __always_inline __u64 ids_rotate(__u64 word, const __u32 bits)
{
	return word << bits | word >> (64 - bits);
}

/* The finalizer of MurmurHash3: a bijection that spreads every bit over all. */
static __always_inline __u64 ids_mix(__u64 word)
{
	word ^= word >> 33;
	word *= 0xff51afd7ed558ccdULL;
	word ^= word >> 33;
	word *= 0xc4ceb9fe1a85ec53ULL;
	return word ^ word >> 33;
}

#define IDS_SIP_ROUND(a, b, c, d)          \
	do {                               \
		a += b;                    \
		b = ids_rotate(b, 13) ^ a; \
		a = ids_rotate(a, 32);     \
		c += d;                    \
		d = ids_rotate(d, 16) ^ c; \
		a += d;                    \
		d = ids_rotate(d, 21) ^ a; \
		c += b;                    \
		b = ids_rotate(b, 17) ^ c; \
		c = ids_rotate(c, 32);     \
	} while (0)

/* SipHash-1-3 of two words. */
__noinline __u64 ids_siphash(__u64 first, __u64 second)
{
	const struct ids_control *control = ids_settings();
	__u64 key0 = control ? control->secret[0] : 0;
	__u64 key1 = control ? control->secret[1] : 0;
	__u64 a = key0 ^ 0x736f6d6570736575ULL;
	__u64 b = key1 ^ 0x646f72616e646f6dULL;
	__u64 c = key0 ^ 0x6c7967656e657261ULL;
	__u64 d = key1 ^ 0x7465646279746573ULL;
	const __u64 last = 16ULL << 56;

	d ^= first;
	IDS_SIP_ROUND(a, b, c, d);
	a ^= first;
	d ^= second;
	IDS_SIP_ROUND(a, b, c, d);
	a ^= second;
	d ^= last;
	IDS_SIP_ROUND(a, b, c, d);
	a ^= last;
	c ^= 0xff;
	IDS_SIP_ROUND(a, b, c, d);
	IDS_SIP_ROUND(a, b, c, d);
	IDS_SIP_ROUND(a, b, c, d);
	return a ^ b ^ c ^ d;
}

/* Of the source address; computed once a packet. */
static __always_inline __u64 ids_source_hash(struct ids_packet *pkt)
{
	if (!(pkt->hashed & 1)) {
		pkt->source_hash = ids_siphash(pkt->saddr.half[0], pkt->saddr.half[1]);
		pkt->hashed |= 1;
	}
	return pkt->source_hash;
}

/* Of the destination address; computed once a packet. */
static __always_inline __u64 ids_target_hash(struct ids_packet *pkt)
{
	if (!(pkt->hashed & 2)) {
		pkt->target_hash = ids_siphash(pkt->daddr.half[0], pkt->daddr.half[1]);
		pkt->hashed |= 2;
	}
	return pkt->target_hash;
}

#endif
