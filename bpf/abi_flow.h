/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What kernel and engine share of flows: the entry of the flow table, and the record of a flow that ended. */
#ifndef IDS_ABI_FLOW_H
#define IDS_ABI_FLOW_H

#include <linux/types.h>

enum ids_flow_limit {
	IDS_FLOW_WAYS = 8,        /* entries of a bucket of the flow table */
	IDS_FLOW_BUCKETS = 16384, /* buckets unless the loader sets another number: a power of two */
	IDS_TIME_BUCKETS = 64,    /* buckets of a histogram of times: two for each power of two of microseconds */
	IDS_FLOW_BUSY = 1,        /* ids_flow.id while the entry is being written */
	IDS_FLOW_KEYS = 11,       /* words of the key of the table's hash */
};

/* Direction of a packet within its flow, by who sent the first SYN (or the first packet). */
enum ids_direction {
	IDS_TO_SERVER = 0,
	IDS_TO_CLIENT = 1,
};

enum ids_flow_state {
	IDS_FLOW_FREE = 0,
	IDS_FLOW_NEW = 1,         /* TCP: a SYN; else: packets of one side alone */
	IDS_FLOW_ANSWERED = 2,    /* TCP: the SYN-ACK that belongs to it */
	IDS_FLOW_ESTABLISHED = 3, /* TCP: the ACK that belongs to that; else: both sides have sent */
	IDS_FLOW_CLOSING = 4,     /* one FIN */
	IDS_FLOW_CLOSED = 5,      /* both FINs, or a valid RST */
};

enum ids_flow_end {
	IDS_FLOW_END_NONE = 0,
	IDS_FLOW_END_FIN = 1,
	IDS_FLOW_END_RST = 2,
	IDS_FLOW_END_TIMEOUT = 3, /* told by the engine */
	IDS_FLOW_END_EVICTED = 4, /* its place went to another flow */
	IDS_FLOW_END_REUSED = 5,  /* a new handshake of the same addresses and ports */
};

enum ids_flow_flag {
	IDS_FLOW_MIDSTREAM = 1,      /* picked up without a handshake */
	IDS_FLOW_DROPPED = 2,        /* a rule dropped a packet and with it the rest of the flow */
	IDS_FLOW_REJECTED = 4,       /* as above, by a reject: its packets are answered */
	IDS_FLOW_LOCAL = 8,          /* proven by a socket of this host instead of its handshake */
	IDS_FLOW_WITHHELD = 16,      /* part of a header section was not judged: see ids_l7 */
	IDS_FLOW_ALERTED = 32,       /* a rule matched one of its packets */
	IDS_FLOW_CLIENT_SECOND = 64, /* the client is addr[1] of the key */
	IDS_FLOW_PASSED = 128,       /* a pass rule of addresses and ports: rules say no more of it */
};

/* Bits of IDS_FIELD_FLOW, what rules with `flow` ask for. 0 of a packet without an entry. */
enum ids_flow_bit {
	IDS_FLOWBIT_TRACKED = 1,
	IDS_FLOWBIT_ESTABLISHED = 2,
	IDS_FLOWBIT_NOT_ESTABLISHED = 4,
	IDS_FLOWBIT_TO_SERVER = 8,
	IDS_FLOWBIT_TO_CLIENT = 16,
	IDS_FLOWBIT_REBUILT = 32, /* put together from fragments; packets without an entry have it too */
	IDS_FLOWBIT_APP = 0xff00, /* enum ids_app of the flow, of the packet that has shown it too */
};

/* What a TCP packet is to its connection as that was before it: bits of IDS_FIELD_STREAM. */
enum ids_stream_bit {
	IDS_STREAM_STATE = 7,       /* enum ids_flow_state; IDS_FLOW_FREE: there is no connection */
	IDS_STREAM_SEQ = 8,         /* SYN: its sequence number is that of the SYN before it in its direction */
	IDS_STREAM_ACK = 16,        /* SYN-ACK: acknowledges the SYN, or what the last one has acknowledged */
	IDS_STREAM_AGAIN = 32,      /* nothing in it, or not all, is new: sent before, or acknowledged */
	IDS_STREAM_ACKED = 64,      /* all that it brings is acknowledged */
	IDS_STREAM_BEHIND = 128,    /* ends before what is acknowledged, and does not ask whether the peer lives */
	IDS_STREAM_AFTER_RST = 256, /* the first packet, not a RST, that a side sends after its RST */
};

/* How a direction of a TCP flow has ended. */
enum ids_flow_ended {
	IDS_ENDED_FIN = 1,
	IDS_ENDED_RST = 2,
	IDS_ENDED_TOLD = 4, /* a packet has followed its RST */
};

/* One direction of a flow. */
struct ids_flow_dir {
	__u64 packets;
	__u64 bytes;         /* of frames */
	__u32 next;          /* TCP: behind the highest sequence number seen */
	__u32 ack;           /* TCP: the last acknowledgement */
	__u32 retransmitted; /* TCP: segments that brought nothing new */
	__u32 probe;         /* TCP: number whose acknowledgement gives the round-trip time */
	__u32 probe_us;      /* when it was sent, microseconds since start; 0 = none under way */
	__u8 tcp_flags;      /* all that were seen */
	__u8 ttl;            /* of the first packet */
	__u8 ended;          /* TCP: enum ids_flow_ended */
	__u8 hooks;          /* a bit for each enum ids_hook that has counted packets */
};

/* Bits of ids_flow.cached, below the generation: what addresses and ports alone decide of packets of one direction. */
enum ids_flow_cached {
	IDS_CACHED_LISTS_IN = 1,  /* coming in: no list names the source, no order is about the flow */
	IDS_CACHED_RULES = 2,     /* no header rule can match a plain data packet */
	IDS_CACHED_LISTS_OUT = 4, /* leaving: no list names the destination, no order is about the flow */
	IDS_CACHED_SHIFT = 8,     /* ids_control.flow_generation stands from this bit on */
};

/*
 * A flow. Addresses in canonical order as in ids_cut_key. Written by the kernel alone; the engine reads it through a memory
 * map: what `id` is before and after a read says whether it was one flow. The same index names the flow in ids_l7_flows
 * and ids_flow_orders. Three cache lines: the key, one direction and what both share, the other direction.
 */
struct ids_flow {
	__u64 id; /* never given out twice since boot; 0: free, IDS_FLOW_BUSY: being written */
	__u8 addr[2][16];
	__be16 port[2]; /* ICMP: 0 */
	__u8 proto;
	__u8 layer;  /* tunnels around it */
	__u16 vlan;  /* id of the outer tag, 0 without one */
	__u64 start; /* nanoseconds of now() */
	__u64 last;
	__u8 state;      /* enum ids_flow_state; these four are one word, changed atomically */
	__u8 end;        /* enum ids_flow_end */
	__u8 flags;      /* enum ids_flow_flag */
	__u8 app;        /* enum ids_app */
	__u32 cached[2]; /* enum ids_flow_cached, by direction */
	__u32 ifindex;   /* of the first packet */
	__u32 sid;       /* of the rule that dropped it */
	__u32 rtt_us;    /* smoothed, data to its acknowledgement, of both sides together; 0 = not measured */
	struct ids_flow_dir dir[2];
	__u32 server_us; /* SYN to SYN-ACK; 0 = not seen */
	__u32 client_us; /* SYN-ACK to ACK */
	/* TCP: sequence number of the first byte of each direction whose SYN was seen, else 0. ICMP: the first type and code. */
	__u32 first[2];
	__u8 proven;   /* it was established once */
	__u8 vlans;    /* tags of the first packet */
	__u16 inner;   /* id of its second tag */
	__u16 told[2]; /* by direction: a mark of the rule set whose rules with IDS_RULE_ONCE have had a packet of it */
};

/* Histograms of times in ids_flow_times, IDS_TIME_BUCKETS each. */
enum ids_flow_time {
	IDS_TIME_SERVER = 0, /* SYN to SYN-ACK */
	IDS_TIME_CLIENT = 1, /* SYN-ACK to ACK */
	IDS_TIME_RTT = 2,
	IDS_TIMES = 3,
};

/* What the engine orders about a flow; written by the engine alone. `id` must be that of the entry. */
enum ids_flow_order {
	IDS_ORDER_DROP = 1,   /* packets of the flow are dropped */
	IDS_ORDER_REJECT = 2, /* and answered */
	IDS_ORDER_PASS = 4,   /* no rule is asked any more */
};

struct ids_flow_orders {
	__u64 id;
	__u32 order; /* enum ids_flow_order */
	__u32 sid;
	__u64 told;    /* id of the flow whose end the engine has told */
	__u64 alerted; /* id of the flow that a rule of the engine matched */
};

#endif
