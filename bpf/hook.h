/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What differs between the two places where packets are judged: XDP, where they come in, and tc, where they leave. A
 * function that needs the context takes `void *ctx, const enum ids_hook hook`; the hook is a constant wherever code is
 * made, so that each program holds its own branches alone. Everything else works on struct ids_packet.
 */
#ifndef IDS_HOOK_H
#define IDS_HOOK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

struct ids_packet;

#define IDS_LIST(...)       __VA_ARGS__
#define IDS_UNUSED          __attribute__((unused))
/* clang hands over nothing for a parameter that is not used; the verifier expects a context all the same. */
#define IDS_USED(parameter) asm volatile("" : : "r"(parameter))
#define IDS_BODY_OF(name, ...)                                                                            \
	static __always_inline int name##_body(void *ctx IDS_UNUSED, const enum ids_hook hook IDS_UNUSED, \
					       struct ids_packet *pkt, ##__VA_ARGS__)

/*
 * Begins a function that is verified once and called, not inlined, and needs the context: the verifier wants to see its
 * type, so there is NAME_xdp and NAME_tc, and NAME(ctx, hook, pkt, ...) takes the right one. The body follows; it has
 * ctx, hook and pkt, which is not null, and returns an int. What else it is handed is unknown to the verifier.
 *   IDS_OUTLINE(ids_example) { ... }
 *   IDS_OUTLINE_WITH(ids_example, (__u32 at, __u32 length), (at, length)) { ... }
 */
#define IDS_OUTLINE(name)                                                                            \
	IDS_BODY_OF(name);                                                                           \
	__noinline int name##_xdp(struct xdp_md *ctx, struct ids_packet *pkt)                        \
	{                                                                                            \
		IDS_USED(ctx);                                                                       \
		return pkt ? name##_body(ctx, IDS_HOOK_XDP, pkt) : 0;                                \
	}                                                                                            \
	__noinline int name##_tc(struct __sk_buff *ctx, struct ids_packet *pkt)                      \
	{                                                                                            \
		IDS_USED(ctx);                                                                       \
		return pkt ? name##_body(ctx, IDS_HOOK_TC, pkt) : 0;                                 \
	}                                                                                            \
	static __always_inline int name(void *ctx, const enum ids_hook hook, struct ids_packet *pkt) \
	{                                                                                            \
		return hook == IDS_HOOK_TC ? name##_tc(ctx, pkt) : name##_xdp(ctx, pkt);             \
	}                                                                                            \
	IDS_BODY_OF(name)

#define IDS_OUTLINE_WITH(name, parameters, arguments)                                                \
	IDS_BODY_OF(name, IDS_LIST parameters);                                                      \
	__noinline int name##_xdp(struct xdp_md *ctx, struct ids_packet *pkt, IDS_LIST parameters)   \
	{                                                                                            \
		IDS_USED(ctx);                                                                       \
		return pkt ? name##_body(ctx, IDS_HOOK_XDP, pkt, IDS_LIST arguments) : 0;            \
	}                                                                                            \
	__noinline int name##_tc(struct __sk_buff *ctx, struct ids_packet *pkt, IDS_LIST parameters) \
	{                                                                                            \
		IDS_USED(ctx);                                                                       \
		return pkt ? name##_body(ctx, IDS_HOOK_TC, pkt, IDS_LIST arguments) : 0;             \
	}                                                                                            \
	static __always_inline int name(void *ctx, const enum ids_hook hook, struct ids_packet *pkt, \
					IDS_LIST parameters)                                         \
	{                                                                                            \
		return hook == IDS_HOOK_TC ? name##_tc(ctx, pkt, IDS_LIST arguments)                 \
					   : name##_xdp(ctx, pkt, IDS_LIST arguments);               \
	}                                                                                            \
	IDS_BODY_OF(name, IDS_LIST parameters)

/* Bytes of the whole frame, wherever they lie. */
static __always_inline __u32 ids_frame_length(void *ctx, const enum ids_hook hook)
{
	return hook == IDS_HOOK_TC ? ((struct __sk_buff *)ctx)->len : bpf_xdp_get_buff_len(ctx);
}

/* The interface that the frame came in by, or leaves by. */
static __always_inline __u32 ids_frame_interface(void *ctx, const enum ids_hook hook)
{
	return hook == IDS_HOOK_TC ? ((struct __sk_buff *)ctx)->ifindex : ((struct xdp_md *)ctx)->ingress_ifindex;
}

/* Where the part of the frame begins and ends that can be read in place. */
static __always_inline void *ids_frame_begin(void *ctx, const enum ids_hook hook)
{
	return (void *)(long)(hook == IDS_HOOK_TC ? ((struct __sk_buff *)ctx)->data : ((struct xdp_md *)ctx)->data);
}

static __always_inline void *ids_frame_end(void *ctx, const enum ids_hook hook)
{
	return (void *)(long)(hook == IDS_HOOK_TC ? ((struct __sk_buff *)ctx)->data_end
						  : ((struct xdp_md *)ctx)->data_end);
}

#endif
