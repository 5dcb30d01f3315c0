/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The types that the engine sees. BTF keeps only what the programs refer to, so one null pointer to a struct of all of
 * them refers to each: it costs 8 bytes of .rodata. common/abi.gen.ts describes exactly the types that are named here.
 */
#ifndef IDS_EXPORT_H
#define IDS_EXPORT_H

#include "abi.h"

struct ids_export {
	enum ids_limit limit;
	enum ids_l4_space l4_space;
	enum ids_hook hook;
	enum ids_verdict verdict;
	enum ids_reason reason;
	enum ids_field field;
	enum ids_ipopt ipopt;
	enum ids_tcpopt tcpopt;
	enum ids_cond_flag cond_flag;
	enum ids_action action;
	enum ids_inspect inspect;
	enum ids_inspect_flag inspect_flag;
	enum ids_threshold threshold;
	enum ids_track track;
	enum ids_unique unique;
	enum ids_rule_flag rule_flag;
	enum ids_ruleset_flag ruleset_flag;
	enum ids_list_limit list_limit;
	enum ids_entry_bit entry_bit;
	enum ids_front_bit front_bit;
	enum ids_allow_kind allow_kind;
	enum ids_control_flag control_flag;
	enum ids_interface_flag interface_flag;
	enum ids_stat stat;
	enum ids_event_type event_type;
	enum ids_event_flag event_flag;
	enum ids_sleep sleep;
	enum ids_structure_kind structure_kind;
	enum ids_http_flag http_flag;
	enum ids_cut_flag cut_flag;
	enum ids_flow_limit flow_limit;
	enum ids_direction direction;
	enum ids_flow_state flow_state;
	enum ids_flow_end flow_end;
	enum ids_flow_flag flow_flag;
	enum ids_flow_bit flow_bit;
	enum ids_flow_order flow_order;
	enum ids_flow_ended flow_ended;
	enum ids_stream_bit stream_bit;
	enum ids_flow_cached flow_cached;
	enum ids_flow_time flow_time;
	enum ids_timeout timeout;
	enum ids_l7_limit l7_limit;
	enum ids_app app;
	enum ids_l7_phase l7_phase;
	enum ids_l7_flag l7_flag;
	enum ids_l7_step l7_step;
	enum ids_method method;
	enum ids_chosen chosen;
	enum ids_region region;
	enum ids_edge_shift edge_shift;
	enum ids_structure_bit structure_bit;
	enum ids_pattern_flag pattern_flag;
	enum ids_gram_kind gram_kind;
	enum ids_gram_place gram_place;
	enum ids_l7_rule_flag l7_rule_flag;
	enum ids_term_bit term_bit;
	enum ids_pattern_bit pattern_bit;
	enum ids_l7_setting l7_setting;
	enum ids_log_flag log_flag;
	enum ids_log_limit log_limit;
	enum ids_bytes_flag bytes_flag;
	enum ids_top_kind top_kind;
	enum ids_top_limit top_limit;
	struct ids_cond cond;
	struct ids_rule rule;
	struct ids_ruleset ruleset;
	struct ids_prefix prefix;
	struct ids_address_class address_class;
	struct ids_hits hits;
	struct ids_entry4 entry4;
	struct ids_line4 line4;
	struct ids_entry6 entry6;
	struct ids_line6 line6;
	struct ids_front front;
	struct ids_length_set length_set;
	struct ids_length_buckets length_buckets;
	struct ids_list_root list_root;
	struct ids_set set;
	struct ids_allow allow;
	struct ids_control control;
	struct ids_interface interface;
	struct ids_verdict_count verdict_count;
	struct ids_rule_count rule_count;
	struct ids_event event;
	struct ids_http http;
	struct ids_cut_key cut_key;
	struct ids_cut cut;
	struct ids_flow_dir flow_dir;
	struct ids_flow flow;
	struct ids_flow_orders flow_orders;
	struct ids_flow_record flow_record;
	struct ids_l7_dir l7_dir;
	struct ids_l7 l7;
	struct ids_structure structure;
	struct ids_pattern pattern;
	struct ids_l7_rule l7_rule;
	struct ids_gram gram;
	struct ids_patterns patterns;
	struct ids_log log;
	struct ids_l7_settings l7_settings;
	struct ids_masked masked;
	struct ids_bytes_record bytes_record;
	struct ids_headers headers;
	struct ids_top_set top_set;
	struct ids_top top;
};

const struct ids_export *const ids_exported = 0;

#endif
