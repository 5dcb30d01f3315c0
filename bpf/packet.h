/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parsed packet: what the parser writes once and every later stage reads instead of raw headers, and the decision
 * that the stages work on; it lies in a per-CPU map, as 512 bytes of stack would not hold it.
 */
#ifndef IDS_PACKET_H
#define IDS_PACKET_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "hook.h"
#include "maps.h"

#define IDS_SCRATCH 128
/* IP layers that are judged: the outermost, and two tunnels deep. */
#define IDS_LAYERS  3

#define IDS_TCP_FIN 0x01
#define IDS_TCP_SYN 0x02
#define IDS_TCP_RST 0x04
#define IDS_TCP_ACK 0x10

/* Fields that every packet has. */
#define IDS_ALWAYS_PRESENT (1u << IDS_FIELD_DECODE0 | 1u << IDS_FIELD_DECODE1 | 1u << IDS_FIELD_DECODE2)

/* Bits of a position within a line of entries. */
#define IDS_PLACE_SHIFT 2

/* IPv4 as ::ffff:a.b.c.d. */
union ids_address {
	__u8 byte[16];
	__u32 word[4];
	__u64 half[2];
};

/* A rule that matched and raises an event. */
struct ids_match {
	__u16 rule; /* position */
	__u16 pad;
	__u32 sid;
	__u32 count; /* of its threshold window, or 0 */
};

struct ids_packet {
	/* Settled at the entry. */
	__u64 now;   /* 0 until asked for: use ids_now() */
	__u64 fence; /* counts what is written to the bulk ring: adding to it is a barrier, see wake.h */
	__u32 frame_len;
	__u32 ifindex;
	__u32 control; /* enum ids_control_flag */
	__u32 slot;    /* rule set slot that every stage of this packet uses */
	__u32 generation;

	/* Offsets from the start of the frame, or of the datagram (all but l3). */
	__u32 l3;
	__u32 l4;          /* behind the IP header and its extensions */
	__u32 payload;     /* behind the transport header */
	__u32 end;         /* behind the last byte of the IP packet: Ethernet padding is not part of it */
	__u32 payload_len; /* bytes from payload to end: beyond 64 KiB of segments that a device shall cut */
	__u32 bound; /* behind the last byte there is: of the frame, the datagram, or the packet around this one */

	__u32 assembled;         /* index + 1 of the datagram in ids_datagrams that is read instead of the frame */
	__u32 fragment_at;       /* where the fragment's part of its datagram begins */
	__u32 inner_at;          /* where the packet begins that this one carries */
	__u16 inner_vlan;        /* id of a tag that the tunnel's header has, or 0 */
	__u16 inner;             /* its ethertype; 0: none */
	__u8 fragment_proto;     /* what the fragment says is inside the datagram */
	__u8 judged;             /* terminal reason of the layers before */
	__u8 spared;             /* enum ids_allow_kind of the sources of the layers before */
	__u8 taken;              /* datagrams that this packet has completed */
	__u8 tolds;              /* of told[] */
	__u16 told[IDS_MATCHES]; /* rules that have alerted on this first fragment, or on that of this datagram */
	__u32 taken_index[IDS_LAYERS];
	__u64 taken_key[IDS_LAYERS];

	__u32 fragment_id; /* IPv4 identification or that of the IPv6 fragment header */
	__u32 present;     /* bit n: field[n] is there */
	__u32 field[IDS_FIELDS];
	union ids_address saddr;
	union ids_address daddr;
	union ids_address peer; /* whom the lists judge: who sent a packet that comes in, who gets one that leaves */
	__u16 vlan[2];          /* ids, outer first */
	__u16 proto_key;        /* IP protocol after extension headers, or IDS_PROTO_NONE */
	__be16 sport;           /* valid if ports */
	__be16 dport;
	__u16 ip_len; /* IPv4 total length; IPv6 payload length + 40 */
	__u16 urgent; /* TCP urgent pointer */
	__u8 vlans;
	__u8 hook;       /* enum ids_hook */
	__u8 layer;      /* IP layer that the fields belong to: 0 is the outermost, tunnels raise it */
	__u8 ip_version; /* 4, 6; 0: no addresses */
	__u8 proto;      /* as proto_key */
	bool ports;      /* sport and dport are there */
	bool l4_read;    /* the transport header was read */
	bool fragment;   /* first or later fragment */
	bool malformed;  /* headers could not be read to the end */
	__u8 eth_dst[6]; /* these two in the order of the wire */
	__u8 eth_src[6];

	/* Where layer 7 stands in the segment. */
	__u32 seq;       /* sequence number of the first byte of the payload */
	__u32 put;       /* bytes of the payload that lie in the window, or need not */
	__u32 staged;    /* bytes behind those that lie in the scratch */
	__u32 raw;       /* bytes of the payload up to which it was handed over as it is */
	__u32 plain;     /* bytes of the payload up to which it is no part of a header section yet */
	__u32 piece;     /* place in its direction of the piece that is handed over */
	bool waits;      /* a part of it waits for what comes before */
	bool last_piece; /* the piece reaches the depth */

	/* The flow, found by the flow stage. */
	__u64 flow_id;  /* 0: the packet has no entry */
	__u32 flow;     /* index of the entry */
	__u8 direction; /* enum ids_direction */
	__u8 app;       /* enum ids_app */
	__u8 swapped;   /* the source is addr[1] of the key */
	bool in_window; /* TCP: the sequence number is near what the flow expects */
	__u32 flow_hash;
	__u32 flow_generation; /* ids_control.flow_generation before anything was judged */

	/* The decision, changed by the stages and carried out by the one exit. */
	__u8 verdict;     /* enum ids_verdict */
	__u8 reason;      /* enum ids_reason; IDS_REASON_CLEAN until a stage has one */
	__u8 event_flags; /* enum ids_event_flag that a stage adds to every event of the packet */
	__u8 event_type;  /* the event that a list stage wants, or 0 */
	__u16 decider;    /* position of the rule that decided the verdict, or IDS_MAX_RULES */
	__u16 origin;     /* origin of the blocklist entry */
	__u16 matches;    /* entries of match[] */
	__u8 hashed;      /* bit 0: source_hash is there, bit 1: target_hash */
	__u8 sides;       /* enum ids_rule_flag: whom the rule that rejects wants answered */
	__u8 http;        /* the rule set in force wants HTTP requests */
	bool refused;     /* SYN-ACK: of data that came with the SYN the server has taken nothing */
	bool anew;        /* payload: the direction begins again, see IDS_BYTES_ANEW */
	bool handed;      /* a rule of the engine wants to see the packet: IDS_RULE_HAND_OVER */
	__u32 listed;     /* meta word of the blocklist entry that was found, or 0 */
	__u32 entry;      /* its place: line << IDS_PLACE_SHIFT | position in it */
	bool expired;     /* an expired entry was met */
	bool looked;      /* the blocklist was asked already */
	__u64 source_hash;
	__u64 target_hash;
	struct ids_match match[IDS_MATCHES];

	/*
	 * Working space; holds nothing from one stage to the next. What a walk has seen and where it stands lies here and
	 * not in registers, where the verifier would follow every value of it.
	 */
	volatile __u32 seen;
	volatile __u32 cursor;
	volatile __u32 limit;
	__u32 line;          /* of a list: where it is searched */
	__u32 masked[4];     /* the IPv6 prefix that is looked for */
	volatile __u64 live; /* bit w: candidate[w] has bits */
	__u64 best_id;
	__u64 best_last;
	__u32 window; /* count of the threshold window that was judged last */
	__u64 candidate[IDS_RULE_WORDS];
	__u8 scratch[IDS_SCRATCH];

	/* Kept from packet to packet: what ids_coarse() counts from. */
	__u64 anchor;
	__u64 anchor_coarse;
};

/* One packet at a time is parsed on a CPU. Written and read by every stage. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_packet);
} ids_packets SEC(".maps");

static __always_inline const struct ids_control *ids_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ids_control, &zero);
}

static __always_inline void ids_set(struct ids_packet *pkt, enum ids_field field, __u32 value)
{
	pkt->field[field] = value;
	pkt->present |= 1u << field;
}

/* The field's value, 0 if the packet does not have it. */
static __always_inline __u32 ids_get(const struct ids_packet *pkt, enum ids_field field)
{
	return pkt->present & 1u << field ? pkt->field[field] : 0;
}

static __always_inline void ids_count_more(enum ids_stat stat, __u64 more)
{
	__u32 key = stat;
	__u64 *count = bpf_map_lookup_elem(&ids_stats, &key);

	if (count)
		*count += more;
}

static __always_inline void ids_count(enum ids_stat stat)
{
	ids_count_more(stat, 1);
}

/* Counters of a rule of the rule set that this packet uses. */
static __always_inline struct ids_rule_count *ids_rule_counter(const struct ids_packet *pkt, __u32 position)
{
	__u32 slot = pkt->slot;
	void *counts = bpf_map_lookup_elem(&ids_rule_counts, &slot);

	return counts ? bpf_map_lookup_elem(counts, &position) : 0;
}

/* The rule set that this packet uses. */
static __always_inline const struct ids_ruleset *ids_ruleset(const struct ids_packet *pkt)
{
	__u32 slot = pkt->slot, zero = 0;
	void *rules = bpf_map_lookup_elem(&ids_rulesets, &slot);

	return rules ? bpf_map_lookup_elem(rules, &zero) : 0;
}

/* Clears what no parser sets on every packet. */
static __always_inline void ids_clear_headers(struct ids_packet *pkt)
{
	pkt->l4 = pkt->payload = pkt->end = 0;
	pkt->fragment_id = 0;
	pkt->field[IDS_FIELD_DECODE0] = pkt->field[IDS_FIELD_DECODE1] = pkt->field[IDS_FIELD_DECODE2] = 0;
	pkt->present = IDS_ALWAYS_PRESENT;
	pkt->proto_key = IDS_PROTO_NONE;
	pkt->sport = pkt->dport = 0;
	pkt->ip_len = pkt->payload_len = pkt->urgent = 0;
	pkt->vlan[0] = pkt->vlan[1] = 0;
	pkt->vlans = pkt->ip_version = pkt->proto = 0;
	pkt->ports = pkt->l4_read = pkt->fragment = pkt->malformed = false;
	pkt->inner = 0;
	pkt->hashed = 0;
}

/* Undoes what the stages have decided. */
static __always_inline void ids_clear_decision(struct ids_packet *pkt)
{
	pkt->verdict = IDS_VERDICT_PASS;
	pkt->reason = IDS_REASON_CLEAN;
	pkt->event_flags = pkt->event_type = 0;
	pkt->decider = IDS_MAX_RULES;
	pkt->origin = pkt->matches = 0;
	pkt->sides = pkt->http = 0;
	pkt->handed = pkt->refused = pkt->anew = false;
	pkt->listed = 0;
	pkt->expired = pkt->looked = false;
	pkt->flow_id = 0;
	pkt->flow = pkt->flow_hash = 0;
	pkt->direction = pkt->app = pkt->swapped = 0;
	pkt->in_window = false;
}

/* Takes the scratch packet; null never happens. */
static __always_inline struct ids_packet *ids_open(void *ctx, const enum ids_hook hook)
{
	const struct ids_control *control = ids_settings();
	__u32 zero = 0;
	struct ids_packet *pkt = bpf_map_lookup_elem(&ids_packets, &zero);

	if (!pkt || !control)
		return 0;
	pkt->now = 0;
	pkt->frame_len = pkt->bound = ids_frame_length(ctx, hook);
	pkt->hook = hook;
	pkt->ifindex = ids_frame_interface(ctx, hook);
	/* Before what it is about: a note made from an older slot is void. */
	pkt->flow_generation = *(const volatile __u32 *)&control->flow_generation;
	pkt->control = *(const volatile __u32 *)&control->flags;
	pkt->slot = *(const volatile __u32 *)&control->slot;
	pkt->generation = 0;
	pkt->l3 = 0;
	pkt->layer = 0;
	pkt->assembled = 0;
	pkt->judged = IDS_REASON_CLEAN;
	pkt->spared = pkt->taken = pkt->tolds = 0;
	ids_clear_headers(pkt);
	ids_clear_decision(pkt);
	return pkt;
}

#endif
