/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The header rules: those that can match are checked exactly, and what they say is carried out in their order. */
#ifndef IDS_RULES_H
#define IDS_RULES_H

#include "classify.h"
#include "lists.h"
#include "thresholds.h"

/* Where the walk over the candidates stands. */
struct ids_walk {
	struct ids_packet *pkt;
	const struct ids_ruleset *set;
	__u32 last; /* position of the last rule whose conditions held */
	bool again; /* rules that alert once have had a packet of this direction */
};

static __always_inline bool ids_conditions_hold(const struct ids_packet *pkt, const struct ids_rule *rule)
{
	__u32 n, met = 0;

#pragma clang loop unroll(disable)
	for (n = 0; n < IDS_RULE_CONDS; n++) {
		const struct ids_cond *cond = &rule->cond[n];
		__u32 field = cond->field & (IDS_FIELDS - 1);
		__u32 value;
		bool inside;

		if (n >= rule->conds)
			break;
		value = pkt->field[field] & cond->mask;
		inside = value >= cond->lo && value <= cond->hi;
		/* Of two that are joined one is enough. */
		met |= pkt->present >> field & (inside ^ (cond->flags & IDS_COND_NEGATE));
		if (cond->flags & IDS_COND_OR)
			continue;
		if (!(met & 1))
			return false;
		met = 0;
	}
	return true;
}

/* Notes that the rule raises an event once the packet's decision is final. */
static __always_inline void ids_note_match(struct ids_packet *pkt, const struct ids_rule *rule, __u32 position)
{
	__u32 n = pkt->matches;

	if (n >= IDS_MATCHES) {
		ids_count(IDS_STAT_MATCHES_DISCARDED);
		return;
	}
	pkt->match[n].rule = position;
	pkt->match[n].sid = rule->sid;
	pkt->match[n].count = rule->threshold ? pkt->window : 0;
	pkt->matches = n + 1;
}

/*
 * Whether this rule has alerted on the first fragment of the datagram: it does not say the same twice. Of a fragment it
 * is noted.
 */
static __always_inline bool ids_told(struct ids_packet *pkt, __u32 position)
{
	__u32 n;

	for (n = 0; n < IDS_MATCHES; n++) {
		if (n >= pkt->tolds)
			break;
		if (pkt->told[n] == position)
			return pkt->assembled;
	}
	if (n < IDS_MATCHES && pkt->fragment) {
		pkt->told[n] = position;
		pkt->tolds = n + 1;
	}
	return false;
}

/* Carries out one rule; returns 1 if no other is to be looked at. */
static __always_inline long ids_apply(struct ids_walk *walk, __u32 position)
{
	struct ids_packet *pkt = walk->pkt;
	const struct ids_rule *rule = &walk->set->rule[position];
	int result = IDS_RESULT_ALERT;
	struct ids_rule_count *count;
	__u8 action = rule->action;

	if (!ids_conditions_hold(pkt, rule))
		return 0;
	if (rule->flags & IDS_RULE_HAND_OVER) {
		pkt->handed = true;
		return 0;
	}
	if (position - walk->last <= rule->back)
		return 0;
	walk->last = position;
	if (walk->again && rule->flags & IDS_RULE_ONCE)
		return 0;
	if (pkt->fragment | pkt->tolds && rule->action == IDS_ACTION_ALERT && ids_told(pkt, position))
		return 0;
	if (rule->threshold) {
		result = ids_threshold(pkt, rule);
		if (result == IDS_RESULT_NONE)
			return 0;
	}
	if (result == IDS_RESULT_RATED)
		action = rule->new_action;
	count = ids_rule_counter(pkt, position);
	if (count) {
		count->matched++;
		if (result == IDS_RESULT_SILENT)
			count->silenced++;
	}
	if (action == IDS_ACTION_PASS) {
		pkt->reason = IDS_REASON_RULE_PASS;
		pkt->decider = position;
		if (rule->flags & IDS_RULE_FLOW && pkt->flow_id) {
			struct ids_flow *flow = ids_flow_at(pkt->flow);

			if (flow)
				ids_flow_flag(flow, IDS_FLOW_PASSED);
		}
		return 1;
	}
	if (action != IDS_ACTION_ALERT && pkt->verdict == IDS_VERDICT_PASS) {
		bool reject = action == IDS_ACTION_REJECT;

		pkt->verdict = reject ? IDS_VERDICT_REJECT : IDS_VERDICT_DROP;
		pkt->reason = result == IDS_RESULT_RATED ? IDS_REASON_RULE_RATE
			      : reject                   ? IDS_REASON_RULE_REJECT
							 : IDS_REASON_RULE_DROP;
		pkt->decider = position;
		pkt->sides = rule->flags;
	}
	/* Of one that decides the packet's own record is raised, silent or not. */
	if (result != IDS_RESULT_SILENT && (!(rule->flags & IDS_RULE_NOALERT) || pkt->decider == position))
		ids_note_match(pkt, rule, position);
	return 0;
}

/* One candidate: the lowest bit that is left. */
static long ids_next_candidate(__u32 index, void *data)
{
	struct ids_walk *walk = data;
	struct ids_packet *pkt = walk->pkt;
	__u64 live = pkt->live, bits;
	__u32 word, bit;

	(void)index;
	if (!live)
		return 1;
	word = ids_lowest(live) & (IDS_RULE_WORDS - 1);
	bits = pkt->candidate[word];
	if (!bits)
		return 1;
	bit = ids_lowest(bits) & 63;
	bits &= bits - 1;
	pkt->candidate[word] = bits;
	if (!bits)
		pkt->live = live & (live - 1);
	return ids_apply(walk, word * 64 + bit);
}

/* Whether a packet of the flow's direction has been judged by this rule set before; notes that one has. */
static __always_inline bool ids_judged_again(const struct ids_packet *pkt, const struct ids_ruleset *set)
{
	struct ids_flow *flow = pkt->flow_id ? ids_flow_at(pkt->flow) : 0;
	__u16 mark = set->generation % 0xffff + 1;

	if (!flow || !(set->flags & IDS_RULESET_ONCE))
		return false;
	if (flow->told[pkt->direction & 1] == mark)
		return true;
	flow->told[pkt->direction & 1] = mark;
	return false;
}

/*
 * Judges the packet by the rule set in force. `again`: by the rules that ask what the flow was recognised as, since it was
 * this packet that has shown it.
 */
__noinline int ids_judge_rules(struct ids_packet *pkt, bool again)
{
	struct ids_walk walk = { .last = IDS_MAX_RULES };
	const struct ids_ruleset *set;

	if (!pkt)
		return 0;
	set = ids_ruleset(pkt);
	if (!set) {
		if (pkt->reason == IDS_REASON_CLEAN)
			pkt->reason = IDS_REASON_INTERNAL;
		return 0;
	}
	pkt->generation = set->generation;
	pkt->http = !!(set->flags & IDS_RULESET_HTTP);
	if (!set->rules)
		return 0;
	if (again)
		pkt->field[IDS_FIELD_FLOW] = (pkt->field[IDS_FIELD_FLOW] & ~IDS_FLOWBIT_APP) | pkt->app << 8;
	ids_candidates(pkt, set, again ? set->apps[pkt->proto_key == IPPROTO_UDP] : set->proto[ids_protocol_key(pkt)]);
	if (pkt->live)
		ids_address_candidates(pkt, set);
	if (!pkt->live)
		return 0;
	walk.pkt = pkt;
	walk.set = set;
	walk.again = ids_judged_again(pkt, set);
	bpf_loop(IDS_MAX_RULES, ids_next_candidate, &walk, 0);
	if (pkt->verdict != IDS_VERDICT_PASS)
		ids_spared(pkt, ids_allowed(pkt));
	return 0;
}

#endif
