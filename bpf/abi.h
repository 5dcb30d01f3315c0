/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What crosses the boundary between the BPF programs and the engine, and nothing else: every struct, enum and limit
 * that both sides share. common/abi.gen.ts is generated from the BTF of the built object. Numbers are append-only.
 * Multi-byte fields are in host order unless they are __be16 / __be32. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef IDS_ABI_H
#define IDS_ABI_H

#include <linux/types.h>
#include "abi_flow.h"

/* Limits that both sides must agree on. */
enum ids_limit {
	IDS_MAX_RULES = 4096,       /* rules with a header part in the kernel at once */
	IDS_RULE_WORDS = 64,        /* 64-bit words of a rule bit vector: IDS_MAX_RULES / 64 */
	IDS_MAX_VECTORS = 4096,     /* distinct rule bit vectors of one rule set */
	IDS_RULE_PREFIXES = 262144, /* prefixes of the addresses that one rule set names */
	IDS_RULE_CONDS = 8,         /* conditions of one header rule beyond protocol, addresses and ports */
	IDS_RULE_SLOTS = 2,         /* rule sets held at once: the one in force and the one being filled */
	IDS_PROTO_NONE = 256,       /* protocol key of a frame that is not IP or whose IP header cannot be read */
	IDS_PROTO_KEYS = 257,       /* protocol keys: every IP protocol number and IDS_PROTO_NONE */
	IDS_ORIGINS = 4096,         /* origins of blocklist entries that have counters of their own */
	IDS_BUCKET_WAYS = 8,        /* threshold entries of one bucket; in a region with sets, sets of one bucket */
	IDS_COMMON_BUCKETS = 16384, /* buckets of the common region, the first of the threshold table: a power of two */
	IDS_MAX_BUCKETS =
		32768, /* buckets of the threshold table; from IDS_COMMON_BUCKETS on, regions of single rules */
	IDS_MAX_CELLS = 1048576, /* cells of the sets of distinct values: 8 bytes each */
	IDS_MATCHES = 15,        /* rules of one packet that raise an event, as Suricata's packet-alert-max */
	IDS_DATAGRAMS = 128,     /* datagrams that fragments are put together to at once, unless the loader sets it */
	IDS_DATAGRAM_WAYS = 8,   /* of one set; the number of sets is a power of two */
};

/* Layer-4 key spaces of the classifier: TCP by flags, ICMP and ICMPv6 by type. */
enum ids_l4_space {
	IDS_L4_TCP = 0,
	IDS_L4_ICMP = 1,
	IDS_L4_ICMP6 = 2,
	IDS_L4_SPACES = 3,
};

/* Where a packet is judged. */
enum ids_hook {
	IDS_HOOK_XDP = 0, /* coming in: the lists look at its source */
	IDS_HOOK_TC = 1,  /* on its way out: the lists look at its destination */
};

/* What was decided on a packet. */
enum ids_verdict {
	IDS_VERDICT_PASS = 0,
	IDS_VERDICT_DROP = 1,
	IDS_VERDICT_REJECT = 2,
};

/*
 * Why: the terminal reason of every packet, and (from IDS_REASON_DECODE on) what is wrong with its headers. Each packet
 * is counted once under its terminal reason in ids_verdicts; decode reasons are counted in ids_decodes as well, where
 * one packet may count under several. The comment behind a decode reason is Suricata's decode-event name.
 */
enum ids_reason {
	IDS_REASON_CLEAN = 0,        /* passed, nothing to say */
	IDS_REASON_ALLOWLIST = 1,    /* passed: the operator's allowlist kept it from a drop */
	IDS_REASON_RULE_PASS = 2,    /* passed by a pass rule */
	IDS_REASON_NOT_IP = 3,       /* passed: not IPv4 or IPv6 (ARP and the like) */
	IDS_REASON_MALFORMED = 4,    /* passed: its headers could not be read to the end */
	IDS_REASON_BLOCKLIST = 5,    /* dropped: source on the blocklist */
	IDS_REASON_RULE_DROP = 6,    /* dropped by a rule on this very packet */
	IDS_REASON_RULE_REJECT = 7,  /* dropped and answered by a rule on this very packet */
	IDS_REASON_FLOW_CUT = 8,     /* dropped: its flow was cut by an engine-placed drop */
	IDS_REASON_REJECT_LIMIT = 9, /* dropped by a reject rule, the answer held back */
	IDS_REASON_INTERNAL = 10,    /* passed: a table was missing; must stay zero */
	IDS_REASON_FLOW_DROP = 11,   /* dropped: a rule has dropped an earlier packet of its flow */
	IDS_REASON_HELD = 12, /* dropped: a segment out of order that could not wait to be judged; TCP sends it again */
	IDS_REASON_FRAGMENT = 13,  /* dropped: a fragment of a dropped datagram; by setting, one that found no room */
	IDS_REASON_RULE_RATE = 14, /* dropped or rejected by a rule whose action a rate_filter has changed */

	IDS_REASON_DECODE = 32,            /* the first decode reason */
	IDS_DECODE_ETH_SHORT = 32,         /* ethernet.pkt_too_small */
	IDS_DECODE_VLAN_SHORT = 33,        /* vlan.header_too_small */
	IDS_DECODE_VLAN_DEPTH = 34,        /* vlan.too_many_layers */
	IDS_DECODE_IP4_SHORT = 35,         /* ipv4.pkt_too_small */
	IDS_DECODE_IP4_VERSION = 36,       /* ipv4.wrong_ip_version */
	IDS_DECODE_IP4_IHL = 37,           /* ipv4.hlen_too_small */
	IDS_DECODE_IP4_LENGTH = 38,        /* ipv4.iplen_smaller_than_hlen */
	IDS_DECODE_IP4_TRUNCATED = 39,     /* ipv4.trunc_pkt */
	IDS_DECODE_IP4_OPT = 40,           /* ipv4.opt_invalid */
	IDS_DECODE_IP4_OPT_LEN = 41,       /* ipv4.opt_invalid_len */
	IDS_DECODE_IP4_OPT_DUP = 42,       /* ipv4.opt_duplicate */
	IDS_DECODE_IP4_FRAG_BIG = 43,      /* ipv4.frag_pkt_too_large */
	IDS_DECODE_IP4_ICMP6 = 44,         /* ipv4.icmpv6 */
	IDS_DECODE_IP6_SHORT = 45,         /* ipv6.pkt_too_small */
	IDS_DECODE_IP6_VERSION = 46,       /* ipv6.wrong_ip_version */
	IDS_DECODE_IP6_TRUNCATED = 47,     /* ipv6.trunc_pkt */
	IDS_DECODE_IP6_EXT_SHORT = 48,     /* ipv6.trunc_exthdr */
	IDS_DECODE_IP6_EXT_LONG = 49,      /* (none): more than 8 extension headers */
	IDS_DECODE_IP6_DUP_FH = 50,        /* ipv6.exthdr_dupl_fh */
	IDS_DECODE_IP6_DUP_RH = 51,        /* ipv6.exthdr_dupl_rh */
	IDS_DECODE_IP6_DUP_HH = 52,        /* ipv6.exthdr_dupl_hh */
	IDS_DECODE_IP6_DUP_DH = 53,        /* ipv6.exthdr_dupl_dh */
	IDS_DECODE_IP6_DUP_AH = 54,        /* ipv6.exthdr_dupl_ah */
	IDS_DECODE_IP6_RH0 = 55,           /* ipv6.rh_type_0 */
	IDS_DECODE_IP6_USELESS_FH = 56,    /* ipv6.exthdr_useless_fh */
	IDS_DECODE_IP6_OPT_LEN = 57,       /* ipv6.exthdr_invalid_optlen */
	IDS_DECODE_IP6_AH_RES = 58,        /* ipv6.exthdr_ah_res_not_null */
	IDS_DECODE_IP6_FH_RES = 59,        /* ipv6.fh_non_zero_reserved_field */
	IDS_DECODE_IP6_NONE_DATA = 60,     /* ipv6.data_after_none_header */
	IDS_DECODE_IP6_FRAG_BIG = 61,      /* ipv6.frag_pkt_too_large */
	IDS_DECODE_IP6_ICMP4 = 62,         /* ipv6.icmpv4 */
	IDS_DECODE_TCP_SHORT = 63,         /* tcp.pkt_too_small */
	IDS_DECODE_TCP_DOFF = 64,          /* tcp.hlen_too_small (doff below 5) */
	IDS_DECODE_TCP_DOFF_LONG = 65,     /* tcp.hlen_too_small (doff beyond the packet) */
	IDS_DECODE_TCP_OPT = 66,           /* tcp.invalid_optlen */
	IDS_DECODE_TCP_OPT_LEN = 67,       /* tcp.opt_invalid_len */
	IDS_DECODE_TCP_OPT_DUP = 68,       /* tcp.opt_duplicate */
	IDS_DECODE_UDP_SHORT = 69,         /* udp.hlen_too_small */
	IDS_DECODE_UDP_LENGTH = 70,        /* udp.len_invalid (below 8) */
	IDS_DECODE_ICMP4_SHORT = 71,       /* icmpv4.pkt_too_small */
	IDS_DECODE_ICMP4_TYPE = 72,        /* icmpv4.unknown_type */
	IDS_DECODE_ICMP4_CODE = 73,        /* icmpv4.unknown_code */
	IDS_DECODE_ICMP6_SHORT = 74,       /* icmpv6.pkt_too_small */
	IDS_DECODE_ICMP6_TYPE = 75,        /* icmpv6.unknown_type */
	IDS_DECODE_ICMP6_CODE = 76,        /* icmpv6.unknown_code */
	IDS_DECODE_IP4_FRAG_TINY = 77,     /* (none): a first fragment that does not hold the transport header */
	IDS_DECODE_IP4_FRAG_OVERLAP = 78,  /* ipv4.frag_overlap: with other content, or offset 1 of TCP (RFC 1858) */
	IDS_DECODE_IP4_OPT_EOL = 79,       /* ipv4.opt_eol_required */
	IDS_DECODE_IP4_OPT_PAD = 80,       /* ipv4.opt_pad_required */
	IDS_DECODE_IP4_OPT_UNKNOWN = 81,   /* ipv4.opt_unknown */
	IDS_DECODE_IP4_OPT_MALFORMED = 82, /* ipv4.opt_malformed */
	IDS_DECODE_IP6_FRAG_TINY = 83,     /* (none): as IP4_FRAG_TINY (RFC 7112) */
	IDS_DECODE_IP6_FRAG_OVERLAP = 84,  /* ipv6.frag_overlap: as IP4_FRAG_OVERLAP */
	IDS_DECODE_ICMP6_UNASSIGNED = 85,  /* icmpv6.unassigned_type */
	IDS_DECODE_ICMP6_EXPERIMENT = 86,  /* icmpv6.experimentation_type */
	IDS_DECODE_UDP_TRUNCATED = 87,     /* udp.pkt_too_small (length beyond the packet) */
	IDS_DECODE_GRE_SHORT = 88,         /* gre.pkt_too_small */
	IDS_DECODE_GRE_VERSION = 89,       /* gre.wrong_version */
	IDS_DECODE_GRE0_RECUR = 90,        /* gre.version0_recur */
	IDS_DECODE_GRE0_FLAGS = 91,        /* gre.version0_flags */
	IDS_DECODE_GRE0_LONG = 92,         /* gre.version0_hdr_too_big */
	IDS_DECODE_GRE0_SRE = 93,          /* gre.version0_malformed_sre_hdr */
	IDS_DECODE_GRE1_CHECKSUM = 94,     /* gre.version1_chksum */
	IDS_DECODE_GRE1_ROUTE = 95,        /* gre.version1_route */
	IDS_DECODE_GRE1_SSR = 96,          /* gre.version1_ssr */
	IDS_DECODE_GRE1_RECUR = 97,        /* gre.version1_recur */
	IDS_DECODE_GRE1_FLAGS = 98,        /* gre.version1_flags */
	IDS_DECODE_GRE1_NO_KEY = 99,       /* gre.version1_no_key */
	IDS_DECODE_GRE1_PROTOCOL = 100,    /* gre.version1_wrong_protocol */
	IDS_DECODE_GRE1_LONG = 101,        /* gre.version1_hdr_too_big */
	IDS_DECODE_ERSPAN_SHORT = 102,     /* erspan.header_too_small */
	IDS_DECODE_ERSPAN_VERSION = 103,   /* erspan.unsupported_version */
	IDS_DECODE_ERSPAN_VLANS = 104,     /* erspan.too_many_vlan_layers */
	IDS_DECODE_VXLAN_PAYLOAD = 105,    /* vxlan.unknown_payload_type */
	IDS_DECODE_GENEVE_PAYLOAD = 106,   /* geneve.unknown_payload_type */
	IDS_DECODE_NSH_SHORT = 107,        /* nsh.header_too_small */
	IDS_DECODE_NSH_VERSION = 108,      /* nsh.unsupported_version */
	IDS_DECODE_NSH_LENGTH = 109,       /* nsh.bad_header_length */
	IDS_DECODE_NSH_RESERVED = 110,     /* nsh.reserved_type */
	IDS_DECODE_NSH_TYPE = 111,         /* nsh.unsupported_type */
	IDS_DECODE_NSH_PAYLOAD = 112,      /* nsh.unknown_payload */
	IDS_DECODE_IP6_IN4_SHORT = 113,    /* ipv6.ipv4_in_ipv6_too_small */
	IDS_DECODE_IP6_IN4_VERSION = 114,  /* ipv6.ipv4_in_ipv6_wrong_version */
	IDS_DECODE_IP6_IN6_SHORT = 115,    /* ipv6.ipv6_in_ipv6_too_small */
	IDS_DECODE_IP6_IN6_VERSION = 116,  /* ipv6.ipv6_in_ipv6_wrong_version */
	IDS_REASONS = 128,
};

/* Fields that a condition of a header rule looks at; a packet that lacks the field does not meet the condition. */
enum ids_field {
	IDS_FIELD_IP_VERSION = 0, /* 4 or 6 */
	IDS_FIELD_TTL = 1,        /* TTL or hop limit */
	IDS_FIELD_IP_ID = 2,      /* IPv4 identification */
	IDS_FIELD_TOS = 3,        /* TOS or traffic class, all 8 bits */
	IDS_FIELD_FRAGBITS =
		4, /* IPv4: 4 = reserved, 2 = don't fragment, 1 = more fragments; IPv6 fragment: 1 = more */
	IDS_FIELD_FRAGOFFSET = 5, /* units of 8 bytes */
	IDS_FIELD_IPOPTS = 6,     /* bits of enum ids_ipopt */
	IDS_FIELD_IP_PROTO = 7,   /* protocol after extension headers */
	IDS_FIELD_SAMEIP = 8,     /* 1 if source and destination address are the same */
	IDS_FIELD_TCP_FLAGS = 9,  /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
	IDS_FIELD_TCP_SEQ = 10,
	IDS_FIELD_TCP_ACK = 11,
	IDS_FIELD_TCP_WINDOW = 12,
	IDS_FIELD_DSIZE = 13, /* payload bytes behind the transport header */
	IDS_FIELD_ICMP_TYPE = 14,
	IDS_FIELD_ICMP_CODE = 15,
	IDS_FIELD_DECODE0 = 16,  /* bit n: reason IDS_REASON_DECODE + n was seen, n 0 to 31 */
	IDS_FIELD_DECODE1 = 17,  /* likewise n 32 to 63 */
	IDS_FIELD_TCP_RES = 18,  /* reserved bits of the data offset byte */
	IDS_FIELD_TCP_OPTS = 19, /* bits of enum ids_tcpopt */
	IDS_FIELD_TCP_MSS = 20,
	IDS_FIELD_TCP_WSCALE = 21,
	IDS_FIELD_ICMP_ID = 22,
	IDS_FIELD_ICMP_SEQ = 23,
	IDS_FIELD_VLAN_LAYERS = 24,
	IDS_FIELD_VLAN_ID0 = 25,
	IDS_FIELD_VLAN_ID1 = 26,
	IDS_FIELD_FRAGMENT = 27, /* 1 if the packet is a fragment (first or later) */
	IDS_FIELD_FLOW = 28,     /* bits of enum ids_flow_bit */
	IDS_FIELD_DECODE2 = 29,  /* as IDS_FIELD_DECODE0: n 64 to 95 */
	IDS_FIELD_ICMP_MTU = 30, /* ICMPv6, packet too big: the MTU that it names */
	IDS_FIELD_STREAM = 31,   /* TCP: bits of enum ids_stream_bit */
	IDS_FIELDS = 32,
};

/* IPv4 options seen, as bits of IDS_FIELD_IPOPTS. */
enum ids_ipopt {
	IDS_IPOPT_EOL = 1,
	IDS_IPOPT_NOP = 2,
	IDS_IPOPT_RR = 4,
	IDS_IPOPT_TS = 8,
	IDS_IPOPT_SEC = 16,
	IDS_IPOPT_LSRR = 32,
	IDS_IPOPT_ESEC = 64,
	IDS_IPOPT_CIPSO = 128,
	IDS_IPOPT_SATID = 256,
	IDS_IPOPT_SSRR = 512,
	IDS_IPOPT_RTRALT = 1024,
	IDS_IPOPT_QS = 2048,
};

/* TCP options seen, as bits of IDS_FIELD_TCP_OPTS. */
enum ids_tcpopt {
	IDS_TCPOPT_MSS = 1,
	IDS_TCPOPT_WSCALE = 2,
	IDS_TCPOPT_SACK_PERMITTED = 4,
	IDS_TCPOPT_SACK = 8,
	IDS_TCPOPT_TIMESTAMP = 16,
	IDS_TCPOPT_FASTOPEN = 32,
	IDS_TCPOPT_MD5 = 64,
	IDS_TCPOPT_AO = 128,
};

enum ids_cond_flag {
	IDS_COND_NEGATE = 1,
	IDS_COND_OR = 2, /* this one or the next */
};

/* Met if the packet has the field and ((field & mask) in lo..hi) is not equal to negate. */
struct ids_cond {
	__u8 field; /* enum ids_field */
	__u8 flags; /* enum ids_cond_flag */
	__u16 pad;
	__u32 mask;
	__u32 lo;
	__u32 hi;
};

/* In the order in which Suricata lets them act. */
enum ids_action {
	IDS_ACTION_PASS = 0,
	IDS_ACTION_DROP = 1,
	IDS_ACTION_REJECT = 2,
	IDS_ACTION_ALERT = 3,
};

/* What rules could need of the flow of a packet, in its direction. */
enum ids_inspect {
	IDS_INSPECT_PAYLOAD = 1,  /* its payload, up to the depth */
	IDS_INSPECT_MESSAGES = 2, /* a rule of the kernel is judged on its messages */
	IDS_INSPECT_HEADS = 4,    /* a rule of the engine that the prefilter knows nothing of is judged on its heads */
};

/* `flags` of the entries that say so: a bit a direction, as in 1 << enum ids_direction, and one for messages. */
enum ids_inspect_flag {
	IDS_INSPECT_FLAG_TO_SERVER = 1,
	IDS_INSPECT_FLAG_TO_CLIENT = 2,
	IDS_INSPECT_FLAG_MESSAGES = 4,
	IDS_INSPECT_FLAG_REQUESTS = 8, /* every head of a request, and */
	IDS_INSPECT_FLAG_RESPONSES = 16,
};

enum ids_threshold {
	IDS_THRESHOLD_NONE = 0,
	IDS_THRESHOLD_LIMIT = 1,
	IDS_THRESHOLD_THRESHOLD = 2,
	IDS_THRESHOLD_BOTH = 3,
	IDS_THRESHOLD_DETECTION = 4, /* detection_filter: no match at all until the count is exceeded */
	IDS_THRESHOLD_BACKOFF = 5,
	IDS_THRESHOLD_RATE = 6, /* rate_filter: beyond the count the rule has another action, for a time */
};

enum ids_track {
	IDS_TRACK_SRC = 0,
	IDS_TRACK_DST = 1,
	IDS_TRACK_BOTH = 2,
	IDS_TRACK_RULE = 3,
	IDS_TRACK_FLOW = 4,
};

enum ids_unique {
	IDS_UNIQUE_NONE = 0,
	IDS_UNIQUE_SRC_PORT = 1,
	IDS_UNIQUE_DST_PORT = 2,
	IDS_UNIQUE_SRC_IP = 3,
	IDS_UNIQUE_DST_IP = 4,
};

enum ids_rule_flag {
	IDS_RULE_NOALERT = 1, /* matches, acts, raises nothing */
	IDS_RULE_REJECT_SRC = 4,
	IDS_RULE_REJECT_DST = 8,
	IDS_RULE_ONCE = 16,        /* asks for addresses alone: alerts on the first packet of a flow's direction */
	IDS_RULE_REJECT_ENDS = 32, /* of an established TCP connection the receiver too: it would wait for the rest */
	IDS_RULE_HAND_OVER =
		64, /* the header part of a rule of the engine: the packet is handed over to it, see ids_headers */
	IDS_RULE_FLOW = 128, /* what it does is about the whole flow, not the packet alone */
};

/* One header rule. Its position is its rank: rules are sorted by action, then priority, then file order. */
struct ids_rule {
	__u32 sid;
	__u32 gid;
	__u32 key;   /* names the rule's threshold state across reloads: a hash of gid, sid and the threshold itself */
	__u8 action; /* enum ids_action */
	__u8 conds;  /* conditions in use */
	__u8 flags;  /* enum ids_rule_flag */
	__u8 threshold;   /* enum ids_threshold */
	__u8 track;       /* enum ids_track */
	__u8 unique;      /* enum ids_unique */
	__u16 multiplier; /* of IDS_THRESHOLD_BACKOFF */
	__u32 count;
	__u32 seconds;
	__u32 set_base;    /* first cell of this rule's sets: set_buckets * IDS_BUCKET_WAYS sets, one an entry */
	__u32 set_size;    /* cells of one set, a power of two, at least twice the count; 0 = no sets */
	__u32 set_first;   /* first bucket of this rule's own region of the threshold table */
	__u32 set_buckets; /* buckets of that region, a power of two; 0 = the common region (never with unique) */
	__u32 timeout;     /* of IDS_THRESHOLD_RATE: seconds for which the action is another one */
	__u8 new_action;   /* of IDS_THRESHOLD_RATE: enum ids_action */
	__u8 back;         /* entries of the same rule before this one: silent if one of them has matched */
	__u16 pad;
	struct ids_cond cond[IDS_RULE_CONDS];
};

enum ids_ruleset_flag {
	IDS_RULESET_ADDRESSES = 1, /* the address trie is not empty */
	IDS_RULESET_HTTP = 2,      /* a rule wants HTTP requests */
	IDS_RULESET_ONCE = 4,      /* a rule has IDS_RULE_ONCE */
};

/*
 * One rule set: the only value of an inner map of ids_rulesets. A bit vector has bit n of word w set if rule 64 w + n
 * can match; the candidates of a packet are the AND of the vectors of its protocol, layer-4 key, ports and addresses.
 * Vector 0 is all zero, vector 1 all ones over the rules in use.
 */
struct ids_ruleset {
	__u32 generation;
	__u32 words;              /* words in use */
	__u32 rules;              /* rules in use */
	__u32 flags;              /* enum ids_ruleset_flag */
	__u16 address_default[2]; /* vectors of an address (source, destination) that no trie entry covers */
	__u16 port_none[2];       /* vectors of a packet without ports (source, destination) */
	__u16 l4_none;            /* vector of a packet of a protocol without a layer-4 key, or without that header */
	__u16 plain; /* vector of header rules that a plain data packet could meet: TCP, ACK or PSH and ACK, no options but time stamps */
	__u16 messages
		[2]; /* vectors of rules that are judged on messages (TCP, UDP); those of `proto` are without them */
	__u16 inspect
		[2]; /* vectors of entries that are no rules: packets with such headers may need what `flags` says (enum ids_inspect_flag) */
	__u16 apps
		[2]; /* vectors of header rules that ask what the flow was recognised as (TCP, UDP): also in `proto` */
	__u16 proto[IDS_PROTO_KEYS + 7];
	__u16 l4[IDS_L4_SPACES][256];
	__u16 sport[65536];
	__u16 dport[65536];
	__u64 vector[IDS_MAX_VECTORS][IDS_RULE_WORDS];
	struct ids_rule rule[IDS_MAX_RULES];
};

/* Key of every prefix table: LPM trie order. prefix is 0 to 128, IPv4 /n as 96 + n. */
struct ids_prefix {
	__u32 prefix;
	__u8 addr[16];
};

/* Address trie of a rule set: the vectors of rules whose source / destination holds this prefix. */
struct ids_address_class {
	__u16 src;
	__u16 dst;
};

/* Counters of an origin as the kernel writes them, per CPU. */
struct ids_hits {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen; /* nanoseconds of now() */
};

/*
 * The blocklist: open addressing without a lock. User space writes through memory maps, the word that makes an entry
 * valid last; no entry is ever moved, and a freed place is not used anew before every reader has left it. Addresses are
 * numbers (192.0.2.7 is 0xc0000207; IPv6 four of them, the most significant first) with zero host bits.
 */
enum ids_list_limit {
	IDS_LINE_ENTRIES = 3, /* entries of a line */
	IDS_LENGTH_SETS = 256,
	IDS_LENGTH_BUCKETS = 1 << 20,
	IDS_CHAIN = 256,  /* lines from its home within which an entry lies */
	IDS_SETS = 65536, /* origin sets */
	IDS_SHORT = 8,    /* prefixes shorter than this are in ids_list_root.lengths alone, not in the fronts */
	IDS_HIT_TIME_BITS = 24,
	IDS_HIT_TIME_SHIFT = 32, /* last seen in units of 2^32 ns */
};

/* The meta word of an entry. */
enum ids_entry_bit {
	IDS_ENTRY_LENGTH = 0xff, /* prefix length: IPv4 0 to 32, IPv6 0 to 128 */
	IDS_ENTRY_USED = 0x100,
	IDS_ENTRY_FORCED = 0x200, /* wins over a built-in exemption */
	IDS_ENTRY_ALERT = 0x400,  /* reported and let through */
	IDS_ENTRY_SET_SHIFT = 16, /* the origin set: index of ids_sets */
};

struct ids_entry4 {
	__u32 addr;
	__u32 meta;    /* enum ids_entry_bit */
	__u32 expires; /* seconds of now(), 0 = never; acts while now() < expires */
};

/*
 * A cache line: a hit costs one miss, that of the counters included. Overflow: the line is full or was, and entries that
 * found no place lie in the next one. Hits are packets (40 bits) and when the last one came (IDS_HIT_TIME_BITS); they are
 * written by the kernel atomically and zeroed by the engine.
 */
struct ids_line4 {
	__u32 overflow;
	struct ids_entry4 entry[IDS_LINE_ENTRIES];
	__u64 hits[IDS_LINE_ENTRIES];
};

struct ids_entry6 {
	__u32 addr[4];
	__u32 meta;
	__u32 expires;
};

/* As ids_line4; two cache lines. */
struct ids_line6 {
	__u32 overflow;
	__u32 pad;
	struct ids_entry6 entry[IDS_LINE_ENTRIES];
	__u64 hits[IDS_LINE_ENTRIES];
	__u64 rest[3];
};

/*
 * What leads to entries, by the first bits of an address: a filter of one bit for 22 bits and behind it one for 24, with
 * which most addresses are done; a bit for 22 bits that says that there is more than full ones; and a word for 24 bits
 * which is asked in that case alone. "Full" ones are /32 in IPv4, and whatever has 32 bits or more in IPv6.
 */
enum ids_front_bit {
	IDS_FRONT_COVER = 0x1f,  /* the longest length of 8 to 24 that covers these 24 bits; 0 = none */
	IDS_FRONT_COUNT = 0x1e0, /* full ones: IPv4 15 = 15 or more, IPv6 1 = there are some */
	IDS_FRONT_COUNT_SHIFT = 5,
	IDS_FRONT_LENGTHS_SHIFT = 9, /* bit n: there is an entry of 25 + n bits, n 0 to 6 */
};

struct ids_front {
	__u16 word[4];
};

/*
 * Which lengths of 32 to 128 there are: bit n % 32 of word n / 32 is length 32 + n. Addresses of IPv6 share a set by a
 * hash of their first 32 bits, IDS_LENGTH_BUCKETS of them: one byte each, so that it stays in the cache. Set 0 is empty,
 * the last one has every length that is in use.
 */
struct ids_length_set {
	__u32 word[4];
};

struct ids_length_buckets {
	__u8 set[64];
};

/* The one record that every lookup reads. */
struct ids_list_root {
	__u32 lines4; /* lines in use of ids_entries4, and so on: the engine writes them before the first entry */
	__u32 lines6;
	__u32 lengths4; /* bit n: there is an entry of n bits, n 0 to 24 */
	__u32 lengths6;
	__u32 seed[3]; /* key of the hashes; the last two are odd */
	__u32 pad;
};

/* An origin set: who lists an entry. */
struct ids_set {
	__u16 origin; /* under which packets are counted: index of ids_origin_hits */
	__u16 pad;
	__u32 pad2;
};

/* Bits: an entry that lies inside a prefix of the other kind carries both, as the longest prefix alone is asked. */
enum ids_allow_kind {
	IDS_ALLOW_OPERATOR = 1, /* never dropped by anything */
	IDS_ALLOW_EXEMPT = 2,   /* never address-blocked */
};

struct ids_allow {
	__u32 kind; /* enum ids_allow_kind */
	__u32 pad;
};

enum ids_control_flag {
	IDS_CONTROL_MONITOR = 1,          /* compute, count and log every drop, and do none */
	IDS_CONTROL_CUTS = 2,             /* ids_cuts may hold entries */
	IDS_CONTROL_REDACT = 4,           /* mask sensitive header values */
	IDS_CONTROL_UNLIMITED = 8,        /* no rate bound on events (replay) */
	IDS_CONTROL_ESTABLISHED = 16,     /* look up the socket of a TCP packet that raises an event */
	IDS_CONTROL_MIDSTREAM = 32,       /* flows without a handshake are picked up and count as established */
	IDS_CONTROL_FLOW_DROPS = 64,      /* a drop by rule drops the rest of its flow too */
	IDS_CONTROL_HOLD_FRAGMENTS = 128, /* fragments that cannot be put together are dropped; else they pass */
	IDS_CONTROL_LOG_FLOWS = 256,      /* a flow whose entry goes to another one is told */
};

/* Idle times after which a flow is over, as Suricata has them. */
enum ids_timeout {
	IDS_TIMEOUT_TCP_NEW = 0,
	IDS_TIMEOUT_TCP_ESTABLISHED = 1,
	IDS_TIMEOUT_TCP_CLOSED = 2,
	IDS_TIMEOUT_UDP_NEW = 3,
	IDS_TIMEOUT_UDP_ESTABLISHED = 4,
	IDS_TIMEOUT_OTHER_NEW = 5,
	IDS_TIMEOUT_OTHER_ESTABLISHED = 6,
	IDS_TIMEOUT_FRAGMENTS = 7,
	IDS_TIMEOUTS = 8,
};

/* Run-time settings: the only value of ids_control, written by user space alone. */
struct ids_control {
	__u64 clock;           /* replay: now() in nanoseconds, set before each packet */
	__u64 packet;          /* replay: number of the packet in its capture, from 1 */
	__u32 slot;            /* rule set slot in force */
	__u32 flags;           /* enum ids_control_flag */
	__u32 source_rate;     /* events a second for one (rule, source) */
	__u32 rule_rate;       /* events a second for one rule */
	__u32 blocked_rate;    /* events a second for one blocklisted source */
	__u32 reject_rate;     /* answers a second of all reject rules */
	__u64 secret[2];       /* key of every hash over what an attacker chooses */
	__u32 flow_generation; /* turned after every change of lists or rules: what flows have cached is void */
	__u32 structure;       /* generation of the structure automaton in force, in ids_structures[structure % 2] */
	__u32 datagram_sets;   /* of ids_datagrams */
	__u32 packet_rate;     /* packets a second that are handed over whole */
	__u32 timeout[IDS_TIMEOUTS];   /* seconds */
	__u64 flow_key[IDS_FLOW_KEYS]; /* key of the hash of the flow table, made from the secret */
	__u64 answers[2];              /* cookies of the sockets that the engine's answers to a reject leave by */
};

/* An interface that the program is attached to, by ifindex. */
enum ids_interface_flag {
	IDS_INTERFACE_TX = 1, /* XDP_TX reaches the peer: reject is answered here, else by the engine */
};

struct ids_interface {
	__u32 flags; /* enum ids_interface_flag */
	__u32 pad;
};

/* What the reader of the rings does, and what of the bulk ring ends its sleep. Alerts end it in any case. */
enum ids_sleep {
	IDS_SLEEP_NONE = 0, /* it is awake, or there is none: it looks into the rings before it sleeps */
	IDS_SLEEP_NAP = 1,  /* it looks again within milliseconds: records that a rule or the response waits for */
	IDS_SLEEP_LONG = 2, /* any record */
};

/* The only value of ids_reader. */
struct ids_reader {
	__u32 sleep; /* enum ids_sleep */
	__u32 pad;
};

struct ids_verdict_count {
	__u64 packets;
	__u64 bytes;
	__u64 would; /* of these packets: passed in monitor mode though the reason says dropped */
};

struct ids_rule_count {
	__u64 matched;    /* packets on which every condition held and the threshold let it act */
	__u64 events;     /* events written */
	__u64 suppressed; /* events held back by a rate bound */
	__u64 lost;       /* events that found the ring full */
	__u64 silenced;   /* matches that a threshold kept from alerting */
};

/* Per-CPU counters that are neither a verdict nor a rule's. */
enum ids_stat {
	IDS_STAT_EVENTS = 0,                  /* events written to the alert ring */
	IDS_STAT_EVENTS_LOST = 1,             /* events that found the alert ring full */
	IDS_STAT_EVENTS_SUPPRESSED = 2,       /* events held back by a rate bound */
	IDS_STAT_BULK = 3,                    /* records written to the bulk ring */
	IDS_STAT_BULK_LOST = 4,               /* records that found the bulk ring full */
	IDS_STAT_BLOCK_EVENTS_SUPPRESSED = 5, /* blocklist events held back by the rate bound */
	IDS_STAT_THRESHOLD_EVICTED = 6,       /* live threshold entries displaced by others */
	IDS_STAT_THRESHOLD_FULL = 7,          /* threshold entries that found no place */
	IDS_STAT_SET_FULL = 8,                /* distinct values that found their set full */
	IDS_STAT_REJECTS_SENT = 9,            /* reject answers handed to XDP_TX */
	IDS_STAT_REJECTS_LIMITED =
		10,                   /* reject answers held back by the rate bound or because nobody may be answered */
	IDS_STAT_HTTP_TRUNCATED = 11, /* header sections that were handed over without their end */
	IDS_STAT_EXEMPTED = 12,       /* packets of a blocklisted source that a built-in exemption let through */
	IDS_STAT_EXPIRED_HITS = 13,   /* packets that met an expired blocklist entry */
	IDS_STAT_HTTP = 14,           /* HTTP requests seen */
	IDS_STAT_MATCHES_DISCARDED = 15,  /* alerts beyond the first IDS_MATCHES of one packet */
	IDS_STAT_FLOWS = 16,              /* flows that began */
	IDS_STAT_FLOWS_FULL = 17,         /* packets that found no place for their flow */
	IDS_STAT_FLOWS_EVICTED = 18,      /* half-open flows displaced by others */
	IDS_STAT_FLOWS_MIDSTREAM = 19,    /* picked up without a handshake */
	IDS_STAT_FLOW_RECORDS = 20,       /* records of flows written to the bulk ring */
	IDS_STAT_REASSEMBLED = 21,        /* datagrams put together from fragments */
	IDS_STAT_FRAGMENTS_LOST = 22,     /* fragments that found no room, were given up, or were of no use */
	IDS_STAT_FRAGMENT_CONFLICTS = 23, /* fragments that overlapped with other content */
	IDS_STAT_TUNNELS = 24,            /* inner packets that were judged */
	IDS_STAT_TUNNELS_DEEP = 25,       /* tunnels within two others: not unwrapped */
	IDS_STAT_SEGMENTS_WAITED = 26,    /* segments out of order that waited in a window */
	IDS_STAT_WINDOWS_FULL = 27,       /* sections that found no window */
	IDS_STAT_SEGMENTS_LOST = 28,      /* segments that did not fit into their window */
	IDS_STAT_CONFLICTS = 29,          /* retransmissions with other content */
	IDS_STAT_SECTIONS_LONG = 30,      /* sections beyond IDS_SECTION_MAX */
	IDS_STAT_SECTIONS_WITHHELD = 31,  /* sections of which a part was not judged */
	IDS_STAT_HTTP_RESPONSES = 32,
	IDS_STAT_HTTP_LENGTHS = 33, /* messages with conflicting lengths */
	IDS_STAT_HTTP_RESYNCS = 34, /* what followed a message was none */
	IDS_STAT_TLS = 35,          /* hellos */
	IDS_STAT_DNS = 36,          /* messages */
	IDS_STAT_HTTP2 = 37,        /* flows recognised and not inspected */
	IDS_STAT_QUIC = 38,
	IDS_STAT_PATTERN_HITS_LOST = 39, /* patterns of one message beyond IDS_HITS */
	IDS_STAT_UNINSPECTED = 40,       /* payload bytes beyond the inspection depth of flows that rules look into */
	IDS_STAT_LOG_SAMPLED = 41,       /* messages that sampling left out of the log */
	IDS_STAT_JUDGED_BEFORE = 42,     /* egress: packets that one of our ingress programs has judged */
	IDS_STAT_PAYLOAD = 43,           /* bytes handed over for inspection */
	IDS_STAT_HANDSHAKES = 44,        /* TCP flows that were established by their handshake */
	IDS_STAT_RESETS = 45,            /* established flows that a RST ended */
	IDS_STAT_REFUSED = 46,           /* SYNs answered by a RST */
	IDS_STAT_RETRANSMISSIONS = 47,   /* TCP segments that brought nothing new */
	IDS_STAT_FLOW_RECORDS_LOST = 48, /* records of flows that found the bulk ring full */
	IDS_STAT_FLOW_RECORDS_HELD = 49, /* records of half-open flows held back by a rate bound */
	IDS_STAT_FLOWS_LOCAL = 50,       /* picked up because a socket of this host proves them */
	IDS_STAT_UNANSWERED = 51,        /* SYNs whose flow gave its place away without an answer */
	IDS_STAT_HALF_OPEN = 52,         /* answered SYNs whose flow gave its place away before it was established */
	IDS_STAT_PREFILTER_PASSED =
		53, /* messages that the prefilter handed over to the engine: a gram stood in them, or doubt */
	IDS_STAT_PREFILTER_KEPT = 54,  /* messages that it kept back: no rule of the engine could match */
	IDS_STAT_FAST = 56,            /* clean data packets of known flows that went the fast way */
	IDS_STAT_LOG_LEFT_OUT = 57,    /* HTTP transactions that the log's selection left out, sampling apart */
	IDS_STAT_HTTP_HELD = 58,       /* requests that waited in the kernel for the response that decides on them */
	IDS_STAT_HTTP_HELD_FULL = 59,  /* requests that found no place to wait: the engine selects */
	IDS_STAT_HTTP_HELD_LOST = 60,  /* requests whose place was taken away before their response came */
	IDS_STAT_TOP_DISPLACED = 61,   /* values of the aggregates that gave way to others */
	IDS_STAT_TOP_FULL = 62,        /* values that found no place there */
	IDS_STAT_PACKETS_LIMITED = 63, /* packets that were not handed over whole: too many a second */
	IDS_STATS = 64,
};

enum ids_event_type {
	IDS_EVENT_ALERT = 1,   /* a header rule matched */
	IDS_EVENT_BLOCKED = 2, /* a blocklisted source was dropped */
	IDS_EVENT_HTTP = 3,    /* the header section of an HTTP request (bulk ring) */
	IDS_EVENT_CUT = 4,     /* a packet of a cut flow was dropped */
	IDS_EVENT_REJECT = 5,  /* a packet is to be answered of which no other event tells: nothing is raised */
	IDS_EVENT_LISTED = 6,  /* a source is listed for alert alone: the packet went on */
	IDS_EVENT_TLS =
		7, /* bulk ring: bytes of a TLS handshake, from the beginning of the direction (struct ids_bytes_record) */
	IDS_EVENT_DNS = 8,      /* bulk ring: a DNS message (struct ids_bytes_record) */
	IDS_EVENT_PAYLOAD = 9,  /* bulk ring: payload for inspection (struct ids_bytes_record) */
	IDS_EVENT_FLOW = 10,    /* bulk ring: a flow that ended (struct ids_flow_record) */
	IDS_EVENT_ANOMALY = 11, /* alert ring: something is wrong with a stream; `rule` is an enum ids_l7_flag */
};

enum ids_event_flag {
	IDS_EVENT_WOULD = 1, /* monitor mode: the verdict was not carried out */
	IDS_EVENT_ESTABLISHED =
		2, /* a socket of this host is established with this peer and the packet lies in its window */
	IDS_EVENT_FRAGMENT = 4,
	IDS_EVENT_NEED_REJECT = 8,    /* the engine must answer: XDP_TX does not reach the peer here */
	IDS_EVENT_PORTS = 16,         /* sport and dport are there */
	IDS_EVENT_MATCHED_FINAL = 32, /* this rule is the one that decided the verdict */
	IDS_EVENT_ALLOWLISTED = 64,   /* the operator's allowlist kept the packet from a drop */
	IDS_EVENT_L4 = 128,           /* the transport header was read */
};

/* One event of the alert ring, and the head of every bulk record. */
struct ids_event {
	__u64 time;   /* nanoseconds of now() */
	__u64 packet; /* replay: number of the packet */
	__u8 type;    /* enum ids_event_type */
	__u8 verdict; /* enum ids_verdict: what was decided on the packet */
	__u8 reason;  /* enum ids_reason: the terminal reason */
	__u8 flags;   /* enum ids_event_flag */
	__u32 generation;
	__u32 ifindex;
	__u16 rule;   /* IDS_EVENT_ALERT, _REJECT: position in the rule set of that generation */
	__u16 origin; /* IDS_EVENT_BLOCKED: origin of the entry */
	__u8 saddr[16];
	__u8 daddr[16];
	__be16 sport;    /* ICMP: type */
	__be16 dport;    /* ICMP: code */
	__u8 proto;      /* IP protocol after extension headers */
	__u8 ip_version; /* 4, 6; 0 if there is none */
	__u8 tcp_flags;
	__u8 ttl;
	__u32 frame_len; /* bytes of the frame */
	__u16 ip_len;    /* IPv4 total length; IPv6 payload length + 40 */
	__u16 payload_len;
	__u32 seq;
	__u32 ack;
	__u16 window;
	__u16 urgent;
	__u16 ip_id;
	__u8 tos;
	__u8 vlans;    /* tags in vlan[] */
	__u16 vlan[2]; /* VLAN ids, outer first */
	__u16 icmp_id;
	__u16 icmp_seq;
	__u8 eth_src[6];
	__u8 eth_dst[6];
	__u32 decode[2]; /* decode reasons seen, as IDS_FIELD_DECODE0 and 1 */
	__u32 count;     /* detection_filter / threshold: the count in this window; else 0 */
	__u64 flow_id;   /* of the flow entry; 0 without one */
	__u32 flow;      /* its index */
	__u8 direction;  /* enum ids_direction */
	__u8 app;        /* enum ids_app */
	__u8 layer;      /* tunnels around the packet */
	__u8 hook;       /* enum ids_hook */
	__u32 flow_bits; /* IDS_FIELD_FLOW of the packet */
	__u32 pad;
};

/* A record of the bulk ring: a flow that ended. */
struct ids_flow_record {
	struct ids_event event;
	struct ids_flow flow;
};

#include "abi_l7.h"

/*
 * A flow that is cut, in canonical order: the smaller address (bytes as on the wire) and its port first; of equal
 * addresses the smaller port. Without ports they are 0.
 */
struct ids_cut_key {
	__u8 addr[2][16];
	__be16 port[2];
	__u8 proto;
	__u8 pad[3];
};

struct ids_cut {
	__u32 expires; /* seconds of now() */
	__u32 sid;
	__u32 flags; /* enum ids_cut_flag */
	__u32 pad;
};

enum ids_cut_flag {
	IDS_CUT_REJECT = 1, /* answer its packets as a reject does */
};

#define IDS_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type " has an unexpected size")
IDS_SIZE(ids_cond, 16);
IDS_SIZE(ids_rule, 180);
IDS_SIZE(ids_prefix, 20);
IDS_SIZE(ids_hits, 24);
IDS_SIZE(ids_line4, 64);
IDS_SIZE(ids_line6, 128);
IDS_SIZE(ids_length_set, 16);
IDS_SIZE(ids_length_buckets, 64);
IDS_SIZE(ids_front, 8);
IDS_SIZE(ids_list_root, 32);
IDS_SIZE(ids_set, 8);
IDS_SIZE(ids_event, 152);
IDS_SIZE(ids_flow, 192);
IDS_SIZE(ids_l7, 192);
IDS_SIZE(ids_http, 192);
IDS_SIZE(ids_headers, 140);
IDS_SIZE(ids_cut_key, 40);
IDS_SIZE(ids_cut, 16);

#endif
