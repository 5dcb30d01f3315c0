/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The pool of datagrams that are put together from fragments: its memory, and reading from one of them. */
#ifndef IDS_DATAGRAMS_H
#define IDS_DATAGRAMS_H

#include "packet.h"

#define IDS_DATAGRAM_MAX   65536
/* Bytes that are copied in one step: a usual frame. They may begin with the last byte, hence the room behind it. */
#define IDS_DATAGRAM_STEP  2048
/* Offsets of fragments are in units of 8 bytes; a word of bits speaks for 64 units. */
#define IDS_DATAGRAM_WORDS (IDS_DATAGRAM_MAX / 8 / 64)

struct ids_datagram {
	__u64 held[IDS_DATAGRAM_WORDS]; /* a bit for each unit that is there */
	__u32 units;                    /* bits that are set */
	__u32 total;                    /* bytes; 0: the last fragment was not seen */
	__u32 extent;                   /* behind the last byte that was seen */
	__u32 fragments;                /* of which it consists so far */
	__u32 head; /* as the first fragment has them: bytes in front of the fragmented part, and fields */
	__u32 ttl;
	__u32 tos;
	__u32 ipopts;
	__u32 generation;        /* of told[] */
	__u16 told[IDS_MATCHES]; /* rules that have alerted on the first fragment */
	__u8 tolds;
	__u8 proto; /* of what is inside: the first fragment alone may say so (RFC 8200 4.5) */
	__u8 bytes[IDS_DATAGRAM_MAX + IDS_DATAGRAM_STEP] __attribute__((aligned(8)));
};

/*
 * The datagrams, IDS_DATAGRAM_WAYS a set. Written by the programs under the lock of their set, or by the one packet that
 * has completed them; 66 KB each, their number is a setting.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_DATAGRAMS);
	__type(key, __u32);
	__type(value, struct ids_datagram);
} ids_datagrams SEC(".maps");

/* Who the datagrams of a set are. Apart from their memory, so that looking for one costs two cache lines. */
struct ids_datagram_set {
	__u32 busy;
	__u32 pad;
	__u64 key[IDS_DATAGRAM_WAYS];   /* enum ids_datagram_key, or a keyed hash */
	__u64 since[IDS_DATAGRAM_WAYS]; /* now() at the first fragment that was seen */
};

enum ids_datagram_key {
	IDS_DATAGRAM_FREE = 0,
	IDS_DATAGRAM_TAKEN = 1, /* complete, and being judged */
};

/* As ids_datagrams. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_DATAGRAMS / IDS_DATAGRAM_WAYS);
	__type(key, __u32);
	__type(value, struct ids_datagram_set);
} ids_datagram_sets SEC(".maps");

/*
 * Datagrams that were judged and dropped: without this a host would complete them with the last fragment sent again.
 * Written by the programs, read by them alone. One that is displaced by another was still dropped once.
 */
struct ids_datagram_drop {
	__u64 key;
	__u64 until;
};

#define IDS_DATAGRAM_DROPS 1024
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDS_DATAGRAM_DROPS);
	__type(key, __u32);
	__type(value, struct ids_datagram_drop);
} ids_datagram_drops SEC(".maps");

static __always_inline struct ids_datagram *ids_datagram(__u32 index)
{
	return bpf_map_lookup_elem(&ids_datagrams, &index);
}

/* Copies bytes of the datagram that the packet is read from; 0, or less if it ends before. */
static __always_inline long ids_datagram_load(const struct ids_packet *pkt, __u32 offset, void *to, __u32 length)
{
	const struct ids_datagram *datagram = ids_datagram(pkt->assembled - 1);

	if (!datagram || offset > IDS_DATAGRAM_MAX || (__u64)offset + length > pkt->bound)
		return -1;
	return bpf_probe_read_kernel(to, length, datagram->bytes + offset);
}

#endif
