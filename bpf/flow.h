/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The flow stage: finds or makes the entry of the packet's flow, and says what the verdict on a packet means for it. */
#ifndef IDS_FLOW_H
#define IDS_FLOW_H

#include "flow_place.h"
#include "flow_tcp.h"

/* Sockets looked up in a second for flows that were there before us, all together. */
#define IDS_FLOW_LOOKUPS 10000

/* Protocols that have flows, as Suricata has it; damaged packets and fragments belong to none. */
static __always_inline bool ids_flow_wanted(const struct ids_packet *pkt)
{
	if (pkt->malformed || pkt->fragment)
		return false;
	switch (pkt->proto_key) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return pkt->l4_read;
	case IPPROTO_SCTP:
	case IPPROTO_ESP:
		return true;
	default:
		return false;
	}
}

/* TCP flags of the packet, 0 of another protocol. */
static __always_inline __u32 ids_flow_tcp_flags(const struct ids_packet *pkt)
{
	return pkt->proto_key == IPPROTO_TCP ? pkt->field[IDS_FIELD_TCP_FLAGS] : 0;
}

static __always_inline bool ids_flow_is_syn(__u32 flags)
{
	return (flags & (IDS_TCP_SYN | IDS_TCP_ACK | IDS_TCP_RST | IDS_TCP_FIN)) == IDS_TCP_SYN;
}

/* Whether a SYN begins another connection of the same addresses and ports. One that goes on does not care for a SYN. */
static __always_inline bool ids_flow_reused(const struct ids_packet *pkt, const struct ids_flow *flow)
{
	if (!ids_flow_is_syn(ids_flow_tcp_flags(pkt)) || flow->flags & IDS_FLOW_DROPPED)
		return false;
	return flow->state == IDS_FLOW_CLOSED ||
	       (flow->state == IDS_FLOW_NEW && !((flow->dir[0].tcp_flags | flow->dir[1].tcp_flags) & IDS_TCP_SYN));
}

static __always_inline void ids_flow_turn_round(struct ids_flow *flow)
{
	__sync_fetch_and_xor((__u32 *)&flow->state, IDS_FLOW_CLIENT_SECOND << 16);
}

/* What the first packet says of a TCP flow that does not begin with a SYN. */
static __always_inline void ids_flow_picked_up(struct ids_packet *pkt, struct ids_flow *flow, __u32 flags)
{
	bool answer = (flags & (IDS_TCP_SYN | IDS_TCP_ACK)) == (IDS_TCP_SYN | IDS_TCP_ACK);

	/* A SYN-ACK comes from the server. Else, live, the lower port is the server's; in a capture the first one asks. */
	if (answer || (pkt->control & IDS_CONTROL_ESTABLISHED && bpf_ntohs(pkt->sport) < bpf_ntohs(pkt->dport)))
		ids_flow_turn_round(flow);
	if (!(pkt->control & IDS_CONTROL_MIDSTREAM))
		return;
	ids_flow_flag(flow, IDS_FLOW_MIDSTREAM);
	ids_count(IDS_STAT_FLOWS_MIDSTREAM);
	if (answer) {
		/* The client's SYN is taken as seen: its ACK completes the handshake. */
		flow->dir[IDS_TO_SERVER].next = pkt->field[IDS_FIELD_TCP_ACK];
		flow->dir[IDS_TO_CLIENT].next = pkt->field[IDS_FIELD_TCP_SEQ] + 1;
		flow->dir[IDS_TO_CLIENT].ack = pkt->field[IDS_FIELD_TCP_ACK];
		ids_flow_turn(flow, IDS_FLOW_NEW, IDS_FLOW_ANSWERED, 0);
	} else {
		flow->proven = 1;
		ids_flow_turn(flow, IDS_FLOW_NEW, IDS_FLOW_ESTABLISHED, 0);
	}
}

#define IDS_FLOW_LOOKS 64 /* at a place that is being written: some nanoseconds each, and a write takes some dozens */

/* Waits until no place before the packet's own is being written: what stands there may be the same flow. */
__noinline int ids_flow_await(struct ids_packet *pkt)
{
	__u32 n, look, first;

	if (!pkt)
		return 0;
	first = pkt->flow & ~(IDS_FLOW_WAYS - 1);
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_FLOW_WAYS; n++) {
		const struct ids_flow *flow = ids_flow_at(first + n);

		if (!flow || first + n >= pkt->flow)
			break;
#pragma clang loop unroll(disable)
		for (look = 0; look < IDS_FLOW_LOOKS; look++)
			if (*(const volatile __u64 *)&flow->id != IDS_FLOW_BUSY)
				break;
	}
	return 0;
}

/* Makes an entry; another CPU that has made one of the same flow at the same time wins if its place comes first. */
static __always_inline void ids_flow_make(struct ids_packet *pkt, const struct ids_tuple *tuple)
{
	__u32 index = 0;
	struct ids_flow *flow;

	ids_flow_begin(pkt);
	if (!pkt->flow_id)
		return;
	ids_flow_await(pkt);
	if (ids_flow_find(tuple, pkt->flow_hash, &index) && index != pkt->flow) {
		flow = ids_flow_at(pkt->flow);
		if (flow)
			*(volatile __u64 *)&flow->id = 0;
		flow = ids_flow_at(index);
		pkt->flow = index;
		pkt->flow_id = flow ? *(volatile __u64 *)&flow->id : 0;
	}
}

/* What rules ask for. */
static __always_inline void ids_flow_bits(struct ids_packet *pkt, bool established)
{
	pkt->field[IDS_FIELD_FLOW] = (pkt->assembled ? IDS_FLOWBIT_REBUILT : 0) | IDS_FLOWBIT_TRACKED |
				     (established ? IDS_FLOWBIT_ESTABLISHED : IDS_FLOWBIT_NOT_ESTABLISHED) |
				     pkt->app << 8 |
				     (pkt->direction == IDS_TO_CLIENT ? IDS_FLOWBIT_TO_CLIENT : IDS_FLOWBIT_TO_SERVER);
}

/*
 * Takes the packet into its flow. A TCP packet counts as what the flow was before it, as in Suricata; of other protocols
 * the first answer is established. Returns whether a socket could prove the flow.
 */
static __always_inline int ids_flow_update(struct ids_packet *pkt, struct ids_flow *flow, bool first)
{
	__u32 flags = ids_flow_tcp_flags(pkt);
	bool held = flow->flags & IDS_FLOW_DROPPED && !(pkt->control & IDS_CONTROL_MONITOR);
	struct ids_flow_dir *dir;
	__u64 now = ids_coarse(pkt);
	__u32 side;

	if (first && pkt->proto_key == IPPROTO_TCP && !ids_flow_is_syn(flags))
		ids_flow_picked_up(pkt, flow, flags);
	side = !!(flow->flags & IDS_FLOW_CLIENT_SECOND) != pkt->swapped;
	pkt->direction = side ? IDS_TO_CLIENT : IDS_TO_SERVER;
	pkt->app = flow->app;
	dir = &flow->dir[side & 1];
	ids_flow_bits(pkt, flow->proven);
	/* What is dropped does not reach anybody: it neither ends the flow nor, as a SYN, keeps it. */
	if (pkt->proto_key == IPPROTO_TCP) {
		if (!held)
			ids_flow_tcp(pkt);
	} else if (flow->state == IDS_FLOW_NEW && flow->dir[(side ^ 1) & 1].packets) {
		flow->proven = 1;
		ids_flow_turn(flow, IDS_FLOW_NEW, IDS_FLOW_ESTABLISHED, 0);
		ids_flow_bits(pkt, true);
	}
	if (!dir->packets)
		dir->ttl = ids_get(pkt, IDS_FIELD_TTL);
	dir->packets++;
	dir->bytes += pkt->frame_len;
	dir->hooks |= 1 << pkt->hook;
	if (ids_flow_ticked(flow, now) && !(held && flags & IDS_TCP_SYN))
		flow->last = now;
	/* Asked for the 1st, 2nd, 4th … packet of a flow. */
	return flow->state < IDS_FLOW_ESTABLISHED &&
	       (flags & (IDS_TCP_SYN | IDS_TCP_RST | IDS_TCP_ACK)) == IDS_TCP_ACK &&
	       pkt->control & IDS_CONTROL_ESTABLISHED && !(dir->packets & (dir->packets - 1));
}

/* Finds the packet's flow. Returns whether a socket of this host could prove it: ids_flow_prove() is told then. */
__noinline int ids_flow(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();
	struct ids_tuple tuple;
	struct ids_flow *flow;
	bool first = true;
	__u32 index = 0;

	if (!pkt || !control || !pkt->ip_version)
		return 0;
	ids_set(pkt, IDS_FIELD_FLOW, pkt->assembled ? IDS_FLOWBIT_REBUILT : 0);
	if (!ids_flow_wanted(pkt))
		return 0;
	if (pkt->proto_key == IPPROTO_TCP)
		ids_set(pkt, IDS_FIELD_STREAM, 0);
	pkt->swapped = ids_tuple_make(&tuple, pkt->saddr.half[0], pkt->saddr.half[1], pkt->daddr.half[0],
				      pkt->daddr.half[1], pkt->sport, pkt->dport, ids_flow_kind(pkt));
	pkt->flow_hash = ids_tuple_hash(control, &tuple, pkt->ip_version == 6);
	flow = ids_flow_find(&tuple, pkt->flow_hash, &index);
	if (flow) {
		__u64 id = *(volatile __u64 *)&flow->id;

		pkt->flow = index;
		if (ids_flow_expired(control, flow, ids_coarse(pkt))) {
			ids_flow_restart(pkt, flow, IDS_FLOW_END_TIMEOUT);
		} else if (ids_flow_reused(pkt, flow)) {
			ids_flow_restart(pkt, flow, IDS_FLOW_END_REUSED);
		} else {
			pkt->flow_id = id;
			first = false;
		}
	} else if (!(ids_flow_tcp_flags(pkt) & IDS_TCP_RST)) {
		ids_flow_make(pkt, &tuple);
	}
	if (pkt->flow_id <= IDS_FLOW_BUSY) {
		pkt->flow_id = 0;
		return 0;
	}
	flow = ids_flow_at(pkt->flow);
	return flow ? ids_flow_update(pkt, flow, first) : 0;
}

/* Whether one more socket may be looked up: with packets that belong to nothing anybody could make us do it for ever. */
static __always_inline bool ids_flow_may_ask(struct ids_packet *pkt)
{
	const struct ids_control *control = ids_settings();

	return control && ids_take(ids_rate_cell(ids_mix(control->secret[0] + 2)), ids_coarse(pkt), IDS_FLOW_LOOKUPS);
}

/* A socket of this host is established with the packet's source, and the packet lies in its window. */
__noinline int ids_flow_prove(struct ids_packet *pkt)
{
	struct ids_flow *flow;
	__u32 side;

	if (!pkt)
		return 0;
	side = pkt->direction & 1;
	flow = ids_flow_at(pkt->flow);
	if (!flow)
		return 0;
	flow->dir[side].next = pkt->field[IDS_FIELD_TCP_SEQ] + pkt->payload_len;
	flow->dir[side].ack = flow->dir[side ^ 1].next = pkt->field[IDS_FIELD_TCP_ACK];
	flow->dir[side ^ 1].ack = pkt->field[IDS_FIELD_TCP_SEQ];
	flow->dir[0].probe_us = flow->dir[1].probe_us = 0;
	flow->proven = 1;
	ids_flow_flag(flow, IDS_FLOW_LOCAL);
	if (!ids_flow_turn(flow, IDS_FLOW_NEW, IDS_FLOW_ESTABLISHED, 0))
		ids_flow_turn(flow, IDS_FLOW_ANSWERED, IDS_FLOW_ESTABLISHED, 0);
	ids_count(IDS_STAT_FLOWS_LOCAL);
	pkt->in_window = true;
	ids_flow_bits(pkt, true);
	return 0;
}

/*
 * Notes in the flow that a rule matched. A drop that is about the flow drops the rest of it, unless the packet could be
 * forged: a single one must not end somebody else's connection.
 */
__noinline int ids_flow_mark(struct ids_packet *pkt)
{
	const struct ids_ruleset *set;
	struct ids_flow *flow;
	__u32 decider;

	if (!pkt)
		return 0;
	flow = ids_flow_at(pkt->flow);
	if (!flow || *(volatile __u64 *)&flow->id != pkt->flow_id)
		return 0;
	if (pkt->matches && !(flow->flags & IDS_FLOW_ALERTED))
		ids_flow_flag(flow, IDS_FLOW_ALERTED);
	decider = pkt->decider;
	if (pkt->verdict == IDS_VERDICT_PASS || decider >= IDS_MAX_RULES || !(pkt->control & IDS_CONTROL_FLOW_DROPS))
		return 0;
	if (!ids_replay && !(flow->proven && (pkt->proto_key != IPPROTO_TCP || pkt->in_window)))
		return 0;
	set = ids_ruleset(pkt);
	if (!set || !(set->rule[decider].flags & IDS_RULE_FLOW))
		return 0;
	flow->sid = set->rule[decider].sid;
	if (pkt->verdict == IDS_VERDICT_REJECT && pkt->sides & IDS_RULE_REJECT_SRC)
		ids_flow_flag(flow, IDS_FLOW_DROPPED | IDS_FLOW_REJECTED);
	else
		ids_flow_flag(flow, IDS_FLOW_DROPPED);
	return 0;
}

/* To be called when the packet's decision is final. */
static __always_inline void ids_flow_settle(struct ids_packet *pkt)
{
	if (pkt->flow_id && (pkt->matches || pkt->verdict != IDS_VERDICT_PASS))
		ids_flow_mark(pkt);
}

#endif
