/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The state of a TCP flow: what a handshake, a FIN and a RST must look like before they count. */
#ifndef IDS_FLOW_TCP_H
#define IDS_FLOW_TCP_H

#include "flow_record.h"

/* How far a segment may lie from what is expected and still be of the flow: a blind forger meets it once in 2,048. */
#define IDS_FLOW_NEAR  (1u << 20)
/* How far sequence numbers may run ahead of what was acknowledged: the largest windows that are in use. */
#define IDS_FLOW_AHEAD (1u << 26)
/* Bytes that may be missing between SYN and the first packet that is seen of the client, whose acknowledgement is exact. */
#define IDS_FLOW_LOSS  65535

struct ids_segment {
	struct ids_flow *flow;
	struct ids_flow_dir *dir;  /* of the sender */
	struct ids_flow_dir *peer; /* of the receiver */
	__u32 seq;
	__u32 ack;
	__u32 end; /* behind its last byte, SYN and FIN included */
	__u32 length;
	__u8 flags;
};

/* first <= number <= last, on the circle. */
static __always_inline bool ids_between(__u32 first, __u32 number, __u32 last)
{
	return number - first <= last - first;
}

static __always_inline void ids_flow_retransmitted(struct ids_segment *s)
{
	s->dir->retransmitted++;
	ids_count(IDS_STAT_RETRANSMISSIONS);
	/* Which of the two is acknowledged then nobody knows (Karn). */
	s->dir->probe_us = 0;
}

/*
 * Of a SYN, `next` is behind it and `probe` behind the data that it may bring along: a server acknowledges either (RFC
 * 7413). The time of the last one is kept for the time of the answer.
 */
static __always_inline void ids_flow_syn(struct ids_packet *pkt, struct ids_segment *s)
{
	__u32 now_us = ids_flow_us(s->flow, ids_now(pkt));
	__u32 state = s->flow->state;

	if (!(s->flags & IDS_TCP_ACK)) {
		if (pkt->direction != IDS_TO_SERVER || state != IDS_FLOW_NEW)
			return;
		if (s->dir->packets && s->seq + 1 == s->dir->next)
			ids_flow_retransmitted(s);
		s->dir->next = s->flow->first[IDS_TO_SERVER] = s->seq + 1;
		s->dir->probe = s->end;
		s->dir->probe_us = now_us;
		return;
	}
	if (pkt->direction != IDS_TO_CLIENT || !(s->peer->tcp_flags & IDS_TCP_SYN) ||
	    !ids_between(s->peer->next, s->ack, s->peer->probe))
		return;
	if (state == IDS_FLOW_NEW) {
		if (!ids_flow_turn(s->flow, IDS_FLOW_NEW, IDS_FLOW_ANSWERED, 0))
			return;
		pkt->refused = s->ack == s->peer->next && s->ack != s->peer->probe;
		s->flow->server_us = now_us > s->peer->probe_us ? now_us - s->peer->probe_us : 1;
		ids_flow_note_time(IDS_TIME_SERVER, s->flow->server_us);
	} else if (state != IDS_FLOW_ANSWERED) {
		return;
	} else if (s->seq + 1 == s->dir->next) {
		ids_flow_retransmitted(s);
	}
	s->peer->next = s->ack;
	s->dir->next = s->flow->first[IDS_TO_CLIENT] = s->seq + 1;
	s->dir->ack = s->ack;
	s->dir->probe_us = now_us;
}

static __always_inline void ids_flow_rst(struct ids_packet *pkt, struct ids_segment *s)
{
	__u32 state = s->flow->state;
	bool valid;

	if (state == IDS_FLOW_CLOSED)
		return;
	if (state == IDS_FLOW_NEW && s->peer->tcp_flags & IDS_TCP_SYN && pkt->direction == IDS_TO_CLIENT) {
		/* The answer of a closed port acknowledges the SYN. */
		if (s->flags & IDS_TCP_ACK && ids_between(s->peer->next, s->ack, s->peer->probe) &&
		    ids_flow_turn(s->flow, state, IDS_FLOW_CLOSED, IDS_FLOW_END_RST)) {
			s->dir->ended |= IDS_ENDED_RST;
			ids_count(IDS_STAT_REFUSED);
		}
		return;
	}
	/* Between what the receiver has acknowledged and what was sent: RFC 5961 wants no less of the receiver. */
	valid = s->seq == s->dir->next;
	if (s->peer->packets)
		valid |= s->seq == s->peer->ack ||
			 ((__s32)(s->dir->next - s->peer->ack) > 0 && ids_between(s->peer->ack, s->seq, s->dir->next));
	if (!valid || !s->dir->packets || !ids_flow_turn(s->flow, state, IDS_FLOW_CLOSED, IDS_FLOW_END_RST))
		return;
	s->dir->ended |= IDS_ENDED_RST;
	if (state >= IDS_FLOW_ESTABLISHED)
		ids_count(IDS_STAT_RESETS);
}

/* The time from data to its acknowledgement, smoothed as TCP does it. */
static __always_inline void ids_flow_sample(struct ids_packet *pkt, struct ids_segment *s)
{
	__u32 now_us = ids_flow_us(s->flow, ids_now(pkt));
	__u32 us = now_us > s->peer->probe_us ? now_us - s->peer->probe_us : 1;
	__u32 known = s->flow->rtt_us;

	s->peer->probe_us = 0;
	s->flow->rtt_us = known ? known - known / 8 + us / 8 : us;
	ids_flow_note_time(IDS_TIME_RTT, us);
}

/* Sequence numbers of a segment of a flow whose handshake is over; returns whether it brought anything new. */
static __always_inline bool ids_flow_numbers(struct ids_packet *pkt, struct ids_segment *s)
{
	bool fresh = (__s32)(s->end - s->dir->next) > 0;

	if (!s->dir->packets) {
		/* Picked up on the way. */
		s->dir->next = s->end;
		s->dir->ack = s->ack;
		return false;
	}
	if (fresh && (!s->peer->packets || s->end - s->peer->ack < IDS_FLOW_AHEAD)) {
		s->dir->next = s->end;
		/* One a tick is enough: what answers it goes the long way. */
		if (s->length && !s->dir->probe_us && (!s->flow->rtt_us || ids_flow_ticked(s->flow, ids_coarse(pkt)))) {
			s->dir->probe = s->end;
			s->dir->probe_us = ids_flow_us(s->flow, ids_now(pkt));
		}
	} else if (s->length > 1 || (s->length && s->seq + 1 != s->dir->next)) {
		/* One byte before what is expected asks whether the other side lives. */
		ids_flow_retransmitted(s);
	}
	if (!(s->flags & IDS_TCP_ACK) || (__s32)(s->ack - s->dir->ack) <= 0 || s->ack - s->dir->ack >= IDS_FLOW_AHEAD)
		return fresh;
	s->dir->ack = s->ack;
	if (s->peer->probe_us && (__s32)(s->ack - s->peer->probe) >= 0)
		ids_flow_sample(pkt, s);
	/* What is acknowledged was sent, though nobody has seen it here. */
	if ((__s32)(s->ack - s->peer->next) > 0)
		s->peer->next = s->ack;
	return true;
}

/* Where one side alone is seen, and mid-stream pick-up is on, who goes on behind his SYN is established. */
static __always_inline bool ids_flow_one_sided(struct ids_packet *pkt, struct ids_segment *s)
{
	__u32 state = s->flow->state;

	if (!(pkt->control & IDS_CONTROL_MIDSTREAM) || s->peer->packets || !(s->dir->tcp_flags & IDS_TCP_SYN) ||
	    state >= IDS_FLOW_ESTABLISHED || !(s->flags & IDS_TCP_ACK) || s->seq != s->dir->next ||
	    !ids_flow_turn(s->flow, state, IDS_FLOW_ESTABLISHED, 0))
		return false;
	s->flow->proven = 1;
	s->dir->probe_us = 0;
	ids_flow_flag(s->flow, IDS_FLOW_MIDSTREAM);
	ids_count(IDS_STAT_FLOWS_MIDSTREAM);
	return true;
}

static __always_inline void ids_flow_segment(struct ids_packet *pkt, struct ids_segment *s)
{
	__u32 state = s->flow->state;
	bool news;

	if (ids_flow_one_sided(pkt, s))
		state = IDS_FLOW_ESTABLISHED;
	if (state == IDS_FLOW_NEW && (s->dir->tcp_flags | s->peer->tcp_flags) & IDS_TCP_SYN)
		return;
	if (state == IDS_FLOW_ANSWERED) {
		__u32 us;

		if (pkt->direction != IDS_TO_SERVER || !(s->flags & IDS_TCP_ACK) || s->ack != s->peer->next ||
		    s->seq - s->dir->next > IDS_FLOW_LOSS ||
		    !ids_flow_turn(s->flow, IDS_FLOW_ANSWERED, IDS_FLOW_ESTABLISHED, 0))
			return;
		us = ids_flow_us(s->flow, ids_now(pkt));
		s->flow->client_us = us > s->peer->probe_us ? us - s->peer->probe_us : 1;
		ids_flow_note_time(IDS_TIME_CLIENT, s->flow->client_us);
		s->flow->proven = 1;
		s->dir->ack = s->ack;
		s->peer->probe_us = s->dir->probe_us = 0;
		ids_count(IDS_STAT_HANDSHAKES);
		state = IDS_FLOW_ESTABLISHED;
	}
	news = ids_flow_numbers(pkt, s);
	if (state < IDS_FLOW_ESTABLISHED)
		return;
	if (s->flags & IDS_TCP_FIN && s->end == s->dir->next && !(s->dir->ended & IDS_ENDED_FIN)) {
		s->dir->ended |= IDS_ENDED_FIN;
		if (!(s->peer->ended & IDS_ENDED_FIN))
			ids_flow_turn(s->flow, IDS_FLOW_ESTABLISHED, IDS_FLOW_CLOSING, 0);
		else
			ids_flow_turn(s->flow, state, IDS_FLOW_CLOSED, IDS_FLOW_END_FIN);
	}
	/* Who goes on with new data or acknowledges some has not had the RST: it was not for him, or broken on purpose. */
	if (news && state == IDS_FLOW_CLOSED && s->peer->ended & IDS_ENDED_RST && s->flow->proven) {
		s->peer->ended &= ~IDS_ENDED_RST;
		ids_flow_turn(s->flow, IDS_FLOW_CLOSED, IDS_FLOW_ESTABLISHED, 0);
	}
}

/* Before the packet is taken into it: what stream-event asks for. */
static __always_inline __u32 ids_stream_bits(struct ids_segment *s, bool to_client)
{
	__u32 state = s->flow->state, payload = s->seq + s->length, bits;
	bool acked = s->peer->packets && s->length && (__s32)(payload - s->peer->ack) <= 0;
	bool behind = s->peer->packets && (__s32)(payload - s->peer->ack) < 0;

	if (!s->flow->proven && !((s->dir->tcp_flags | s->peer->tcp_flags) & IDS_TCP_SYN))
		return 0;
	bits = state & IDS_STREAM_STATE;
	if (s->flags & IDS_TCP_SYN) {
		if (s->seq + 1 == s->flow->first[to_client])
			bits |= IDS_STREAM_SEQ;
		if (state == IDS_FLOW_NEW ? ids_between(s->peer->next, s->ack, s->peer->probe) : s->ack == s->dir->ack)
			bits |= IDS_STREAM_ACK;
		return bits;
	}
	if (s->flags & IDS_TCP_RST)
		return bits;
	if ((s->dir->ended & (IDS_ENDED_RST | IDS_ENDED_TOLD)) == IDS_ENDED_RST) {
		s->dir->ended |= IDS_ENDED_TOLD;
		bits |= IDS_STREAM_AFTER_RST;
	}
	if (!s->dir->packets || state < IDS_FLOW_ESTABLISHED)
		return bits;
	if (acked)
		bits |= IDS_STREAM_ACKED;
	if (behind && !(s->seq + 1 == s->dir->next && s->length <= 1))
		bits |= IDS_STREAM_BEHIND;
	if (s->length &&
	    (acked || (__s32)(payload - s->dir->next) <= 0 || (s->peer->packets && (__s32)(s->seq - s->peer->ack) < 0)))
		bits |= IDS_STREAM_AGAIN;
	return bits;
}

/* Takes the packet into the state of its flow. */
__noinline int ids_flow_tcp(struct ids_packet *pkt)
{
	struct ids_segment s = {};
	__u32 side;

	if (!pkt)
		return 0;
	s.flow = ids_flow_at(pkt->flow);
	if (!s.flow)
		return 0;
	side = pkt->direction & 1;
	s.dir = &s.flow->dir[side];
	s.peer = &s.flow->dir[side ^ 1];
	s.flags = pkt->field[IDS_FIELD_TCP_FLAGS];
	s.seq = pkt->field[IDS_FIELD_TCP_SEQ];
	s.ack = pkt->field[IDS_FIELD_TCP_ACK];
	s.length = pkt->payload_len;
	s.end = s.seq + s.length + !!(s.flags & IDS_TCP_SYN) + !!(s.flags & IDS_TCP_FIN);
	pkt->field[IDS_FIELD_STREAM] = ids_stream_bits(&s, side);
	pkt->in_window = !s.dir->packets || s.seq - s.dir->next + IDS_FLOW_NEAR < 2 * IDS_FLOW_NEAR;
	if (s.flags & IDS_TCP_RST)
		ids_flow_rst(pkt, &s);
	else if (s.flags & IDS_TCP_SYN)
		ids_flow_syn(pkt, &s);
	else
		ids_flow_segment(pkt, &s);
	s.dir->tcp_flags |= s.flags;
	return 0;
}

#endif
