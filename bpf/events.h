/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Events of the alert ring: what is written, and when none is. */
#ifndef IDS_EVENTS_H
#define IDS_EVENTS_H

#include "clock.h"
#include "established.h"
#include "rates.h"

/* Fills all of an event (or the head of a bulk record) but what the caller knows: type, rule, count. */
static __always_inline void ids_event_fill(struct ids_packet *pkt, struct ids_event *event)
{
	__u8 flags = pkt->event_flags;

	if (pkt->fragment)
		flags |= IDS_EVENT_FRAGMENT;
	if (pkt->ports)
		flags |= IDS_EVENT_PORTS;
	if (pkt->l4_read)
		flags |= IDS_EVENT_L4;
	event->time = ids_now(pkt);
	event->packet = 0;
	if (ids_replay) {
		const struct ids_control *control = ids_settings();

		event->packet = control ? control->packet : 0;
	}
	event->verdict = pkt->verdict;
	event->reason = pkt->reason;
	event->flags = flags;
	event->generation = pkt->generation;
	event->ifindex = pkt->ifindex;
	event->rule = IDS_MAX_RULES;
	event->origin = pkt->origin;
	if (pkt->ip_version) {
		__builtin_memcpy(event->saddr, &pkt->saddr, sizeof(event->saddr));
		__builtin_memcpy(event->daddr, &pkt->daddr, sizeof(event->daddr));
	} else {
		__builtin_memset(event->saddr, 0, sizeof(event->saddr));
		__builtin_memset(event->daddr, 0, sizeof(event->daddr));
	}
	if (pkt->present & 1u << IDS_FIELD_ICMP_TYPE) {
		event->sport = bpf_htons(pkt->field[IDS_FIELD_ICMP_TYPE]);
		event->dport = bpf_htons(pkt->field[IDS_FIELD_ICMP_CODE]);
	} else {
		event->sport = pkt->sport;
		event->dport = pkt->dport;
	}
	event->proto = pkt->proto;
	event->ip_version = pkt->ip_version;
	event->tcp_flags = ids_get(pkt, IDS_FIELD_TCP_FLAGS);
	event->ttl = ids_get(pkt, IDS_FIELD_TTL);
	event->frame_len = pkt->frame_len;
	event->ip_len = pkt->ip_len;
	event->payload_len = pkt->payload_len > 0xffff ? 0xffff : pkt->payload_len;
	event->seq = ids_get(pkt, IDS_FIELD_TCP_SEQ);
	event->ack = ids_get(pkt, IDS_FIELD_TCP_ACK);
	event->window = ids_get(pkt, IDS_FIELD_TCP_WINDOW);
	event->urgent = pkt->urgent;
	event->ip_id = ids_get(pkt, IDS_FIELD_IP_ID);
	event->tos = ids_get(pkt, IDS_FIELD_TOS);
	event->vlans = pkt->vlans;
	event->vlan[0] = pkt->vlan[0];
	event->vlan[1] = pkt->vlan[1];
	event->icmp_id = ids_get(pkt, IDS_FIELD_ICMP_ID);
	event->icmp_seq = ids_get(pkt, IDS_FIELD_ICMP_SEQ);
	__builtin_memcpy(event->eth_dst, pkt->eth_dst, sizeof(event->eth_dst));
	__builtin_memcpy(event->eth_src, pkt->eth_src, sizeof(event->eth_src));
	event->decode[0] = pkt->field[IDS_FIELD_DECODE0];
	event->decode[1] = pkt->field[IDS_FIELD_DECODE1];
	event->count = 0;
	event->flow_id = pkt->flow_id;
	event->flow = pkt->flow;
	event->direction = pkt->direction;
	event->app = pkt->app;
	event->layer = pkt->layer;
	event->hook = pkt->hook;
	event->flow_bits = ids_get(pkt, IDS_FIELD_FLOW);
	event->pad = 0;
}

/* Writes one event; returns false if the ring is full. */
static __always_inline bool ids_write(struct ids_packet *pkt, enum ids_event_type type, __u16 rule, __u32 count)
{
	struct ids_event *event = bpf_ringbuf_reserve(&ids_events, sizeof(*event), 0);

	if (!event) {
		ids_count(IDS_STAT_EVENTS_LOST);
		return false;
	}
	ids_event_fill(pkt, event);
	event->type = type;
	event->rule = rule;
	event->count = count;
	if (type == IDS_EVENT_ALERT && rule == pkt->decider)
		event->flags |= IDS_EVENT_MATCHED_FINAL;
	bpf_ringbuf_submit(event, 0);
	ids_count(IDS_STAT_EVENTS);
	return true;
}

/* Looks up the packet's connection before its first event is written. */
static __always_inline void ids_note_connection(void *ctx, const enum ids_hook hook, struct ids_packet *pkt)
{
	if (!(pkt->control & IDS_CONTROL_ESTABLISHED) || pkt->proto_key != IPPROTO_TCP || !pkt->l4_read)
		return;
	pkt->control &= ~IDS_CONTROL_ESTABLISHED;
	/* A handshake that was seen here is worth as much as a socket of this host, and costs nothing. */
	if ((pkt->in_window && ids_get(pkt, IDS_FIELD_FLOW) & IDS_FLOWBIT_ESTABLISHED) ||
	    ids_established(ctx, hook, pkt))
		pkt->event_flags |= IDS_EVENT_ESTABLISHED;
}

/* Raises the event of one rule that matched; returns whether the one that decided was told of. */
IDS_OUTLINE_WITH(ids_raise_match, (__u32 n), (n))
{
	struct ids_rule_count *count;
	__u32 position;

	if (n >= IDS_MATCHES)
		return 0;
	position = pkt->match[n].rule & (IDS_MAX_RULES - 1);
	count = ids_rule_counter(pkt, position);
	if (!ids_may_alert(pkt, position, pkt->match[n].sid)) {
		ids_count(IDS_STAT_EVENTS_SUPPRESSED);
		if (count)
			count->suppressed++;
		return 0;
	}
	ids_note_connection(ctx, hook, pkt);
	if (!ids_write(pkt, IDS_EVENT_ALERT, position, pkt->match[n].count)) {
		if (count)
			count->lost++;
		return 0;
	}
	if (count)
		count->events++;
	return position == pkt->decider;
}

/* Raises the events of a packet whose decision is final. */
IDS_OUTLINE(ids_raise)
{
	int told = 0;
	__u32 n;

	if (pkt->event_type) {
		if (!ids_may_report(pkt)) {
			ids_count(IDS_STAT_BLOCK_EVENTS_SUPPRESSED);
		} else {
			ids_note_connection(ctx, hook, pkt);
			/* The event of a list that alerts says nothing of what a rule decides later. */
			told = ids_write(pkt, pkt->event_type, IDS_MAX_RULES, 0) && pkt->event_type != IDS_EVENT_LISTED;
		}
	}
#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_MATCHES; n++) {
		if (n >= pkt->matches)
			break;
		told |= ids_raise_match(ctx, hook, pkt, n);
	}
	/* A rule that alerts seldom or never rejects all the same; how often is bounded by the answers' own bucket. */
	if (pkt->event_flags & IDS_EVENT_NEED_REJECT && !told)
		ids_write(pkt, IDS_EVENT_REJECT, pkt->decider, 0);
	return 0;
}

#endif
